//! Replies without what must differ.

/// What is followed by a time.
const TIMES: [&[u8]; 4] = [b" t", b" l", b" exp=", b" la="];
const OWN_VERSION: &[u8] = b"1.6.18-asc";
const STOCK_VERSION: &[u8] = b"1.6.18";
/// Where the length of the body of a binary response is, and what one begins with.
const BINARY_VERSION: [u8; 2] = [0x81, 0x0b];

/// Times become `#`; the version becomes memcached's.
pub(crate) fn normalised(reply: &[u8]) -> Vec<u8> {
    let mut normal = Vec::with_capacity(reply.len());
    let mut rest = reply;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(length) = time_at(rest) {
            normal.push(b'#');
            rest = &rest[length..];
        } else if rest.starts_with(OWN_VERSION) {
            normal.extend(STOCK_VERSION);
            rest = &rest[OWN_VERSION.len()..];
        } else if rest.starts_with(&BINARY_VERSION) && rest.len() >= 24 && rest[10] == 0 {
            // The length of the body tells the versions apart.
            normal.extend(&rest[..8]);
            normal.push(b'#');
            rest = &rest[12..];
        } else {
            normal.push(first);
            rest = after;
        }
    }
    normal
}

/// The length of a time and of what announces it.
fn time_at(text: &[u8]) -> Option<usize> {
    TIMES.iter().find_map(|prefix| {
        let number = text.strip_prefix(*prefix)?;
        let is_digit = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
        let digits = number.iter().take_while(is_digit).count();
        (digits > 0 && number[..digits] != *b"-1").then_some(prefix.len() + digits)
    })
}

#[test]
fn times_are_left_out_and_the_absence_of_one_is_not() {
    let normal = |text: &str| String::from_utf8(normalised(text.as_bytes())).unwrap();
    assert_eq!(
        normal("ME a exp=30 la=1 cas=5 fetch=yes\r\n"),
        "ME a## cas=5 fetch=yes\r\n"
    );
    assert_eq!(normal("HD t-1 l3 s12\r\n"), "HD t-1# s12\r\n");
}
