//! Polynomials over two elements modulo the Castagnoli polynomial, and CRC32C.
//!
//! Bits are reflected, as CRC32C has them: the highest bit of a word is the coefficient of `x^0`.
//!
//! `crc-fast` has no product of remainders and is slower than the processor's instruction for lines of
//! up to 256 bytes (see the runtime's `checksum.rs`), so both are here, with a portable twin each that
//! the tests compare them to.

/// `x^32 + x^28 + x^27 + x^26 + x^25 + x^23 + x^22 + x^20 + x^19 + x^18 + x^14 + x^13 + x^11 + x^10 +
/// x^9 + x^8 + x^6 + 1`, reflected and without its leading term.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// `x^0`.
const ONE: u32 = 1 << 31;

/// A polynomial of degree below 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remainder(u32);

impl Remainder {
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// What a message's CRC changes by when its very last bit does: `x^32`.
    pub(super) const fn of_last_bit() -> Self {
        // The last bit is the highest of the last byte.
        let mut remainder = Self(ONE);
        let mut step = 0;
        while step < 32 {
            remainder = remainder.doubled();
            step += 1;
        }
        remainder
    }

    /// What moves a remainder over that many zero bytes: `x^(8 bytes)`.
    pub(crate) fn of_zero_bytes(bytes: usize) -> Self {
        (0..8 * bytes).fold(Self(ONE), |power, _| power.doubled())
    }

    /// What a CRC changes by when a word in the last eight bytes of its message changes by `word`.
    #[inline]
    pub(super) fn of_word(word: u64) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("sse4.2") {
            // SAFETY: the instruction exists here.
            return Self(unsafe { crc_of_word(0, word) });
        }
        Self(
            word.to_le_bytes()
                .iter()
                .fold(0, |crc, byte| add_byte(crc, *byte)),
        )
    }

    /// Multiplied by `x`.
    #[inline]
    pub(super) const fn doubled(self) -> Self {
        let carry = (self.0 & 1).wrapping_neg();
        Self((self.0 >> 1) ^ (POLYNOMIAL & carry))
    }

    /// The product.
    #[inline]
    pub(crate) fn times(self, other: Self) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("sse4.2") && std::is_x86_feature_detected!("pclmulqdq") {
            // SAFETY: both instructions exist here.
            return Self(unsafe { product(self.0, other.0) });
        }
        self.times_portably(other)
    }

    fn times_portably(self, other: Self) -> Self {
        let mut sum = 0;
        let mut power = self;
        for bit in (0..32).rev() {
            sum ^= power.0 & ((other.0 >> bit) & 1).wrapping_neg();
            power = power.doubled();
        }
        Self(sum)
    }
}

/// CRC32C of `bytes`.
#[inline]
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the instruction exists here.
        return unsafe { crc32c_by_instruction(bytes) };
    }
    crc32c_portably(bytes)
}

fn crc32c_portably(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| add_byte(crc, *byte))
}

fn add_byte(crc: u32, byte: u8) -> u32 {
    (0..8)
        .fold(Remainder(crc ^ u32::from(byte)), |crc, _| crc.doubled())
        .0
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn crc32c_by_instruction(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let crc = words
        .iter()
        .fold(!0, |crc, word| crc_of_word(crc, u64::from_le_bytes(*word)));
    !rest.iter().fold(crc, |crc, byte| {
        core::arch::x86_64::_mm_crc32_u8(crc, *byte)
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[inline]
fn crc_of_word(crc: u32, word: u64) -> u32 {
    core::arch::x86_64::_mm_crc32_u64(u64::from(crc), word) as u32
}

/// The product of two reflected polynomials has 63 bits, which the instruction leaves one bit too low
/// in 64; doubled, its upper half is the product's `x^0` to `x^31` and the lower half the rest.
/// The CRC instruction reduces the latter: it multiplies by `x^32`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2,pclmulqdq")]
#[inline]
fn product(left: u32, right: u32) -> u32 {
    use core::arch::x86_64::{
        _mm_clmulepi64_si128, _mm_crc32_u32, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    };
    let (left, right) = (
        _mm_cvtsi64_si128(left.into()),
        _mm_cvtsi64_si128(right.into()),
    );
    let doubled = (_mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(left, right)) as u64) << 1;
    _mm_crc32_u32(0, doubled as u32) ^ (doubled >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4.
    #[test]
    fn known_answers() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn the_instructions_compute_what_their_portable_twins_do() {
        let bytes: Vec<u8> = (0..300_u32).map(|index| (index * 7 + 3) as u8).collect();
        for length in 0..bytes.len() {
            assert_eq!(crc32c(&bytes[..length]), crc32c_portably(&bytes[..length]));
        }
        let mut left = Remainder(ONE);
        for step in 0..1000u32 {
            let right = Remainder(step.wrapping_mul(0x9e37_79b1) ^ left.0.rotate_left(7));
            assert_eq!(left.times(right), left.times_portably(right), "step {step}");
            assert_eq!(left.times(right), right.times_portably(left), "step {step}");
            left = left.times(right).doubled();
        }
        assert_eq!(Remainder(ONE).times(left), left);
    }
}
