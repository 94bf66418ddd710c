//! Statics and thread-locals, which handlers reach without any argument.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock};

use asc_hardened_tests::digest::{digest, unordered_digest};
use asc_hardened_tests::random::Random;

use crate::subject::{PLACES, Place, SIDES, Subject};

static mut COUNTERS: [u64; PLACES] = [0; PLACES];
static mut BYTES: [[u8; 3]; PLACES] = [[0; 3]; PLACES];
static TABLES: [Mutex<Vec<u32>>; PLACES] = [const { Mutex::new(Vec::new()) }; PLACES];
static LAZY: [LazyLock<Mutex<HashMap<u64, u64>>>; PLACES] =
    [const { LazyLock::new(|| Mutex::new(HashMap::new())) }; PLACES];
static ONCE: [OnceLock<String>; PLACES] = [const { OnceLock::new() }; PLACES];

/// A place's own part of each static.
pub(crate) struct Statics(usize);

impl Subject for Statics {
    const NAME: &'static str = "statics";

    fn new(place: Place) -> Self {
        Self(place.index())
    }

    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one proof covers them: the index is ours"
    )]
    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let index = self.0;
        match random.below(6) {
            // SAFETY: no other subject has this index.
            0 => unsafe { COUNTERS[index] = COUNTERS[index].wrapping_add(word) },
            // SAFETY: no other subject has this index.
            1 => unsafe { BYTES[index] = [word as u8, (word >> 8) as u8, 3] },
            2 => TABLES[index]
                .lock()
                .expect("never poisoned")
                .push(word as u32),
            3 => drop(
                LAZY[index]
                    .lock()
                    .expect("never poisoned")
                    .insert(word % 99, word),
            ),
            4 => return ONCE[index].get_or_init(|| format!("first {word}")).len() as u64,
            _ => TABLES[index].lock().expect("never poisoned").clear(),
        }
        // SAFETY: no other subject has this index.
        unsafe { COUNTERS[index] ^ u64::from(BYTES[index][0]) }
    }

    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one proof covers them: the index is ours"
    )]
    fn digest(&self) -> u64 {
        let index = self.0;
        // SAFETY: no other subject has this index.
        let plain = unsafe { (COUNTERS[index], BYTES[index]) };
        let lazy = unordered_digest(&*LAZY[index].lock().expect("never poisoned"));
        digest(&(
            plain,
            &*TABLES[index].lock().expect("never poisoned"),
            ONCE[index].get(),
            lazy,
        ))
    }
}

thread_local! {
    static CONSTANT: [Cell<u32>; SIDES] = const { [const { Cell::new(7) }; SIDES] };
    static DROPPED: [RefCell<Vec<u64>>; SIDES] = const { [const { RefCell::new(Vec::new()) }; SIDES] };
    static LAZY_DROPPED: [RefCell<Option<String>>; SIDES] = [RefCell::new(Some("lazy".into())), RefCell::new(Some("lazy".into()))];
}

macro_rules! late_thread_locals {
    ($($name:ident)*) => {
        thread_local! {
            $(static $name: RefCell<Vec<u8>> = RefCell::new(vec![1, 2, 3]);)*
        }

        /// Thread-locals first touched by some handler; both sides share them and read only.
        fn late(which: usize) -> u64 {
            let all = [$(|| $name.with_borrow(|bytes| bytes.len() as u64)),*];
            all[which % all.len()]()
        }
    };
}
late_thread_locals!(LATE_0 LATE_1 LATE_2 LATE_3 LATE_4 LATE_5 LATE_6 LATE_7);

/// A side's own part of each thread-local, with destructors and without.
pub(crate) struct ThreadLocals(usize);

impl Subject for ThreadLocals {
    const NAME: &'static str = "thread_locals";

    fn new(place: Place) -> Self {
        Self(place.side)
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let side = self.0;
        match random.below(5) {
            0 => CONSTANT.with(|cells| cells[side].update(|value| value.wrapping_add(word as u32))),
            1 => DROPPED.with(|cells| cells[side].borrow_mut().push(word)),
            2 => DROPPED.with(|cells| cells[side].borrow_mut().truncate(word as usize % 50)),
            3 => LAZY_DROPPED.with(|cells| drop(cells[side].replace(Some(word.to_string())))),
            _ => return late(word as usize),
        }
        CONSTANT.with(|cells| cells[side].get().into())
    }

    fn digest(&self) -> u64 {
        let side = self.0;
        let dropped = DROPPED.with(|cells| digest(&*cells[side].borrow()));
        let lazy = LAZY_DROPPED.with(|cells| digest(&*cells[side].borrow()));
        CONSTANT.with(|cells| digest(&(cells[side].get(), dropped, lazy)))
    }
}
