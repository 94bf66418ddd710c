//! Locks for state that several threads' handlers share.
//!
//! A lock of `std` that is taken inside a handler is released within the first run: another thread may
//! enter between the runs and see, or change, what is about to be rolled back. These are taken in the
//! first run, stay taken through both, and are released when the handler has been committed
//! (two-phase locking), so that no thread ever sees uncommitted state. A handler on `&self` thereby is
//! as isolated as one on `&mut self`.
//!
//! They have the interface of `std::sync`, poisoning included, and outside of handlers and in plain
//! builds they behave like it. So they do in page mode, inside handlers too: there handlers run one at a
//! time and see nothing of each other, but a thread outside of handlers may enter when a guard is dropped,
//! and locking twice waits for ever (see `paged`). Inside handlers of hardened
//! builds:
//!
//! - **A guard that is dropped releases nothing yet.** The same handler may lock again; others wait for
//!   its end. A guard that leaves the handler keeps its lock.
//! - **Locking twice** while a guard lives would wait for ever; the program ends with exit status 87
//!   and says so. `try_lock` and its kin return [`TryLockError::WouldBlock`].
//! - **Reading, then writing** the same [`RwLock`]: the handler is undone and begins anew, with write
//!   access from the first use of that lock on.
//! - **Deadlocks** between handlers, which may take their locks in any order, are found: one of them is
//!   undone, lets the others pass, and begins anew. If it has already done what cannot be undone (an
//!   [`effect`](crate::effect()), an atomic operation on shared memory), the program ends with exit status
//!   87 and says so: do that after the last lock. A circle in which a guard outside of handlers takes
//!   part is not found.
//! - **A panic** that both runs share is an outcome like any other: the state is committed, the lock
//!   released, and poisoned if a guard was alive. A fault undoes poisoning with the rest.
//!
//! A handler holds at most 64 of them at a time. It must not move a lock (push to the vector that it
//! lies in, say) after it has locked it: the copy would stay locked.
//!
//! ```
//! use asc_runtime::asc_handler;
//! use asc_runtime::sync::Mutex;
//! use std::collections::HashMap;
//!
//! #[derive(Default)]
//! struct Votes(Mutex<HashMap<String, u64>>);
//!
//! impl Votes {
//!     #[asc_handler]
//!     fn vote(&self, name: &str) -> u64 {
//!         let mut votes = self.0.lock().unwrap();
//!         let count = votes.entry(name.to_owned()).or_default();
//!         *count += 1;
//!         *count
//!     }
//! }
//!
//! let votes = Votes::default();
//! std::thread::scope(|scope| {
//!     (0..4).for_each(|_| { scope.spawn(|| votes.vote("ada")); });
//! });
//! assert_eq!(votes.vote("ada"), 5);
//! ```

mod lock;
mod mutex;
mod rw_lock;

#[cfg(asc)]
pub(crate) use lock::{Answer, Lock, Mode};
pub use mutex::{Mutex, MutexGuard};
pub use rw_lock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
