//! Where a command line ends, and what belongs to it.

use super::scan;

/// A request's command line, without its end, and what follows the line.
///
/// The line ends at the first LF; a CR before it is not part of the line, unless it is all there
/// is; and a NUL ends the text.
#[inline(always)]
pub(crate) fn split_request(request: &[u8]) -> (&[u8], &[u8]) {
    let Some(line_feed) = scan::find_either(request, b'\n', 0) else {
        return (request, &[]);
    };
    if request[line_feed] == 0 {
        return split_with_nul(request, line_feed);
    }
    let ends_with_cr = line_feed > 1 && request[line_feed - 1] == b'\r';
    let end = line_feed - usize::from(ends_with_cr);
    (&request[..end], &request[line_feed + 1..])
}

#[cold]
#[inline(never)]
fn split_with_nul(request: &[u8], nul: usize) -> (&[u8], &[u8]) {
    let rest = scan::find(request, b'\n').map_or(request.len(), |line_feed| line_feed + 1);
    (&request[..nul], &request[rest..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_like_those_of_memcached() {
        let cases: [(&[u8], &[u8], &[u8]); 6] = [
            (b"get a\r\n", b"get a", b""),
            (b"get a\n", b"get a", b""),
            (b"set a 0 0 1\r\nx\r\n", b"set a 0 0 1", b"x\r\n"),
            (b"\r\nrest", b"\r", b"rest"),
            (b"get a\0b\r\nrest", b"get a", b"rest"),
            (b"no end", b"no end", b""),
        ];
        for (request, line, rest) in cases {
            assert_eq!(split_request(request), (line, rest));
        }
    }
}
