//! Looking for a byte, eight at a time.
//!
//! Written out because the `memchr` crate chooses its implementation through an atomic, and an
//! atomic access inside a handler has to be recorded.

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const WORD_BYTES: usize = size_of::<u64>();

/// The first position of `wanted`.
#[inline]
pub(crate) fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    for (number, word) in words.iter().enumerate() {
        if let Some(byte) = find_in_word(u64::from_le_bytes(*word), wanted) {
            return Some(number * WORD_BYTES + byte);
        }
    }
    let position = rest.iter().position(|&byte| byte == wanted)?;
    Some(words.len() * WORD_BYTES + position)
}

/// Exact for the lowest match (H. S. Warren, Hacker's Delight, section 6-1).
#[inline]
fn find_in_word(word: u64, wanted: u8) -> Option<usize> {
    let zero_where_equal = word ^ (LOW_BITS * u64::from(wanted));
    let found = zero_where_equal.wrapping_sub(LOW_BITS) & !zero_where_equal & HIGH_BITS;
    if found == 0 {
        None
    } else {
        Some((found.trailing_zeros() / 8) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_plain_search() {
        let bytes: Vec<u8> = (0..2000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 27) as u8)
            .collect();
        for start in 0..40 {
            for length in 0..40 {
                let part = &bytes[start * 40..start * 40 + length];
                for wanted in [0, 1, 7, 31, 32, 0x80, 0xff] {
                    assert_eq!(find(part, wanted), part.iter().position(|&b| b == wanted));
                }
            }
        }
    }

    #[test]
    fn a_byte_after_the_match_does_not_confuse() {
        assert_eq!(find(b"\x00\x01\x00\x01\x00\x01\x00\x01", 0), Some(0));
        assert_eq!(find(b"\x02\x01\x00\x01\x00\x01\x00\x01", 1), Some(1));
        assert_eq!(find(b"\x80\x81\x7f\x00\x80\x80\x80\x80", 0), Some(3));
    }
}
