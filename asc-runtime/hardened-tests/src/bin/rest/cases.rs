//! Faults at rest, one kind per function.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use asc_hardened_tests::child::fork;
use asc_hardened_tests::random::Random;
use asc_runtime::{EXIT_FAULT, Output, asc_handler, statistics};

use crate::state::{State, WORDS, all_agree, flip, flip_bit, lines, said};

/// The words of a line of the state, and the line.
fn line_of(state: &State, random: &mut Random) -> (usize, usize, usize) {
    let words = lines().line_bytes() / 8;
    let index = random.below(WORDS / words - 2) * words + words;
    let line = lines().line_of(state.address(index)).expect("protected");
    let first = (lines().address_of(line) - state.address(0)) / 8;
    (line, first, words)
}

fn bits(words: usize) -> usize {
    words * 64 + 32
}

fn corrected() -> u64 {
    statistics().integrity.corrected_bits
}

/// Every bit of a line and its code is corrected before a handler says what is there, or writes beside it.
pub(crate) fn single(seed: u64, samples: usize) {
    let (mut state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    let mut flips = 0;
    for _ in 0..samples {
        let (line, first, words) = line_of(&state, &mut random);
        for bit in 0..bits(words) {
            let index = first + random.below(words - 4);
            let expected = state.expected(index);
            flip_bit(line, bit);
            state.read(index, &mut output);
            assert_eq!(said(&mut output), expected, "bit {bit}");
            let value = random.word();
            flip_bit(line, bit);
            state.write(index, value);
            assert_eq!(state.words[index], value, "bit {bit}");
            assert!(all_agree(&state), "bit {bit}");
            flips += 2;
            assert_eq!(corrected(), flips, "bit {bit}");
        }
    }
    println!("{flips} single bits flipped, {} corrected", corrected());
}

/// Several bits end the life that reads them, before it says anything.
pub(crate) fn several(seed: u64, samples: usize, count: u64) {
    let (state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    state.read(0, &mut output);
    said(&mut output);
    for (name, least, most, burst) in [
        ("2 bits", 2, 2, false),
        ("3 bits", 3, 3, false),
        ("bursts of up to 32 bits", 2, 32, true),
    ] {
        let mut detected = 0;
        let lines: Vec<_> = (0..samples).map(|_| line_of(&state, &mut random)).collect();
        for number in 0..count {
            let (line, first, words) = lines[number as usize % samples];
            let places = places(&mut random, words, least, most, burst);
            let ended = fork(|| {
                places.iter().for_each(|&bit| flip_bit(line, bit));
                state.read(first, &mut output);
            });
            assert_eq!(
                ended.status, EXIT_FAULT,
                "{name}: {places:?}: {}",
                ended.incident
            );
            assert!(
                ended.incident.contains("\"stage\":\"integrity\""),
                "{}",
                ended.incident
            );
            detected += 1;
        }
        println!("{count} times {name} flipped, {detected} detected");
    }
}

/// Distinct bits of a line and its code, or neighbours in its bytes.
fn places(random: &mut Random, words: usize, least: usize, most: usize, burst: bool) -> Vec<usize> {
    if burst {
        let length = least + random.below(most - least + 1);
        let start = random.below(words * 64 - length);
        let inner = |offset: &usize| *offset == 0 || *offset == length - 1 || random.below(2) == 0;
        return (0..length)
            .filter(inner)
            .map(|offset| start + offset)
            .collect();
    }
    let mut places = Vec::new();
    while places.len() < most {
        let bit = random.below(bits(words));
        if !places.contains(&bit) {
            places.push(bit);
        }
    }
    places
}

/// With `ASC_ROT=stop` nothing is corrected.
pub(crate) fn stop(seed: u64, count: u64) {
    let (state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    for _ in 0..count {
        let (line, first, words) = line_of(&state, &mut random);
        let bit = random.below(bits(words));
        let ended = fork(|| {
            flip_bit(line, bit);
            state.read(first, &mut output);
        });
        assert_eq!(ended.status, EXIT_FAULT, "bit {bit}: {}", ended.incident);
        assert!(
            ended.incident.contains("\"stage\":\"integrity\""),
            "{}",
            ended.incident
        );
    }
    println!("{count} single bits flipped, {count} detected");
}

/// A bit rots beside what a handler writes, between its check and its commit.
pub(crate) fn during(seed: u64) {
    let (mut state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    let (_, first, words) = line_of(&state, &mut random);
    let mut found = 0;
    for bit in 64..words * 64 {
        let ended = fork(|| {
            write_in_one_run(&mut state, first, 7, bit);
            state.read(first, &mut output);
        });
        // Either the commit sees the line as it is, or nothing has left.
        assert_eq!(ended.status, EXIT_FAULT, "bit {bit}: {}", ended.incident);
        assert!(
            ended.incident.contains("does not hold what was stored"),
            "{}",
            ended.incident
        );
        found += 1;
    }
    println!("{found} bits flipped beside a word that was being written, {found} detected");
}

static RUNS: AtomicU8 = AtomicU8::new(0);

/// Flips a bit of the line in its second run only, behind its check.
#[asc_handler]
fn write_in_one_run(state: &mut State, index: usize, value: u64, bit: usize) {
    state.words[index] = value;
    let runs: u8;
    // SAFETY: a byte of a static. Inline assembly has no hooks: it counts runs, which a handler
    // otherwise cannot.
    unsafe {
        std::arch::asm!("inc byte ptr [{at}]", "mov {count}, byte ptr [{at}]",
            at = in(reg) RUNS.as_ptr(), count = out(reg_byte) runs, options(nostack));
    }
    if runs == 2 {
        flip(state.address(index) + bit / 8, 1 << (bit % 8));
    }
}

/// A store that no hook announced, in both runs alike.
#[asc_handler]
fn write_astray(state: &mut State, index: usize, value: u64, bits: u8) {
    state.words[index] = value;
    let address = state.address(index + 1);
    // SAFETY: a byte of the state: the wild store of a faulty processor.
    unsafe {
        std::arch::asm!("mov byte ptr [{address}], {bits}", address = in(reg) address, bits = in(reg_byte) bits, options(nostack));
    }
}

pub(crate) fn stray() {
    let mut state = State::new(1);
    state.words[9] = 0;
    let ended = fork(|| write_astray(&mut state, 8, 1, 0x5A));
    assert_eq!(ended.status, EXIT_FAULT, "{}", ended.incident);
    assert!(
        ended.incident.contains("does not hold what was stored"),
        "{}",
        ended.incident
    );
    println!("1 store astray, 1 detected");
}

/// Whatever a program does to protected memory outside of handlers, the codes follow.
pub(crate) fn wild(seed: u64, count: u64) {
    let (mut state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    let shared = asc_runtime::protected(|| Box::new(AtomicU64::new(0)));
    let mut lists: Vec<Vec<u8>> = Vec::new();
    for round in 0..count {
        let index = random.below(WORDS - 64);
        match round % 8 {
            0 => state.words[index] = random.word(),
            1 => state.words[index..index + 40].fill(random.word()),
            2 => state.words.copy_within(index..index + 30, index + 7),
            3 => state.words.copy_within(index + 7..index + 37, index),
            4 => {
                // SAFETY: a live word of the state.
                let word = unsafe { AtomicU64::from_ptr(&raw mut state.words[index]) };
                word.fetch_add(random.word(), Ordering::Relaxed);
                shared.fetch_max(random.word(), Ordering::AcqRel);
            }
            5 => {
                let bytes = state.words.as_flattened_bytes();
                bytes[index * 8 + 3] = 1;
                bytes[index * 8 + 5..index * 8 + 5 + random.below(60)].reverse();
            }
            6 => lists.push(asc_runtime::protected(|| {
                vec![round as u8; random.below(3000)]
            })),
            _ => {
                let at = random.below(lists.len());
                asc_runtime::protected(|| lists[at].extend_from_slice(&[7; 100]));
                lists[at].shrink_to_fit();
                if lists.len() > 50 {
                    lists.swap_remove(at);
                }
            }
        }
        let expected = state.expected(index);
        state.read(index, &mut output);
        assert_eq!(said(&mut output), expected);
    }
    assert!(all_agree(&state));
    assert_eq!(corrected(), 0);
    println!("{count} stores from outside of handlers followed");
}

/// The bytes of words.
trait AsFlattenedBytes {
    fn as_flattened_bytes(&mut self) -> &mut [u8];
}

impl AsFlattenedBytes for [u64; WORDS] {
    fn as_flattened_bytes(&mut self) -> &mut [u8] {
        // SAFETY: words are bytes without padding.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), WORDS * 8) }
    }
}

/// Flips are found although nobody reads them.
pub(crate) fn scrubber(seed: u64, samples: usize) {
    let (state, mut output) = (State::new(seed), Output::new());
    let mut random = Random::new(seed);
    state.read(0, &mut output);
    said(&mut output);
    for sample in 1..=samples {
        let (line, _, words) = line_of(&state, &mut random);
        flip_bit(line, random.below(bits(words)));
        let start = Instant::now();
        while corrected() < sample as u64 {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the scrubber found nothing"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(all_agree(&state));
    }
    let integrity = statistics().integrity;
    assert!(integrity.scrub_bytes > 0);
    println!("{samples} single bits flipped, {samples} corrected unread");
}
