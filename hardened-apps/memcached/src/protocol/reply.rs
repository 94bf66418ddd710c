//! Replies, word for word memcached's.

/// A storage command stored.
pub const STORED: &[u8] = b"STORED\r\n";
/// The condition of `add`, `replace`, `append` or `prepend` did not hold.
pub const NOT_STORED: &[u8] = b"NOT_STORED\r\n";
/// `cas`: the item has changed.
pub const EXISTS: &[u8] = b"EXISTS\r\n";
/// No such item.
pub const NOT_FOUND: &[u8] = b"NOT_FOUND\r\n";
/// `delete` deleted.
pub const DELETED: &[u8] = b"DELETED\r\n";
/// `touch` touched.
pub const TOUCHED: &[u8] = b"TOUCHED\r\n";
/// Done.
pub const OK: &[u8] = b"OK\r\n";
/// `stats reset` did.
pub const RESET: &[u8] = b"RESET\r\n";
/// The end of a retrieval or of statistics.
pub const END: &[u8] = b"END\r\n";
/// `version`.
pub const VERSION: &[u8] = b"VERSION 1.6.18-asc\r\n";

/// Not a command, or the wrong number of words.
pub const ERROR: &[u8] = b"ERROR\r\n";
/// A word of the line is not what it should be.
pub const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
/// `delete` with a time.
pub const BAD_DELETE: &[u8] =
    b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
/// The data block does not end where the line says.
pub const BAD_DATA_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
/// The time is not a number.
pub const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";
/// The amount of `incr` or `decr` is not a number.
pub const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta argument\r\n";
/// The value of the item is not a number.
pub const NON_NUMERIC: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
/// `stats detail` without an argument that it knows.
pub const STATS_DETAIL_USAGE: &[u8] = b"CLIENT_ERROR usage: stats detail on|off|dump\r\n";
/// `shutdown`.
pub const NO_SHUTDOWN: &[u8] = b"ERROR: shutdown not enabled\r\n";
/// Over the item size limit.
pub const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";
/// Larger than the memory.
pub const NO_MEMORY_STORING: &[u8] = b"SERVER_ERROR out of memory storing object\r\n";
/// One connection too many.
pub const TOO_MANY_CONNECTIONS: &[u8] = b"ERROR Too many open connections\r\n";

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_one_of_the_package() {
        let version = format!("VERSION {}\r\n", crate::PROTOCOL_VERSION);
        assert_eq!(super::VERSION, version.as_bytes());
    }
}
