//! Random requests of the binary protocol.

use crate::random::Random;
use crate::text::{data, key};

/// Every opcode but the statistics, and two that do not exist.
const OPCODES: [u8; 33] = [
    0x00, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18, 0x19, 0x1a, 0x1c, 0x1d, 0x1e, 0x23, 0x24, 0x11, 0x3f,
    0x1b,
];

pub(crate) fn command(random: &mut Random) -> Vec<u8> {
    let opcode = OPCODES[random.below(OPCODES.len() as u64) as usize];
    let mut extras = Vec::new();
    let mut key = key(random).into_bytes();
    let mut value = Vec::new();
    let exptime = [0_u32, 0, 1000, 2_000_000_000][random.below(4) as usize].to_be_bytes();
    match opcode {
        0x01..=0x03 | 0x11..=0x13 => {
            extras.extend((random.next() as u32).to_be_bytes());
            extras.extend(exptime);
            value = data(random);
        }
        0x05 | 0x06 | 0x15 | 0x16 => {
            extras.extend(random.below(1000).to_be_bytes());
            extras.extend(random.below(1000).to_be_bytes());
            extras.extend(if random.one_in(2) { [0xff; 4] } else { exptime });
        }
        0x0e | 0x0f | 0x19 | 0x1a => value = data(random),
        0x1c | 0x1d | 0x1e | 0x23 | 0x24 => extras.extend(exptime),
        // An unknown opcode with extras or a key is one of the known differences.
        0x08 | 0x18 | 0x0a | 0x0b | 0x3f | 0x1b => key.clear(),
        _ => {}
    }
    // Whatever is wrong with the lengths closes the connection.
    let is_known = opcode != 0x3f && opcode != 0x1b;
    if is_known && random.one_in(300) {
        extras.push(0);
    }
    if random.one_in(300) {
        key.clear();
    }
    let cas = if random.one_in(8) { random.bits(16) } else { 0 };
    let request = request(opcode, &extras, &key, &value, cas, random.next() as u32);
    match opcode {
        // memcached changes a number in another way while the reply to a `get` of it is unsent:
        // a no-op has it sent.
        0x05 | 0x06 | 0x15 | 0x16 => [noop(), request].concat(),
        _ => request,
    }
}

fn noop() -> Vec<u8> {
    request(0x0a, b"", b"", b"", 0, 0)
}

fn request(opcode: u8, extras: &[u8], key: &[u8], value: &[u8], cas: u64, opaque: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, opcode];
    bytes.extend((key.len() as u16).to_be_bytes());
    bytes.extend([extras.len() as u8, 0, 0, 0]);
    bytes.extend(((extras.len() + key.len() + value.len()) as u32).to_be_bytes());
    bytes.extend(opaque.to_be_bytes());
    bytes.extend(cas.to_be_bytes());
    [&bytes, extras, key, value].concat()
}
