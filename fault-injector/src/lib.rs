//! Seeded bit-flip campaigns against handler binaries, plain and hardened.
//!
//! Two halves in one crate. A service links `target` (feature of the same name) to become a
//! *target*: a program that answers a trace of requests and says what it answered. Everything else
//! is the *injector*, which runs a target under ptrace and never shares memory with it:
//!
//! 1. [`trace`]: the requests, recorded or generated.
//! 2. `tracer`: launches a target the same way every time, steps it, copies it.
//! 3. `code`: what an instruction reads and writes, which function and line it belongs to.
//! 4. `profile`: the golden walk: every instruction of every struck request, in order.
//! 5. `plan`: which instruction is struck how, drawn from one seed.
//! 6. `fault`: applies a planned fault to a stopped copy of the target.
//! 7. `oracle`: judges what the copy did, outside of the struck process.
//! 8. `campaign`: all of it, on any number of workers, into [`results`].
//! 9. [`live`]: the other way to strike: a whole server with all its threads, under load.
//! 10. [`soak`]: the same server struck again and again, for as long as one likes.

pub mod trace;

#[cfg(any(feature = "injector", feature = "target"))]
pub mod protocol;

#[cfg(feature = "target")]
pub mod target;

#[cfg(feature = "injector")]
pub mod aftermath;
#[cfg(feature = "injector")]
pub mod campaign;
#[cfg(feature = "injector")]
pub mod code;
#[cfg(feature = "injector")]
pub mod commands;
#[cfg(feature = "injector")]
pub mod evidence;
#[cfg(feature = "injector")]
pub mod failure;
#[cfg(feature = "injector")]
pub mod fault;
#[cfg(feature = "injector")]
pub mod journal;
#[cfg(feature = "injector")]
pub mod latency;
#[cfg(feature = "injector")]
pub mod live;
#[cfg(feature = "injector")]
pub mod oracle;
#[cfg(feature = "injector")]
pub mod plan;
#[cfg(feature = "injector")]
pub mod profile;
#[cfg(feature = "injector")]
pub mod program;
#[cfg(feature = "injector")]
pub mod proxy;
#[cfg(feature = "injector")]
pub mod report;
#[cfg(feature = "injector")]
pub mod results;
#[cfg(feature = "injector")]
pub mod soak;
#[cfg(feature = "injector")]
pub mod statistics;
#[cfg(feature = "injector")]
pub mod tracer;
#[cfg(feature = "injector")]
pub mod walk;
#[cfg(feature = "injector")]
pub mod worker;
