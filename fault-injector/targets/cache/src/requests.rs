//! The clients: which items there are, and what is asked about them.

/// Items in the shard when the first request comes.
pub(crate) const ITEMS: u64 = 300;
/// Items beyond those, which requests miss or create.
const ABSENT: u64 = 30;
const VALUE_BYTES: usize = 128;
/// Items whose value is a number.
const NUMBERS: u64 = 40;

/// The request that stores item `item` at the start.
pub(crate) fn fill(item: u64) -> Vec<u8> {
    set("set", item, item as u32 % 7, &value(item, 0), "")
}

/// `count` requests drawn from `seed`.
pub(crate) fn generate(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(seed ^ 0x9E37_79B9_7F4A_7C15);
    (0..count)
        .map(|number| request(&mut random, number as u64 + 1))
        .collect()
}

fn request(random: &mut Random, version: u64) -> Vec<u8> {
    let item = random.below(ITEMS + ABSENT);
    let number = random.below(NUMBERS);
    let value = value(item, version);
    match random.below(20) {
        0..=5 => format!("get {}\r\n", key(item)).into_bytes(),
        6 => {
            let other = random.below(ITEMS);
            format!("gets {} {}\r\n", key(item), key(other)).into_bytes()
        }
        7..=11 => set("set", item, version as u32, &value, ""),
        12 => set("add", item, 1, &value, ""),
        13 => set("append", item, 0, b"-and-a-tail", ""),
        14 => format!("incr {} {}\r\n", key(number), random.below(1 << 40)).into_bytes(),
        15 => format!("decr {} {}\r\n", key(number), random.below(1 << 20)).into_bytes(),
        16 => format!("delete {}\r\n", key(item)).into_bytes(),
        // Item n was stored with the unique identifier n + 1.
        17 => set("cas", item, 2, &value, &format!(" {}", item % ITEMS + 1)),
        18 => format!("touch {} 600\r\n", key(item)).into_bytes(),
        _ => set("replace", item, 3, &value, ""),
    }
}

fn key(item: u64) -> String {
    format!("key-{item:010}")
}

fn value(item: u64, version: u64) -> Vec<u8> {
    if item < NUMBERS {
        return format!("{}", 1_000_000 + item * 7 + version).into_bytes();
    }
    let mut random = Random(item << 20 | version);
    (0..VALUE_BYTES)
        .map(|_| b'a' + random.below(26) as u8)
        .collect()
}

fn set(command: &str, item: u64, flags: u32, value: &[u8], unique: &str) -> Vec<u8> {
    let mut request = format!(
        "{command} {} {flags} 0 {}{unique}\r\n",
        key(item),
        value.len()
    )
    .into_bytes();
    request.extend_from_slice(value);
    request.extend_from_slice(b"\r\n");
    request
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): traces must be equal on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit
    }
}
