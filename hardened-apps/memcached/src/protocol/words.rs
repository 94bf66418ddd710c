//! The words of a line.

use super::scan;

/// Words separated by spaces, in order.
#[derive(Debug, Clone)]
pub(crate) struct Words<'a> {
    line: &'a [u8],
    next: usize,
    last: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Self {
        Self {
            line,
            next: 0,
            last: 0,
        }
    }

    /// Where in the line the word returned last begins.
    #[inline]
    pub(crate) fn offset_of_last(&self) -> usize {
        self.last
    }

    /// Whether no word is to come.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.line[self.next..].iter().all(|byte| *byte == b' ')
    }

    /// Skips what comes before byte `at` of the line; never goes back.
    pub(crate) fn seek(&mut self, at: usize) {
        self.next = self.next.max(at.min(self.line.len()));
    }

    /// Whether a word that is still to come has more than `length` bytes.
    pub(crate) fn any_longer_than(&self, length: usize) -> bool {
        // A longer word reaches one of these places.
        let rest = &self.line[self.next..];
        if rest.len() <= length {
            return false;
        }
        (length..rest.len())
            .step_by(length + 1)
            .any(|place| word_around(rest, place) > length)
    }
}

/// The length of the word of which the byte at `place` is one, if it is.
fn word_around(line: &[u8], place: usize) -> usize {
    let (before, from) = line.split_at(place);
    let letters = |byte: &&u8| **byte != b' ';
    match from.iter().take_while(letters).count() {
        0 => 0,
        after => before.iter().rev().take_while(letters).count() + after,
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let mut start = self.next;
        while *self.line.get(start)? == b' ' {
            start += 1;
        }
        let rest = &self.line[start..];
        let length = scan::find(rest, b' ').unwrap_or(rest.len());
        self.last = start;
        self.next = start + length;
        Some(&rest[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spaces_separate() {
        let words: Vec<&[u8]> = Words::new(b"  get a\tb   c ").collect();
        assert_eq!(words, [&b"get"[..], b"a\tb", b"c"]);
        assert_eq!(Words::new(b"   ").next(), None);
        assert!(Words::new(b"").is_empty() && Words::new(b"  ").is_empty());
        assert!(!Words::new(b"  a ").is_empty());
    }

    #[test]
    fn seek_returns_to_a_remembered_word() {
        let mut words = Words::new(b"get one two three");
        words.nth(1);
        assert_eq!(words.next(), Some(&b"two"[..]));
        let at = words.offset_of_last();
        let mut again = Words::new(b"get one two three");
        again.seek(at);
        assert_eq!(again.next(), Some(&b"two"[..]));
        again.seek(0);
        assert_eq!(again.next(), Some(&b"three"[..]));
        again.seek(usize::MAX);
        assert_eq!(again.next(), None);
    }

    #[test]
    fn long_words_are_seen() {
        assert!(Words::new(b"a bbbb cc").any_longer_than(3));
        assert!(!Words::new(b"a bbbb cc").any_longer_than(4));
        for line in [&b"aaaa"[..], b"aaaa b", b"a aaaa", b"aa aaa aaaa"] {
            assert!(Words::new(line).any_longer_than(3), "{line:?}");
            assert!(!Words::new(line).any_longer_than(4), "{line:?}");
        }
        for word in 0..20 {
            for before in 0..20 {
                let line = ["b ".repeat(before), "a".repeat(word), " bb".repeat(20)].concat();
                let found = Words::new(line.as_bytes()).any_longer_than(6);
                assert_eq!(found, word > 6, "{line}");
            }
        }
    }
}
