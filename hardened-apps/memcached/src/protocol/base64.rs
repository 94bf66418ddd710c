//! Base64 keys of the meta protocol, as memcached reads and writes them.
//!
//! Reading skips bytes that are not of the alphabet and ends after the first padded group;
//! writing pads and never breaks lines.

use super::KEY_BYTES_MAX;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD: u8 = b'=';
/// Characters of one group and the bytes that they stand for.
const GROUP_CHARACTERS: usize = 4;
const GROUP_BYTES: usize = 3;
/// Longest key that a word of 250 characters decodes to.
pub(crate) const DECODED_BYTES_MAX: usize = KEY_BYTES_MAX / GROUP_CHARACTERS * GROUP_BYTES;
/// Longest word that any key is encoded to.
pub(crate) const ENCODED_BYTES_MAX: usize = KEY_BYTES_MAX.div_ceil(GROUP_BYTES) * GROUP_CHARACTERS;

/// Decodes a key; returns its length, or `None` if the word is not base64.
pub(crate) fn decode(word: &[u8], key: &mut [u8; DECODED_BYTES_MAX]) -> Option<usize> {
    let characters = word
        .iter()
        .filter(|byte| value_of(**byte).is_some())
        .count();
    if characters == 0
        || characters % GROUP_CHARACTERS != 0
        || characters / GROUP_CHARACTERS * GROUP_BYTES > DECODED_BYTES_MAX
    {
        return None;
    }
    let (mut group, mut in_group, mut padding, mut length) = (0_u32, 0, 0, 0);
    for &byte in word {
        let Some(value) = value_of(byte) else {
            continue;
        };
        padding += usize::from(byte == PAD);
        group = group << 6 | u32::from(value);
        in_group += 1;
        if in_group == GROUP_CHARACTERS {
            key[length..length + GROUP_BYTES].copy_from_slice(&group.to_be_bytes()[1..]);
            length += GROUP_BYTES;
            (group, in_group) = (0, 0);
            if padding > 0 {
                return if padding < GROUP_BYTES {
                    Some(length - padding)
                } else {
                    None
                };
            }
        }
    }
    Some(length)
}

/// Encodes a key; returns the length of the word.
pub(crate) fn encode(key: &[u8], word: &mut [u8; ENCODED_BYTES_MAX]) -> usize {
    let mut length = 0;
    for bytes in key.chunks(GROUP_BYTES) {
        let mut group = [0; 4];
        group[1..=bytes.len()].copy_from_slice(bytes);
        let group = u32::from_be_bytes(group);
        for position in 0..GROUP_CHARACTERS {
            let index = group >> (18 - 6 * position) & 0x3f;
            word[length + position] = if position <= bytes.len() {
                ALPHABET[index as usize]
            } else {
                PAD
            };
        }
        length += GROUP_CHARACTERS;
    }
    length
}

/// Six bits; none for a byte that is to be skipped.
fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        PAD => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(word: &[u8]) -> Option<Vec<u8>> {
        let mut key = [0; DECODED_BYTES_MAX];
        decode(word, &mut key).map(|length| key[..length].to_vec())
    }

    fn encoded(key: &[u8]) -> Vec<u8> {
        let mut word = [0; ENCODED_BYTES_MAX];
        let length = encode(key, &mut word);
        word[..length].to_vec()
    }

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn known_words() {
        for (key, word) in [
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(key.as_bytes()), word.as_bytes());
            assert_eq!(decoded(word.as_bytes()), Some(key.as_bytes().to_vec()));
        }
    }

    #[test]
    fn what_is_not_base64() {
        for word in ["", "Zg", "Zm9vY", "!!!!", "Z===", "===="] {
            assert_eq!(decoded(word.as_bytes()), None, "{word}");
        }
        assert_eq!(decoded(b"Z!m9v"), Some(b"foo".to_vec()));
        assert_eq!(decoded(b"Zg==Zm9v"), Some(b"f".to_vec()));
    }

    #[test]
    fn the_longest_words_fit() {
        assert_eq!(encoded(&[0xff; KEY_BYTES_MAX]).len(), ENCODED_BYTES_MAX);
        assert_eq!(decoded(&[b'a'; 248]).map(|key| key.len()), Some(186));
        assert_eq!(decoded(&[b'a'; 252]), None);
    }
}
