//! Random commands of the classic protocol.

use crate::random::Random;

/// Few keys, so that commands meet each other's items.
const KEYS: [&str; 6] = [
    "a",
    "b",
    "counter",
    "key:with:colons",
    "k\u{fc}",
    "longer-key-0123456789",
];
const EXPTIMES: [&str; 6] = ["0", "0", "1000", "100000", "-1", "2000000000"];
const FLAGS: [&str; 5] = ["0", "1", "65535", "4294967295", "4294967296"];
const BROKEN: [&str; 24] = [
    "",
    " ",
    "x",
    "get",
    "gets",
    "gat",
    "gat x a",
    "gat 0",
    "set",
    "set a",
    "set a 0 0",
    "set a x 0 1",
    "set a 0 0 -1",
    "set a 0 0 x",
    "incr a",
    "incr a x",
    "decr a -1",
    "touch a",
    "touch a x",
    "cas a 0 0 1",
    "delete",
    "delete a 1",
    "verbosity",
    "flush_all x",
];

pub(crate) fn key(random: &mut Random) -> String {
    if random.one_in(40) {
        return "k".repeat(245 + random.below(6) as usize);
    }
    random.pick(&KEYS).to_string()
}

/// Data that looks like nothing that is made equal.
pub(crate) fn data(random: &mut Random) -> Vec<u8> {
    if random.one_in(3) {
        return random.below(1000).to_string().into_bytes();
    }
    let length = match random.below(20) {
        0 => random.below(20_000),
        1..4 => random.below(500),
        _ => random.below(12),
    };
    let mut data: Vec<u8> = (0..length)
        .map(|_| b"abcdef\r\n\0\xff_0"[random.below(12) as usize])
        .collect();
    // memcached looks for a number behind an item that is nothing but white space.
    if data.iter().all(u8::is_ascii_whitespace) {
        data.push(b'x');
    }
    data
}

/// Now and then a block that is too long or too short for its line.
fn block(random: &mut Random, data: &[u8]) -> Vec<u8> {
    let mut block = data.to_vec();
    match random.below(40) {
        0 => block.extend(b"\r\n\r\nversion\r\n"),
        1 => block.extend(b"xx\r\n"),
        _ => block.extend(b"\r\n"),
    }
    block
}

pub(crate) fn command(random: &mut Random) -> Vec<u8> {
    let noreply = if random.one_in(8) { " noreply" } else { "" };
    let end = if random.one_in(10) { "\n" } else { "\r\n" };
    let key = key(random);
    let line = match random.below(20) {
        0..6 => return storage(random, &key, noreply, end),
        6..9 => retrieval(random, &key),
        9..11 => format!("incr {key} {}{noreply}", random.bits(64)),
        11..13 => format!("decr {key} {}{noreply}", random.below(1000)),
        13 => format!("delete {key}{noreply}"),
        14 => format!("touch {key} {}{noreply}", random.pick(&EXPTIMES)),
        15 => format!("delete {key} 0{noreply}"),
        16 if random.one_in(4) => format!("flush_all{noreply}"),
        16 => "version".into(),
        17 => format!("verbosity {}{noreply}", random.below(2)),
        18 => random
            .pick(&[
                "mn",
                "bogus",
                "gett a",
                "quitt",
                "stats nonsense",
                "shutdown",
            ])
            .into(),
        _ => random.pick(&BROKEN).to_string(),
    };
    (line + end).into_bytes()
}

fn storage(random: &mut Random, key: &str, noreply: &str, end: &str) -> Vec<u8> {
    let name = random.pick(&[
        "set", "set", "set", "add", "replace", "append", "prepend", "cas",
    ]);
    let (flags, exptime) = (random.pick(&FLAGS), random.pick(&EXPTIMES));
    let data = data(random);
    let cas = match name {
        "cas" => format!(" {}", random.bits(16)),
        _ => String::new(),
    };
    let line = format!(
        "{name} {key} {flags} {exptime} {}{cas}{noreply}{end}",
        data.len()
    );
    [line.into_bytes(), block(random, &data)].concat()
}

fn retrieval(random: &mut Random, first: &str) -> String {
    let name = random.pick(&["get", "get", "gets", "gat 0", "gats 1000", "gat -1"]);
    let mut line = format!("{name} {first}");
    for _ in 0..random.below(4) {
        line += &format!(" {}", key(random));
    }
    line
}
