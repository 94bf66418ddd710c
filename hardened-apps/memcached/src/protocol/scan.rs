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
    find_first(bytes, |word| equal(word, wanted), |byte| byte == wanted)
}

/// The first position of one or the other.
#[inline]
pub(crate) fn find_either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    find_first(
        bytes,
        |word| equal(word, one) | equal(word, other),
        |byte| byte == one || byte == other,
    )
}

/// The first position of what `in_word` marks in a word and `is_wanted` is true of.
#[inline(always)]
fn find_first(
    bytes: &[u8],
    in_word: impl Fn(u64) -> u64,
    is_wanted: impl Fn(u8) -> bool,
) -> Option<usize> {
    let Some(last) = bytes.last_chunk::<WORD_BYTES>() else {
        return bytes.iter().position(|byte| is_wanted(*byte));
    };
    let position = |start: usize, found: u64| start + (found.trailing_zeros() / 8) as usize;
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    for (number, word) in words.iter().enumerate() {
        let found = in_word(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(position(number * WORD_BYTES, found));
        }
    }
    // The last word again, moved to the end: what it repeats holds no match.
    let found = in_word(u64::from_le_bytes(*last));
    (!rest.is_empty() && found != 0).then(|| position(bytes.len() - WORD_BYTES, found))
}

/// Marks bytes that are equal to `wanted`; exact for the lowest of them (H. S. Warren, Hacker's
/// Delight, section 6-1).
#[inline(always)]
fn equal(word: u64, wanted: u8) -> u64 {
    let zero_where_equal = word ^ (LOW_BITS * u64::from(wanted));
    zero_where_equal.wrapping_sub(LOW_BITS) & !zero_where_equal & HIGH_BITS
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
                    let either = part.iter().position(|&b| b == wanted || b == 9);
                    assert_eq!(find_either(part, wanted, 9), either);
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
