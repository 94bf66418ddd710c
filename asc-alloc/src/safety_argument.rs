//! Why the `unsafe` code of this crate is sound, in one place.
//!
//! # Pointers
//!
//! 1. *One origin.* The region is reserved by one `mmap`. Every pointer that the allocator hands out is
//!    that mapping's pointer moved by an offset (`heap::region::Region::pointer`). Bookkeeping is done
//!    in offsets; an address that a caller passes in is only subtracted from the base. No integer is
//!    cast to a pointer, so no provenance is exposed, but for the program's signal handlers, which
//!    the C library's `sigaction` holds as integers.
//! 2. *Never unmapped.* The region, the records and the thread caches live as long as the process, so
//!    `&'static` references to records stay valid. An ended thread's signal stack is the one mapping
//!    that goes; no reference to it exists.
//! 3. *Records before memory.* Chunks are committed in steps, their records with them and before
//!    the arena's frontier passes them. A record is looked up only for a chunk below the frontier, or
//!    for an address that a caller passes in; one outside of the arenas is refused, and one above the
//!    frontier was never handed out: freeing it is the caller's breach of contract, and faults.
//!
//! # Exclusiveness
//!
//! 4. *Chunks.* Below the frontier each chunk belongs to exactly one free run, slab or large block. Runs
//!    change hands under the arena's span lock (`heap::spans::Spans`).
//! 5. *Objects.* Each object of a slab is in exactly one of three places: its bit in the free map is
//!    set; or its offset lies in one thread's cache; or it is handed out. Bits change under the class's
//!    lock (`heap::class::Class`); a bit that would be set twice ends the process.
//! 6. *Caches.* A cache is reached by the thread whose thread-local names it, or by the holder of the
//!    lock on the list of unused caches; it moves between the two at thread start and end. It is
//!    never reached by a signal handler: handlers must not allocate.
//! 7. *Disjointness.* From 4 and 5: two blocks that are handed out do not overlap. Size and alignment
//!    follow from the classes (multiples of the alignment, in slabs aligned to 64 KiB) and from spans
//!    (whole chunks, aligned by trimming).
//!
//! # Zeroes
//!
//! 8. A free run is *clean* if the system gave its memory and nobody was given it since. An object is
//!    *fresh* if its slab was cut from a clean run and its number is not below any that was taken.
//!    Both read as zero. `alloc_zeroed` relies on it; a returned run becomes clean after
//!    `MADV_DONTNEED`.
//!
//! # Locks and forks
//!
//! 9. Order: session, class, spans, region; the list of unused caches with none other. No lock is held
//!    across a call of code that is not this crate's.
//! 10. A fork happens while the forking thread holds all of them, so the child finds every list whole.
//!     Caches of other threads are never looked at in the child.
//! 11. Nothing in the crate allocates through the global allocator on the way of an allocation: the C
//!     library's mutexes, keys and fork handlers use the C library's own `malloc`, if any.
//!
//! # Sessions and faults
//!
//! 12. At most one thread has the session (`page::session`). Tables of the page level change in that
//!     thread only: in its own code, which then writes open pages and cannot fault, or in its fault
//!     handler, which then interrupts code that is not this crate's. So handler and code never
//!     interleave within an operation on the tables.
//! 13. The handler runs async-signal-safe code: atomics, copies of pages, `ioctl` or `mprotect`, and
//!     `write`, `backtrace` (loaded beforehand) and `_exit` when it ends the process.
//! 14. A page is closed unless it is in the table of open pages; its copy was taken before it was
//!     opened. Between sessions the hot pages in the table equal their copies, because the gate is shut
//!     for every thread.
//! 15. Free protected memory returns to the system in a session only, and hot pages' copies follow.
//!     A write to a page that was returned faults again: the range is closed anew.
//!
//! 16. A rollback changes memory that safe code may have borrowed. So `Session::begin` is unsafe, and
//!     its contract is what an engine proves. The crate's own sessions (scopes, returned memory, the
//!     scrubber) are committed and change nothing but rotten bits.
//!
//! # Line codes
//!
//! 17. Outside of sessions each line of committed protected memory agrees with its code, as far as
//!     neither rots: fresh and returned memory is zero and so are its codes; a commit follows every
//!     page that was opened or is hot and changed; a rollback changes none.
