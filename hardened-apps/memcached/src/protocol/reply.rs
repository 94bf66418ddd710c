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
/// `stats cachedump` with too few words.
pub const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line\r\n";
/// `stats cachedump` of a class that does not exist.
pub const ILLEGAL_CLASS: &[u8] = b"CLIENT_ERROR Illegal slab id\r\n";
/// `stats cachedump` where it is switched off.
pub const CACHEDUMP_NOT_ALLOWED: &[u8] = b"CLIENT_ERROR stats cachedump not allowed\r\n";
/// `delete` with a time.
pub const BAD_DELETE: &[u8] =
    b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
/// The data block does not end where the line says.
pub const BAD_DATA_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
/// The flags are not the checksum of key and value.
pub const BAD_CHECKSUM: &[u8] = b"CLIENT_ERROR bad checksum\r\n";
/// The time is not a number.
pub const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";
/// The amount of `incr` or `decr` is not a number.
pub const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta argument\r\n";
/// The value of the item is not a number.
pub const NON_NUMERIC: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
/// `stats detail` without an argument that it knows.
pub const STATS_DETAIL_USAGE: &[u8] = b"CLIENT_ERROR usage: stats detail on|off|dump\r\n";
/// `flush_all` where it is switched off.
pub const FLUSH_NOT_ALLOWED: &[u8] = b"CLIENT_ERROR flush_all not allowed\r\n";
/// `shutdown`.
pub const NO_SHUTDOWN: &[u8] = b"ERROR: shutdown not enabled\r\n";
/// `mn`.
pub const META_NOTHING: &[u8] = b"MN\r\n";
/// `me` and `mg`: no such item.
pub const META_MISS: &[u8] = b"EN\r\n";
/// More flags than a meta command may have.
pub const TOO_MANY_META_FLAGS: &[u8] = b"CLIENT_ERROR options flags too long\r\n";
/// The same for `mg`.
pub const TOO_MANY_META_FLAGS_GET: &[u8] = b"CLIENT_ERROR options flags are too long\r\n";
/// A flag of a meta command is there twice.
pub const DUPLICATE_META_FLAG: &[u8] = b"CLIENT_ERROR duplicate flag\r\n";
/// A meta command has no such flag.
pub const INVALID_META_FLAG: &[u8] = b"CLIENT_ERROR invalid flag\r\n";
/// Either of the two, for `md` and `ma`.
pub const BAD_META_FLAG: &[u8] = b"CLIENT_ERROR invalid or duplicate flag\r\n";
/// The argument of a flag is not a number.
pub const BAD_META_ARGUMENT: &[u8] = b"CLIENT_ERROR bad token in command line format\r\n";
/// The key is not base64.
pub const BAD_META_KEY: &[u8] = b"CLIENT_ERROR error decoding key\r\n";
/// The mode is not one letter.
pub const BAD_META_MODE_LENGTH: &[u8] = b"CLIENT_ERROR incorrect length for M token\r\n";
/// `ms` has no such mode.
pub const BAD_META_SET_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ms M token\r\n";
/// `ma` has no such mode.
pub const BAD_META_ARITHMETIC_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ma M token\r\n";
/// The argument of `J` is not a number.
pub const BAD_META_INITIAL: &[u8] = b"CLIENT_ERROR invalid numeric initial value\r\n";
/// The argument of `D` is not a number.
pub const BAD_META_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta value\r\n";
/// An opaque that is too long to be returned.
pub const META_OPAQUE_TOO_LONG: &[u8] = b"CLIENT_ERROR opaque token too long\r\n";
/// `shutdown` knows only `graceful`.
pub const BAD_SHUTDOWN_MODE: &[u8] = b"CLIENT_ERROR invalid shutdown mode\r\n";
/// `cache_memlimit` with too little.
pub const MEMORY_LIMIT_TOO_SMALL: &[u8] =
    b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n";
/// `cache_memlimit` with bytes, it seems.
pub const MEMORY_LIMIT_IN_BYTES: &[u8] =
    b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n";
/// `lru tune` with too much for HOT and WARM.
pub const LRU_PERCENT_TOO_LARGE: &[u8] = b"ERROR hot and warm pcts must not exceed 80\r\n";
/// `lru tune` with a factor that is not positive.
pub const LRU_FACTOR_TOO_SMALL: &[u8] = b"ERROR hot/warm age factors must be greater than 0\r\n";
/// `lru_crawler sleep` with more than a second.
pub const CRAWLER_SLEEP_TOO_LONG: &[u8] = b"CLIENT_ERROR sleep must be one second or less\r\n";
/// `lru_crawler crawl` while it is switched off.
pub const CRAWLER_DISABLED: &[u8] = b"CLIENT_ERROR lru crawler disabled\r\n";
/// `lru_crawler` with a class that does not exist.
pub const BAD_CLASS: &[u8] = b"BADCLASS invalid class id\r\n";
/// `lru_crawler metadump` where it is switched off.
pub const DUMP_NOT_ALLOWED: &[u8] = b"ERROR metadump not allowed\r\n";
/// `lru_crawler metadump` behind other commands.
pub const DUMP_IN_PIPELINE: &[u8] = b"ERROR cannot pipeline other commands before metadump\r\n";
/// `slabs reassign`: there are no slabs.
pub const SLAB_REASSIGN_DISABLED: &[u8] = b"CLIENT_ERROR slab reassignment disabled\r\n";
/// `watch`.
pub const WATCH_NOT_ALLOWED: &[u8] = b"CLIENT_ERROR watch commands not allowed\r\n";
/// Over the item size limit.
pub const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";
/// Larger than the memory.
pub const NO_MEMORY_STORING: &[u8] = b"SERVER_ERROR out of memory storing object\r\n";
/// No room for the new value of `incr`, `decr` or `ma`.
pub const NO_MEMORY_INCREMENTING: &[u8] = b"SERVER_ERROR out of memory\r\n";
/// No room for a number that `ma` creates.
pub const NO_MEMORY_ALLOCATING: &[u8] = b"SERVER_ERROR Out of memory allocating new item\r\n";
/// Anything but an attempt to say who one is, where that is asked for.
pub const UNAUTHENTICATED: &[u8] = b"CLIENT_ERROR unauthenticated\r\n";
/// The data of an attempt does not end where its line says.
pub const BAD_AUTHENTICATION_END: &[u8] = b"CLIENT_ERROR bad command line termination\r\n";
/// The data of an attempt is not a user and a password.
pub const BAD_AUTHENTICATION_FORMAT: &[u8] = b"CLIENT_ERROR bad authentication token format\r\n";
/// No such user, or another password.
pub const AUTHENTICATION_FAILURE: &[u8] = b"CLIENT_ERROR authentication failure\r\n";
/// A request in more than one UDP datagram.
pub const MULTI_PACKET_REQUEST: &[u8] = b"SERVER_ERROR multi-packet request not supported\r\n";
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
