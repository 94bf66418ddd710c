//! A trace: the requests that a target answers, in order.
//!
//! ```text
//! "ASCTRACE"  version: u32  count: u32  count x (length: u32, bytes)  crc32c: u32
//! ```
//!
//! All numbers are little-endian; the checksum covers everything before it.
//!
//! 1. `record` writes one, from a target's own generator or from a real client's bytes.
//! 2. The injector reads it, and hands it to the target at its start.
//! 3. The target answers the requests one by one.

use std::fmt;

/// The first bytes of a trace.
const MAGIC: &[u8; 8] = b"ASCTRACE";
/// Version of the format.
const VERSION: u32 = 1;
const NUMBER_BYTES: usize = size_of::<u32>();
const HEADER_BYTES: usize = MAGIC.len() + 2 * NUMBER_BYTES;
/// More requests than a campaign can walk through.
pub const REQUESTS_MAX: usize = 1 << 20;
/// Longest request.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;

/// Requests in the order they are answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The bytes of each request.
    pub requests: Vec<Vec<u8>>,
}

impl Trace {
    /// The trace as it stands in a file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let number = |bytes: &mut Vec<u8>, value: usize| {
            bytes.extend_from_slice(&(value as u32).to_le_bytes());
        };
        number(&mut bytes, VERSION as usize);
        number(&mut bytes, self.requests.len());
        for request in &self.requests {
            number(&mut bytes, request.len());
            bytes.extend_from_slice(request);
        }
        let checksum = crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// Anything else, with what was wanted and what was found.
    pub fn decode(bytes: &[u8]) -> Result<Self, TraceError> {
        let mut reader = Reader { bytes, at: 0 };
        if bytes.len() < HEADER_BYTES + NUMBER_BYTES || !bytes.starts_with(MAGIC) {
            return Err(reader.error("a file that begins with ASCTRACE", "something else"));
        }
        let (content, checksum) = bytes.split_at(bytes.len() - NUMBER_BYTES);
        if checksum != crc32c(content).to_le_bytes() {
            return Err(reader.error(
                "the checksum at the end",
                "another one: the file is damaged",
            ));
        }
        reader.bytes = content;
        reader.at = MAGIC.len();
        let version = reader.number("a version")?;
        if version != VERSION as usize {
            return Err(reader.error("version 1", &format!("version {version}")));
        }
        let count = reader.number("the number of requests")?;
        if count > REQUESTS_MAX {
            return Err(reader.error("at most 2^20 requests", &format!("{count}")));
        }
        let requests = (0..count)
            .map(|_| reader.request())
            .collect::<Result<Vec<_>, _>>()?;
        match reader.rest() {
            0 => Ok(Self { requests }),
            rest => Err(reader.error("the end", &format!("{rest} more bytes"))),
        }
    }
}

/// CRC32C, as targets seal their messages with it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Not a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    at: usize,
    wanted: String,
    found: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "not a trace: at byte {} wanted {}, found {}; record it again with `asc-inject record`",
            self.at, self.wanted, self.found
        )
    }
}

impl std::error::Error for TraceError {}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self, wanted: &str) -> Result<usize, TraceError> {
        let bytes = self.take(NUMBER_BYTES, wanted)?;
        let bytes = bytes.try_into().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    fn request(&mut self) -> Result<Vec<u8>, TraceError> {
        let length = self.number("a request's length")?;
        if length > REQUEST_BYTES_MAX {
            return Err(self.error("a request of at most 64 MiB", &format!("{length} bytes")));
        }
        Ok(self.take(length, "a request")?.to_vec())
    }

    fn take(&mut self, length: usize, wanted: &str) -> Result<&[u8], TraceError> {
        if self.rest() < length {
            return Err(self.error(wanted, "the end"));
        }
        self.at += length;
        Ok(&self.bytes[self.at - length..self.at])
    }

    fn rest(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn error(&self, wanted: &str, found: &str) -> TraceError {
        TraceError {
            at: self.at,
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(requests in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let trace = Trace { requests };
            prop_assert_eq!(Trace::decode(&trace.encode()), Ok(trace));
        }

        #[test]
        fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Trace::decode(&bytes).is_err());
        }

        #[test]
        fn every_damaged_byte_is_noticed(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut bytes = Trace { requests: vec![b"get a\r\n".to_vec(), b"".to_vec()] }.encode();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let error = Trace::decode(&bytes).unwrap_err().to_string();
            prop_assert!(error.contains("wanted") && error.contains("record it again"));
        }
    }
}
