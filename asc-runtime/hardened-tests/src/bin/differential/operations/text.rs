//! `String`, formatting and parsing.

use std::borrow::Cow;
use std::fmt::Write as _;

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 400;

/// A text that is written to, cut and read back.
pub(crate) struct Text {
    text: String,
    shared: Cow<'static, str>,
}

impl Subject for Text {
    const NAME: &'static str = "text";

    fn new(_place: Place) -> Self {
        Self {
            text: String::new(),
            shared: Cow::Borrowed("borrowed"),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let text = &mut self.text;
        match random.below(14) {
            0 => text.push_str(&format!("{word:?}{:>10.3}", word as f64 / 3.0)),
            1 => text.push_str(&format!("{:#x?}", [word; 2])),
            2 => {
                write!(text, "{:e} {:?}", word as f32, f64::from_bits(word)).expect("strings grow")
            }
            3 => text.push(char::from_u32(0x4E00 + (word as u32 & 0xFFF)).expect("an ideograph")),
            4 => text.insert_str(0, "ß→"),
            5 => *text = text.replace('1', "eins"),
            6 => *text = text.to_uppercase(),
            7 => *text = text.chars().rev().collect(),
            8 => *text = text.split('e').map(str::trim).collect::<Vec<_>>().join(","),
            9 => text.retain(|character| !character.is_ascii_digit()),
            10 => self.shared.to_mut().push('+'),
            11 => self.shared = Cow::Borrowed("borrowed again"),
            12 => return word.to_string().parse::<f64>().map_or(0, f64::to_bits),
            _ => return text.bytes().filter(u8::is_ascii_alphabetic).count() as u64,
        }
        while text.len() > LENGTH_MAX {
            text.pop();
        }
        text.chars()
            .filter(|character| character.is_alphanumeric())
            .count() as u64
    }

    fn digest(&self) -> u64 {
        digest(&(&self.text, &self.shared))
    }
}
