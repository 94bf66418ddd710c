//! The glue that makes a service a target.
//!
//! ```no_run
//! use asc_runtime::{Input, Output, asc_handler};
//! use fault_injector::target::{Digest, Target, serve};
//!
//! struct Counter(u64);
//!
//! impl Counter {
//!     #[asc_handler]
//!     fn add(&mut self, request: &Input<'_>, reply: &mut Output) {
//!         self.0 += request.bytes().len() as u64;
//!         reply.write(&self.0.to_le_bytes());
//!     }
//! }
//!
//! impl Target for Counter {
//!     fn new() -> Self {
//!         Self(0)
//!     }
//!     fn handle(&mut self, request: &Input<'_>, reply: &mut Output) {
//!         self.add(request, reply);
//!     }
//!     fn digest(&self, digest: &mut Digest) {
//!         digest.number(self.0);
//!     }
//!     fn generate(seed: u64, count: usize) -> Vec<Vec<u8>> {
//!         (0..count as u64).map(|n| vec![0; (seed + n) as usize % 9]).collect()
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     serve::<Counter>()
//! }
//! ```
//!
//! The life of a target under the injector:
//! 1. It reads the trace and sets its state up.
//! 2. It gives up every system call that answering does not need.
//! 3. It answers the requests one by one, between [`markers`] on which the injector stops it.
//! 4. It verifies all memory that has line codes, appends the digest of its state and ends.
//!
//! Without the injector it checks itself: two fault-free lives must be equal.

use asc_runtime::{Input, Output};

pub mod markers;

mod answer;
mod confinement;
mod digest;
mod service;

pub use digest::Digest;
pub use service::serve;

/// A service that can be struck.
///
/// Everything must be a function of the requests: no clocks, no addresses in replies, no hash maps
/// seeded from the system whose order shows. The injector refuses a target that differs from itself.
pub trait Target: Sized {
    /// The service in the state that its first request finds. Keep it small: it is copied for
    /// each fault.
    fn new() -> Self;

    /// Calls the handler for one request.
    fn handle(&mut self, request: &Input<'_>, reply: &mut Output);

    /// Tells all state that later requests could see. Called once, behind the last request.
    ///
    /// It may be called on damaged state: walk lists for a bounded number of steps.
    fn digest(&self, digest: &mut Digest);

    /// `count` requests drawn from `seed`, for a synthetic trace.
    fn generate(seed: u64, count: usize) -> Vec<Vec<u8>>;

    /// Length of the first request in `bytes`, or `None` if it is not complete; used to cut what
    /// a client sent. By default every line is a request.
    fn frame(bytes: &[u8]) -> Option<usize> {
        bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .map(|end| end + 1)
    }
}
