//! Every position of a flip, and the distance of the code by counting.

use super::*;

const LENGTHS: [usize; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
const SEED: u64 = 0x5eed_c0de;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    fn line(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| (self.next() >> 56) as u8).collect()
    }
}

/// All bits of a line and its code, as one number each.
fn bits(line_bytes: usize) -> usize {
    line_bytes * 8 + 32
}

fn flip(line: &mut [u8], stored: &mut u32, bit: usize) {
    flip_of(line.len(), bit).correct(line, stored);
}

fn flip_of(line_bytes: usize, bit: usize) -> Flip {
    if bit < line_bytes * 8 {
        Flip::Line {
            byte: bit / 8,
            bit: (bit % 8) as u32,
        }
    } else {
        Flip::Code {
            bit: (bit - line_bytes * 8) as u32,
        }
    }
}

/// The mismatch that each bit's flip causes.
fn mismatches(line_bytes: usize) -> Vec<u32> {
    let code = LineCode::new(line_bytes).unwrap();
    let (mut line, mut stored) = (vec![0; line_bytes], 0);
    let intact = code.seal(&line);
    (0..bits(line_bytes))
        .map(|bit| {
            flip(&mut line, &mut stored, bit);
            let mismatch = code.seal(&line) ^ intact ^ stored;
            flip(&mut line, &mut stored, bit);
            mismatch
        })
        .collect()
}

#[test]
fn lengths_outside_the_range_are_refused() {
    for length in [0, 8, 32, 63, 65, 96, 8192, usize::MAX] {
        let error = LineCode::new(length).unwrap_err();
        assert!(error.to_string().contains(&length.to_string()));
    }
}

/// Flips every bit of sampled lines; each is located and corrected, or in long lines detected.
#[test]
fn every_single_flip_is_found() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for length in LENGTHS {
        let code = LineCode::new(length).unwrap();
        let lines = if length <= CORRECTABLE_BYTES_MAX {
            3
        } else {
            1
        };
        for _ in 0..lines {
            let intact = random.line(length);
            let sealed = code.seal(&intact);
            let (mut line, mut stored) = (intact.clone(), sealed);
            for bit in 0..bits(length) {
                flip(&mut line, &mut stored, bit);
                match code.examine(&line, stored) {
                    Finding::OneBit(found) => {
                        assert!(length <= CORRECTABLE_BYTES_MAX);
                        assert_eq!(found, flip_of(length, bit));
                        found.correct(&mut line, &mut stored);
                    }
                    Finding::Corrupt => {
                        assert!(length > CORRECTABLE_BYTES_MAX);
                        flip(&mut line, &mut stored, bit);
                    }
                    Finding::Intact => panic!("bit {bit} of {length} bytes was missed"),
                }
                assert_eq!((&line, stored), (&intact, sealed));
            }
        }
    }
}

/// The distance is at least 6 up to 512 bytes: no one to five bits make a valid change.
///
/// Every bit's mismatch has odd parity, so no odd number of them cancels. No mismatch is zero, no two
/// are equal, and no two *pairs* sum to the same, so no one, two or four cancel. All pairs are
/// counted. A shorter line's bits are the last of a longer one's, so the longest stands for all.
#[test]
fn up_to_five_flips_are_detected_in_correctable_lines() {
    let mismatches = mismatches(CORRECTABLE_BYTES_MAX);
    assert!(all_are_odd(&mismatches));
    let mut sums = Vec::with_capacity(mismatches.len() * mismatches.len() / 2);
    for (index, left) in mismatches.iter().enumerate() {
        sums.extend(mismatches[index + 1..].iter().map(|right| left ^ right));
    }
    let pairs = sums.len();
    assert_eq!(pairs, 4128 * 4127 / 2);
    sums.sort_unstable();
    assert_ne!(sums[0], 0, "two bits cancel");
    assert!(
        sums.windows(2).all(|pair| pair[0] != pair[1]),
        "four bits cancel"
    );
    println!("{pairs} pairs of bits, all different");
}

/// The distance is at least 4 up to 4 KiB: no one to three bits make a valid change.
#[test]
fn up_to_three_flips_are_detected_in_every_line() {
    let mut mismatches = mismatches(LINE_BYTES_MAX);
    assert!(all_are_odd(&mismatches));
    mismatches.sort_unstable();
    assert!(
        mismatches.windows(2).all(|pair| pair[0] != pair[1]),
        "two bits cancel"
    );
}

/// Whether every mismatch has an odd number of ones, as it must because `x + 1` divides the polynomial:
/// then an odd number of flips never cancels.
fn all_are_odd(mismatches: &[u32]) -> bool {
    mismatches
        .iter()
        .all(|mismatch| mismatch.count_ones() % 2 == 1)
}

/// Two to four flips in a correctable line are never taken for one, nor for none.
#[test]
fn several_flips_are_never_corrected() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for length in LENGTHS {
        let code = LineCode::new(length).unwrap();
        let flips_max = if length <= CORRECTABLE_BYTES_MAX {
            4
        } else {
            3
        };
        let (mut line, mut stored) = (random.line(length), 0);
        stored ^= code.seal(&line);
        for round in 0..3000 {
            let count = 2 + round % (flips_max - 1);
            let mut places: Vec<usize> = Vec::new();
            while places.len() < count {
                let place = random.below(bits(length));
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            places
                .iter()
                .for_each(|&place| flip(&mut line, &mut stored, place));
            assert_eq!(
                code.examine(&line, stored),
                Finding::Corrupt,
                "{places:?} of {length}"
            );
            places
                .iter()
                .for_each(|&place| flip(&mut line, &mut stored, place));
        }
    }
}

/// Bursts of up to 32 bits are detected at every position: their mismatch is a shifted non-multiple
/// of the polynomial.
#[test]
fn bursts_are_detected_everywhere() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for length in [64, 512, 4096] {
        let code = LineCode::new(length).unwrap();
        let mut line = random.line(length);
        let sealed = code.seal(&line);
        for start in 0..length * 8 - 32 {
            let pattern = (random.next() as u32 | 1) & (u32::MAX >> random.below(31));
            let places: Vec<usize> = (0..32)
                .filter(|bit| pattern >> bit & 1 == 1)
                .map(|bit| start + bit)
                .collect();
            let mut stored = sealed;
            places
                .iter()
                .for_each(|&place| flip(&mut line, &mut stored, place));
            assert_ne!(
                code.examine(&line, stored),
                Finding::Intact,
                "{pattern:#x} at {start}"
            );
            places
                .iter()
                .for_each(|&place| flip(&mut line, &mut stored, place));
        }
    }
}

/// A change of any word gives the code that sealing would, and exchanges with other changes.
#[test]
fn changes_follow_the_line() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for length in LENGTHS {
        let code = LineCode::new(length).unwrap();
        let mut line = random.line(length);
        let mut stored = code.seal(&line);
        let mut pending = 0;
        for round in 0..3 * length / WORD_BYTES {
            let offset = round * WORD_BYTES % length;
            let word: &mut [u8; 8] = (&mut line[offset..offset + 8]).try_into().unwrap();
            let (old, new) = (u64::from_le_bytes(*word), random.next());
            *word = new.to_le_bytes();
            pending ^= code.change(offset, old, new);
        }
        stored ^= pending;
        assert_eq!(stored, code.seal(&line), "{length}");
    }
}

/// A later write never launders a rotten bit: it is found afterwards, in the same place, unless the
/// write has replaced it.
#[test]
fn a_write_does_not_launder_a_rotten_bit() {
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let length = 128;
    let code = LineCode::new(length).unwrap();
    let (mut found, mut located) = (0, 0);
    for bit in 0..length * 8 {
        for offset in (0..length).step_by(WORD_BYTES) {
            let mut line = random.line(length);
            let mut stored = code.seal(&line);
            // What the program last wrote there, and so what it knows as the old value.
            let old = u64::from_le_bytes(line[offset..offset + 8].try_into().unwrap());
            flip(&mut line, &mut stored, bit);
            let new = random.next();
            line[offset..offset + 8].copy_from_slice(&new.to_le_bytes());
            stored ^= code.change(offset, old, new);
            let finding = code.examine(&line, stored);
            if bit / 64 == offset / 8 {
                assert_eq!(finding, Finding::Intact, "the write replaced the bit");
            } else {
                assert_eq!(finding, Finding::OneBit(flip_of(length, bit)));
                located += 1;
            }
            found += 1;
        }
    }
    println!("{found} writes beside a rotten bit, {located} left it located, the rest replaced it");
}

/// A word that was read after it had rotted changes the code by the wrong amount, which shows.
#[test]
fn a_write_over_a_rotten_word_that_was_read_is_found() {
    let length = 64;
    let code = LineCode::new(length).unwrap();
    let mut line = Random(SEED).line(length);
    for bit in 0..length * 8 {
        let mut stored = code.seal(&line);
        flip(&mut line, &mut stored, bit);
        let offset = bit / 64 * 8;
        let rotten = u64::from_le_bytes(line[offset..offset + 8].try_into().unwrap());
        line[offset..offset + 8].copy_from_slice(&(!rotten).to_le_bytes());
        stored ^= code.change(offset, rotten, !rotten);
        let finding = code.examine(&line, stored);
        assert_eq!(finding, Finding::OneBit(flip_of(length, bit)), "bit {bit}");
    }
}
