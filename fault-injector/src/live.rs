//! The live backend: a real server with all its threads is struck while clients are talking to it.
//!
//! The replay backend walks one thread through recorded requests, always the same. Here nothing is
//! recorded: locks, sockets, other threads and the order in which requests meet are the server's
//! own. One injection per life of the server:
//!
//! 1. [`server`] starts it; [`threads`] traces all its threads.
//! 2. [`client`] asks what [`script`] says, over several connections, and knows what every reply
//!    must be. Each connection has keys of its own, so replies do not depend on the schedule.
//! 3. After a drawn number of replies a breakpoint waits at the handler's entry. The thread that
//!    hits it is stepped to a drawn instruction and struck ([`draw`], [`call`]); it runs on natively.
//! 4. [`verdict`] says what came of it: by what the clients saw, how the process ended, and what a
//!    last client reads of the state.
//!
//! [`survey`] measures the fault space with lives that are stepped but not struck, all of which must
//! go unnoticed. The draws follow from the seed; what they meet depends on the schedule, so two
//! campaigns agree in their rates and not in their records.
//!
//! A model that changes an instruction for one execution changes it for all threads for the
//! length of one step; another thread may execute it meanwhile and be struck, too.

pub mod call;
pub mod campaign;
pub mod client;
pub mod draw;
pub mod life;
pub mod script;
pub mod server;
pub mod sites;
pub mod survey;
pub mod threads;
pub mod verdict;
pub mod vigil;
