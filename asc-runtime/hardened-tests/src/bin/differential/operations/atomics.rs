//! Atomics of every width, owned and shared through statics.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{PLACES, Place, Subject};

/// One of each width and signedness.
struct Set {
    byte: AtomicU8,
    short: AtomicU16,
    word: AtomicU32,
    long: AtomicU64,
    size: AtomicUsize,
    signed_byte: AtomicI8,
    signed_short: AtomicI16,
    signed_word: AtomicI32,
    signed_long: AtomicI64,
    signed_size: AtomicIsize,
    flag: AtomicBool,
    pointer: AtomicPtr<u8>,
}

impl Set {
    const fn new() -> Self {
        Self {
            byte: AtomicU8::new(1),
            short: AtomicU16::new(2),
            word: AtomicU32::new(3),
            long: AtomicU64::new(4),
            size: AtomicUsize::new(5),
            signed_byte: AtomicI8::new(-1),
            signed_short: AtomicI16::new(-2),
            signed_word: AtomicI32::new(-3),
            signed_long: AtomicI64::new(-4),
            signed_size: AtomicIsize::new(-5),
            flag: AtomicBool::new(false),
            pointer: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    fn step(&self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(8) {
            0 => integer(&self.byte, word as u8, &mut random),
            1 => integer(&self.short, word as u16, &mut random),
            2 => integer(&self.word, word as u32, &mut random),
            3 => integer(&self.long, word, &mut random),
            4 => integer(&self.size, word as usize, &mut random),
            5 => self.signed(word, &mut random),
            6 => self.boolean(word & 1 == 1, &mut random),
            _ => self.address(word),
        }
    }

    fn signed(&self, word: u64, random: &mut Random) -> u64 {
        match random.below(5) {
            0 => self.signed_byte.fetch_max(word as i8, SeqCst) as u64,
            1 => self.signed_short.fetch_min(word as i16, AcqRel) as u64,
            2 => self.signed_word.fetch_max(word as i32, Relaxed) as u64,
            3 => self.signed_long.fetch_min(word as i64, SeqCst) as u64,
            _ => self.signed_size.fetch_sub(word as isize, SeqCst) as u64,
        }
    }

    fn boolean(&self, value: bool, random: &mut Random) -> u64 {
        u64::from(match random.below(5) {
            0 => self.flag.fetch_nand(value, SeqCst),
            1 => self.flag.fetch_xor(value, SeqCst),
            2 => self.flag.fetch_not(SeqCst),
            3 => self.flag.swap(value, Acquire),
            _ => self.flag.load(SeqCst),
        })
    }

    /// Addresses are invented and never followed.
    fn address(&self, word: u64) -> u64 {
        let invented = core::ptr::without_provenance_mut(word as usize);
        let old = self.pointer.swap(invented, SeqCst);
        let again = self
            .pointer
            .compare_exchange(invented, old, SeqCst, Relaxed);
        u64::from(again.is_ok()) + self.pointer.load(Acquire).addr() as u64
    }

    fn values(&self) -> u64 {
        let unsigned = (
            self.byte.load(SeqCst),
            self.short.load(SeqCst),
            self.word.load(SeqCst),
            self.long.load(SeqCst),
            self.size.load(SeqCst),
        );
        let signed = (
            self.signed_byte.load(SeqCst),
            self.signed_short.load(SeqCst),
            self.signed_word.load(SeqCst),
            self.signed_long.load(SeqCst),
            self.signed_size.load(SeqCst),
        );
        digest(&(
            unsigned,
            signed,
            self.flag.load(SeqCst),
            self.pointer.load(SeqCst).addr(),
        ))
    }
}

/// The operations that all unsigned atomics share.
trait Integer {
    type Value: Into<u128> + TryFrom<u64>;
    fn change(&self, operation: usize, value: Self::Value) -> Self::Value;
}

macro_rules! integers {
    ($($atomic:ty, $value:ty);*) => {
        $(impl Integer for $atomic {
            type Value = Wide<$value>;

            fn change(&self, operation: usize, Wide(value): Wide<$value>) -> Wide<$value> {
                Wide(match operation {
                    0 => self.fetch_add(value, SeqCst),
                    1 => self.fetch_sub(value, Relaxed),
                    2 => self.fetch_and(value, AcqRel),
                    3 => self.fetch_or(value, Release),
                    4 => self.fetch_xor(value, Acquire),
                    5 => self.fetch_nand(value, SeqCst),
                    6 => self.fetch_max(value, SeqCst),
                    7 => self.fetch_min(value, Relaxed),
                    8 => self.swap(value, SeqCst),
                    9 => { self.store(value, Release); value }
                    10 => { self.store(value, SeqCst); self.load(Relaxed) }
                    11 => self.compare_exchange(value, !value, SeqCst, SeqCst).unwrap_or_else(|old| old),
                    12 => {
                        let old = self.load(Acquire);
                        fence(SeqCst);
                        self.compare_exchange_weak(old, value, AcqRel, Relaxed).unwrap_or(1)
                    }
                    _ => self.fetch_update(SeqCst, SeqCst, |old| Some(old.rotate_left(3))).unwrap_or(2),
                })
            }
        })*
    };
}
integers!(AtomicU8, u8; AtomicU16, u16; AtomicU32, u32; AtomicU64, u64; AtomicUsize, usize);

/// A value of any width, seen as the widest.
struct Wide<T>(T);

macro_rules! wide {
    ($($value:ty),*) => {
        $(impl From<Wide<$value>> for u128 {
            fn from(value: Wide<$value>) -> u128 {
                value.0 as u128
            }
        }
        impl From<u64> for Wide<$value> {
            fn from(value: u64) -> Self {
                Self(value as $value)
            }
        })*
    };
}
wide!(u8, u16, u32, u64, usize);

fn integer<A: Integer>(atomic: &A, value: impl Into<Narrow>, random: &mut Random) -> u64
where
    A::Value: From<u64>,
{
    let Narrow(value) = value.into();
    let old: u128 = atomic
        .change(random.below(14), A::Value::from(value))
        .into();
    old as u64
}

/// Any operand on its way to an atomic.
struct Narrow(u64);

macro_rules! narrow {
    ($($value:ty),*) => {
        $(impl From<$value> for Narrow {
            fn from(value: $value) -> Self {
                Self(value as u64)
            }
        })*
    };
}
narrow!(u8, u16, u32, u64, usize);

/// Atomics that the state owns, behind boxes that come and go.
pub(crate) struct Atomics {
    #[expect(clippy::vec_box, reason = "the boxes are what is tested")]
    sets: Vec<Box<Set>>,
}

impl Subject for Atomics {
    const NAME: &'static str = "atomics";

    fn new(_place: Place) -> Self {
        Self {
            sets: vec![Box::new(Set::new())],
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let index = random as usize % self.sets.len();
        let result = self.sets[index].step(random);
        // Also on memory that this run has allocated or written itself, and on its own stack.
        let local = Set::new();
        if random.is_multiple_of(5) {
            let fresh = Box::new(Set::new());
            fresh.step(random);
            self.sets.push(fresh);
        }
        if self.sets.len() > 8 {
            self.sets.truncate(1);
        }
        result ^ local.step(random >> 3)
    }

    fn digest(&self) -> u64 {
        digest(&self.sets.iter().map(|set| set.values()).collect::<Vec<_>>())
    }
}

static SETS: [Set; PLACES] = [const { Set::new() }; PLACES];

/// Atomics in statics.
pub(crate) struct SharedAtomics(&'static Set);

impl Subject for SharedAtomics {
    const NAME: &'static str = "shared_atomics";

    fn new(place: Place) -> Self {
        Self(&SETS[place.index()])
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        (0..random.below(4))
            .map(|_| self.0.step(random.word()))
            .fold(0, u64::wrapping_add)
    }

    fn digest(&self) -> u64 {
        self.0.values()
    }
}
