//! `regex`: lazily built automata and a pool of caches behind atomics and thread-locals.

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use regex::{Captures, Regex, RegexSet};

use crate::Exercise;

/// Compiled expressions and a text that they rewrite.
pub(crate) struct Expressions {
    words: Regex,
    pairs: Regex,
    set: RegexSet,
    text: String,
}

impl Exercise for Expressions {
    const NAME: &'static str = "regex";

    fn new() -> Self {
        Self {
            words: Regex::new(r"(?i)\b[a-zäöü]+\b").expect("valid"),
            pairs: Regex::new(r"(?<left>\d+)-(?<right>\d{2,5})").expect("valid"),
            set: RegexSet::new([r"\d{4}", "x+y", r"^\s"]).expect("valid"),
            text: String::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(7) {
            0 => self.text.push_str(&format!(
                " word{} {}-{}",
                word % 10,
                word % 1000,
                word % 77777
            )),
            1 => self.text.push_str("Öl xxxy\t"),
            2 => {
                let swap = |pair: &Captures<'_>| format!("{}-{}", &pair["right"], &pair["left"]);
                self.text = self.pairs.replace_all(&self.text, swap).into_owned();
            }
            3 => {
                return self
                    .words
                    .find_iter(&self.text)
                    .map(|found| found.len() as u64)
                    .sum();
            }
            4 => return digest(&self.set.matches(&self.text).into_iter().collect::<Vec<_>>()),
            5 => {
                let pattern = Regex::new(&format!("{}+", word % 10)).expect("valid");
                return pattern.split(&self.text).count() as u64;
            }
            _ => self.text = self.words.replacen(&self.text, 3, "<$0>").into_owned(),
        }
        if self.text.len() > 600 {
            self.text.clear();
        }
        digest(&self.text)
    }
}
