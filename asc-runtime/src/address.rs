//! Whose question an output answers.

/// The identity of a request and the destination of its answer.
///
/// Both are the application's own numbers: a request's number or checksum, a connection's or a
/// peer's. An [`Output`](crate::Output) seals its bytes together with them, and a message carries
/// them along, so that a right answer cannot reach the wrong peer unnoticed.
///
/// ```
/// use asc_runtime::{Address, Output};
///
/// let (mut reply, address) = (Output::new(), Address::new(4711, 3));
/// reply.address(address);
/// reply.write(b"STORED\r\n");
/// assert_eq!(reply.bytes_for(address), b"STORED\r\n");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// Which request is answered.
    pub request: u64,
    /// Who is to get the answer.
    pub destination: u64,
}

impl Address {
    /// The answer to `request`, for `destination`.
    pub const fn new(request: u64, destination: u64) -> Self {
        Self {
            request,
            destination,
        }
    }
}

#[cfg(any(asc, feature = "page"))]
impl Address {
    /// Its share of a seal; that of the default address is 0.
    pub(crate) const fn sum(self) -> u64 {
        crate::engine::memory::sum_of([self.request, self.destination])
    }
}
