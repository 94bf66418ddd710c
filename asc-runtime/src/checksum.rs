//! CRC32C (Castagnoli), the checksum of messages.
//!
//! `crc-fast` for long pieces, the processor's own CRC32 instruction for short ones. Measured on a
//! Zen 5 core in nanoseconds (instruction, `crc-fast`, the `crc32c` crate): 40 bytes 2.0, 3.8, 6.0;
//! 256 bytes 6.7, 7.4, 10.9; 4,200 bytes 333, 64, 151. Messages are mostly short.
//!
//! What is compared at the same time goes through [`folding`], where the processor has AVX-512.

use crc_fast::{CrcAlgorithm, Digest};

#[cfg(all(target_arch = "x86_64", any(asc, feature = "page", test)))]
mod folding;

/// Up to this length the instruction is faster.
#[cfg(target_arch = "x86_64")]
const SHORT_BYTES_MAX: usize = 256;

/// CRC32C (Castagnoli) of `bytes`, as [`Input`](crate::Input) and [`Output`](crate::Output) take it.
///
/// ```
/// assert_eq!(asc_runtime::crc32c(b"123456789"), 0xE306_9283);
/// ```
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    append(0, bytes)
}

/// Continues the CRC32C `checksum` over `bytes`.
#[inline]
pub(crate) fn append(checksum: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() <= SHORT_BYTES_MAX && std::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the instruction exists here.
        return unsafe { append_short(checksum, bytes) };
    }
    append_long(checksum, bytes)
}

/// Continues the CRC32C `checksum` over `bytes` if they are `expected`.
#[cfg(any(asc, feature = "page", test))]
#[inline]
pub(crate) fn append_equal(checksum: u32, expected: &[u8], bytes: &[u8]) -> Option<u32> {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= folding::BYTES_MIN && folding::is_available() {
        // SAFETY: the instructions exist here.
        return unsafe { folding::append_equal(checksum, expected, bytes) };
    }
    (expected == bytes).then(|| append(checksum, bytes))
}

fn append_long(checksum: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!checksum));
    digest.update(bytes);
    digest.finalize() as u32
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn append_short(checksum: u32, bytes: &[u8]) -> u32 {
    use core::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u32, _mm_crc32_u64};

    let (words, rest) = bytes.as_chunks::<8>();
    let (halves, rest) = rest.as_chunks::<4>();
    let wide = words.iter().fold(u64::from(!checksum), |crc, word| {
        _mm_crc32_u64(crc, u64::from_le_bytes(*word))
    });
    let narrow = halves.iter().fold(wide as u32, |crc, half| {
        _mm_crc32_u32(crc, u32::from_le_bytes(*half))
    });
    !rest
        .iter()
        .fold(narrow, |crc, byte| _mm_crc32_u8(crc, *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4.
    #[test]
    fn known_answers() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
    }

    #[test]
    fn short_and_long_agree_at_every_split() {
        let bytes: Vec<u8> = (0..600_u32).map(|index| (index * 7 + 3) as u8).collect();
        for length in 0..bytes.len() {
            let whole = append_long(0, &bytes[..length]);
            assert_eq!(crc32c(&bytes[..length]), whole, "length {length}");
            let (left, right) = bytes[..length].split_at(length / 3);
            assert_eq!(append(crc32c(left), right), whole, "split of {length}");
        }
    }

    #[test]
    fn equal_bytes_are_summed_wherever_they_lie() {
        let bytes: Vec<u8> = (0..700_u32).map(|index| (index * 11 + 5) as u8).collect();
        for length in 0..600 {
            let at = length % 67;
            let (expected, found) = (bytes[at..at + length].to_vec(), &bytes[at..at + length]);
            let sum = append_long(7, found);
            assert_eq!(append_equal(7, &expected, found), Some(sum), "{length}");
        }
    }

    #[test]
    fn no_difference_is_overlooked() {
        for length in [1, 15, 63, 64, 79, 80, 255, 256, 300, 511, 1023, 1100] {
            let expected = vec![0x5A; length];
            for at in 0..length {
                let mut found = expected.clone();
                found[at] ^= 1 << (at % 8);
                assert_eq!(append_equal(0, &expected, &found), None, "{at} of {length}");
            }
            let longer = vec![0x5A; length + 1];
            assert_eq!(append_equal(0, &longer, &expected), None, "{length}");
            assert_eq!(append_equal(0, &expected, &longer), None, "{length}");
        }
    }
}
