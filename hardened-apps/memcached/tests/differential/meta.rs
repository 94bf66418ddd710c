//! Random commands of the meta protocol.

use crate::random::Random;
use crate::text::{data, key};

/// Flags for all commands, the wrong ones among them. None that only time tells apart.
const FLAGS: [&str; 30] = [
    "s",
    "v",
    "c",
    "f",
    "h",
    "k",
    "q",
    "u",
    "t",
    "I",
    "l",
    "O123",
    "Oopaque",
    "T0",
    "T1000",
    "T-1",
    "N0",
    "N1000",
    "R30",
    "R5000",
    "F7",
    "F4294967295",
    "C1",
    "ME",
    "MA",
    "MR",
    "MS",
    "MP",
    "J13",
    "D5",
];
const BROKEN: [&str; 12] = [
    "x",
    "Tx",
    "Nx",
    "Cx",
    "Fx",
    "MEE",
    "MZ",
    "Jx",
    "Dx",
    "s s",
    "!",
    "O012345678901234567890123456789012345",
];

pub(crate) fn command(random: &mut Random) -> Vec<u8> {
    let binary = random.one_in(8);
    let key = if binary {
        random
            .pick(&["Zm9v", "44OG44K544OI", "YQ==", "!!", "Zm9"])
            .to_string()
    } else {
        key(random)
    };
    let flags = flags(random, binary);
    match random.below(12) {
        0..4 => format!("mg {key}{flags}\r\n").into_bytes(),
        4..8 => {
            let data = data(random);
            let line = format!("ms {key} {}{flags}\r\n", data.len());
            let end: &[u8] = if random.one_in(40) {
                b"xx\r\n"
            } else {
                b"\r\n"
            };
            [line.as_bytes(), &data, end].concat()
        }
        8 => format!("md {key}{flags}\r\n").into_bytes(),
        // memcached changes a number in another way while the reply to an `mg` of it is unsent:
        // `mn` has it sent. A new time for a number that grows is one of the known differences.
        9..11 => format!("mn\r\nma {key}{}\r\n", flags.replace(" T", " O")).into_bytes(),
        _ => random
            .pick(&[
                "me a\r\n",
                "me none\r\n",
                "mg\r\n",
                "ms\r\n",
                "ms a\r\n",
                "ms a x\r\n",
                "mn\r\n",
                "mx\r\n",
                "me\r\n",
            ])
            .as_bytes()
            .to_vec(),
    }
}

fn flags(random: &mut Random, binary: bool) -> String {
    let mut flags = String::new();
    if binary {
        flags += " b";
    }
    for _ in 0..random.below(6) {
        flags += " ";
        flags += random.pick(&FLAGS);
    }
    if random.one_in(12) {
        flags += " ";
        flags += random.pick(&BROKEN);
    }
    if random.one_in(100) {
        flags += " s v c f h k q u t I l b O1 T0 N0 R0 F0 C0 MS J0 D0";
    }
    flags
}
