//! Sizes with a suffix, as `-I` reads them.

/// Reads a number of bytes: digits and `k`, `m` or nothing.
pub(super) fn parse(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.as_bytes() {
        [.., b'k' | b'K'] => (&text[..text.len() - 1], 1 << 10),
        [.., b'm' | b'M'] => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let number: u32 = digits
        .parse()
        .map_err(|_| format!("{text:?} is not a number of bytes such as 1024k or 2m"))?;
    number
        .checked_mul(unit)
        .ok_or_else(|| format!("{text} is more than 4 GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        assert_eq!(parse("1024"), Ok(1024));
        assert_eq!(parse("2k"), Ok(2048));
        assert_eq!(parse("2M"), Ok(2 << 20));
        assert!(parse("m").is_err() && parse("2g").is_err() && parse("5000m").is_err());
    }
}
