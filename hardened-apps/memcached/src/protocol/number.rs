//! Numbers as memcached reads them: C's `strtol` family, with its tolerance.
//!
//! Leading white space and a sign are allowed, white space or a NUL ends the number; an unsigned
//! number may be negative as long as it wraps around to less than 2^63. 32-bit values
//! are 64-bit values cut to their low half, as memcached cuts them.

/// What `safe_strtoull` accepts.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    if let Some(value) = parse_plain(text) {
        return Some(value);
    }
    let (negative, magnitude) = parse_sign_and_magnitude(text)?;
    let value = if negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    };
    if negative && value > i64::MAX as u64 {
        None
    } else {
        Some(value)
    }
}

/// What `safe_strtoul` accepts, cut to 32 bits.
pub(crate) fn parse_u32(text: &[u8]) -> Option<u32> {
    parse_u64(text).map(|value| value as u32)
}

/// What `safe_strtol` accepts, cut to 32 bits.
pub(crate) fn parse_i32(text: &[u8]) -> Option<i32> {
    parse_i64(text).map(|value| value as i32)
}

/// What `safe_strtoll` accepts.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    if let Some(value) = parse_plain(text) {
        return i64::try_from(value).ok();
    }
    let (negative, magnitude) = parse_sign_and_magnitude(text)?;
    if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        magnitude.try_into().ok()
    }
}

/// One to 19 digits and nothing else: the usual case, which cannot overflow.
#[inline]
fn parse_plain(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut value = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

fn parse_sign_and_magnitude(text: &[u8]) -> Option<(bool, u64)> {
    let start = text.iter().position(|byte| !is_space(*byte))?;
    let text = &text[start..];
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let ends_well = digits
        .get(length)
        .is_none_or(|&byte| is_space(byte) || byte == 0);
    if length == 0 || !ends_well {
        return None;
    }
    let mut magnitude = 0_u64;
    for digit in &digits[..length] {
        magnitude = magnitude
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    Some((negative, magnitude))
}

/// C's `isspace` in the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_64() {
        let accepted: [(&[u8], u64); 9] = [
            (b"0", 0),
            (b"18446744073709551615", u64::MAX),
            (b"+7", 7),
            (b"\t 12 ", 12),
            (b"12\0garbage", 12),
            (b"000000000000000000000000000009", 9),
            (b"-18446744073709551615", 1),
            (b"-0", 0),
            (b"18446744073709551615 -", u64::MAX),
        ];
        for (text, value) in accepted {
            assert_eq!(parse_u64(text), Some(value), "{}", text.escape_ascii());
        }
        let refused: [&[u8]; 8] = [
            b"",
            b" ",
            b"-",
            b"-1",
            b"18446744073709551616",
            b"1x",
            b"x1",
            b"--1",
        ];
        for text in refused {
            assert_eq!(parse_u64(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn values_are_cut_to_32_bits() {
        assert_eq!(parse_u32(b"4294967295"), Some(u32::MAX));
        assert_eq!(parse_u32(b"4294967296"), Some(0));
        assert_eq!(parse_u32(b"-1"), None);
        assert_eq!(parse_i32(b"-1"), Some(-1));
        assert_eq!(parse_i32(b"4294967295"), Some(-1));
        assert_eq!(parse_i32(b"9223372036854775807"), Some(-1));
        assert_eq!(parse_i32(b"9223372036854775808"), None);
        assert_eq!(parse_i32(b"-9223372036854775808"), Some(0));
        assert_eq!(parse_i32(b"-9223372036854775809"), None);
    }
}
