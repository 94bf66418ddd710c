//! Which size classes a command is about.

use super::line::split_request;
use super::number::parse_u32;
use super::words::Words;

/// memcached has class numbers below this.
const CLASSES_MAX: u32 = 64;

/// A set of size classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassSelection {
    classes: u64,
}

impl ClassSelection {
    /// All classes.
    pub const ALL: Self = Self { classes: u64::MAX };

    /// Numbers with commas; `None` if one is not a class's.
    pub fn parse_list(text: &str) -> Option<Self> {
        Self::parse(text.as_bytes())
    }

    /// `all`, `hash` or numbers with commas; `None` if a number is not a class's.
    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        if word == b"all" || word == b"hash" {
            return Some(Self::ALL);
        }
        let mut classes = 0;
        for number in word
            .split(|byte| *byte == b',')
            .filter(|number| !number.is_empty())
        {
            match parse_u32(number)? {
                class @ 1..CLASSES_MAX => classes |= 1 << class,
                _ => return None,
            }
        }
        Some(Self { classes })
    }

    /// The classes that a line `lru_crawler metadump <classes>` asks for.
    pub(crate) fn of_dump(request: &[u8]) -> Option<Self> {
        Self::parse(Words::new(split_request(request).0).nth(2)?)
    }

    pub(crate) fn contains(self, class: usize) -> bool {
        self.classes >> class & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbers_with_commas() {
        let some = ClassSelection::parse(b"1,5").expect("two classes");
        assert!(some.contains(1) && some.contains(5) && !some.contains(2));
        assert_eq!(ClassSelection::parse(b"all"), Some(ClassSelection::ALL));
        assert_eq!(
            ClassSelection::of_dump(b"lru_crawler metadump hash\r\n"),
            Some(ClassSelection::ALL)
        );
        for wrong in ["0", "64", "x", "1,x"] {
            assert_eq!(ClassSelection::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
