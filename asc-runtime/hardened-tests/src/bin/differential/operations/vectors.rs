//! SIMD: stores of 16 and 32 bytes, whole, unaligned and masked.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_loadu_si128, _mm_set1_epi32, _mm_store_si128,
    _mm_storel_epi64, _mm_storeu_si128, _mm256_add_epi64, _mm256_loadu_si256,
    _mm256_maskstore_epi32, _mm256_set1_epi64x, _mm256_storeu_si256, _mm256_storeu2_m128i,
    _mm256_xor_si256,
};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const WORDS: usize = 64;

/// A buffer that vector instructions write to.
pub(crate) struct Simd {
    words: Box<[u32; WORDS]>,
    vectors: Vec<__m256i>,
    narrow: [__m128i; 3],
    wide: bool,
}

impl Subject for Simd {
    const NAME: &'static str = "simd";

    fn new(_place: Place) -> Self {
        Self {
            words: Box::new([1; WORDS]),
            vectors: Vec::new(),
            // SAFETY: every x86-64 processor has SSE2.
            narrow: unsafe { [_mm_set1_epi32(1); 3] },
            wide: std::is_x86_feature_detected!("avx2"),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let offset = random.below(WORDS - 8);
        match random.below(4) {
            // SAFETY: the offset leaves room for 8 words; AVX2 was detected.
            0 | 1 if self.wide => unsafe { self.step_256(word, offset) },
            // SAFETY: the offset leaves room for 8 words.
            2 => unsafe { self.step_128(word, offset) },
            _ => self.step_automatic(word),
        }
        digest(&self.words[offset..])
    }

    fn digest(&self) -> u64 {
        digest(&(&self.words, format!("{:?} {:?}", self.vectors, self.narrow)))
    }
}

impl Simd {
    /// # Safety
    /// `offset + 4 <= WORDS`.
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one proof covers them: the offset"
    )]
    unsafe fn step_128(&mut self, word: u64, offset: usize) {
        // SAFETY: by contract; SSE2 is always there.
        unsafe {
            let target: *mut __m128i = self.words.as_mut_ptr().add(offset).cast();
            let sum = _mm_add_epi32(_mm_loadu_si128(target), _mm_set1_epi32(word as i32));
            match word % 3 {
                0 => _mm_storeu_si128(target, sum),
                1 => _mm_storel_epi64(target, sum),
                _ => _mm_store_si128(&raw mut self.narrow[word as usize % 3], sum),
            }
        }
    }

    /// # Safety
    /// `offset + 8 <= WORDS` and the processor has AVX2.
    #[target_feature(enable = "avx2")]
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one proof covers them: the offset"
    )]
    unsafe fn step_256(&mut self, word: u64, offset: usize) {
        // SAFETY: by contract.
        unsafe {
            let target: *mut __m256i = self.words.as_mut_ptr().add(offset).cast();
            let old = _mm256_loadu_si256(target);
            let sum = _mm256_add_epi64(old, _mm256_set1_epi64x(word as i64));
            match word % 5 {
                0 => _mm256_storeu_si256(target, sum),
                1 => _mm256_maskstore_epi32(target.cast(), sum, old),
                2 => _mm256_storeu2_m128i(target.cast::<__m128i>().add(1), target.cast(), sum),
                3 => self.vectors.push(_mm256_xor_si256(old, sum)),
                _ => self.vectors.truncate(4),
            }
        }
    }

    /// Loops that the compiler turns into vector code.
    fn step_automatic(&mut self, word: u64) {
        match word % 3 {
            0 => self
                .words
                .iter_mut()
                .for_each(|value| *value = value.wrapping_mul(word as u32 | 1)),
            1 => self
                .words
                .iter_mut()
                .step_by(3)
                .for_each(|value| *value ^= word as u32),
            _ => {
                for index in 1..WORDS {
                    if self.words[index].is_multiple_of(2) {
                        self.words[index] = self.words[index - 1].wrapping_add(index as u32);
                    }
                }
            }
        }
    }
}
