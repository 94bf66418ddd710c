//! The libc functions that a hardened executable reaches through asc-runtime.
//!
//! The linker is told `--wrap=X` for each of them: a call of `X` anywhere in
//! the program goes to `__wrap_X`, which asc-runtime defines for exactly this
//! list, and asc-runtime reaches libc's own function as `__real_X`. A program
//! that does not link asc-runtime gets `__wrap_X` from the inert archive.

use crate::integrity::Integrity;

/// Memory: allocations are recorded in the first run and replayed in the second.
const MEMORY: &[&str] = &[
    "malloc",
    "calloc",
    "realloc",
    "free",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
];

/// Time and randomness: recorded in the first run and replayed in the second.
const TIME_AND_RANDOMNESS: &[&str] = &[
    "clock_gettime",
    "gettimeofday",
    "time",
    "getrandom",
    "getentropy",
    "sched_getcpu",
    "syscall",
];

/// Looking functions up by name: answered with the replacements above.
const LOOK_UP: &[&str] = &["dlsym"];

/// Hidden state of libc: executed once per handler.
const HIDDEN_STATE: &[&str] = &["__cxa_thread_atexit_impl"];

/// Effects on the world outside: refused inside handlers.
const REFUSED_INSIDE_HANDLERS: &[&str] = &[
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "open",
    "open64",
    "openat",
    "openat64",
    "close",
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "fork",
    "vfork",
    "execve",
    "execvp",
    "posix_spawn",
    "posix_spawnp",
    "pthread_create",
    "nanosleep",
    "clock_nanosleep",
    "usleep",
    "sleep",
    "poll",
    "ppoll",
    "select",
    "epoll_wait",
    "epoll_pwait",
    "unlink",
    "rename",
    "mkdir",
    "rmdir",
    "fsync",
    "fdatasync",
    "ftruncate64",
    "lseek64",
    "ioctl",
    "dup",
    "dup2",
    "dup3",
    "pipe",
    "pipe2",
    "kill",
    "mmap",
    "mmap64",
    "munmap",
    "mprotect",
];

/// Comparisons and searches, which read memory without hooks, and the length of
/// a block: in builds with line codes only.
const READS: &[&str] = &[
    "memcmp",
    "bcmp",
    "memchr",
    "memrchr",
    "strlen",
    "malloc_usable_size",
];

/// The standard library refers to these weakly, so that it runs with a libc
/// that lacks them. A weak reference takes nothing from an archive, so the
/// linker is told that their wrappers are wanted.
pub(crate) const WEAKLY_REFERENCED: &[&str] = &["getrandom", "__cxa_thread_atexit_impl"];

/// Every symbol that is wrapped in some build, in a fixed order.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    of(Integrity::Crc)
}

/// Every symbol that is wrapped in such a build, in a fixed order.
pub(crate) fn of(integrity: Integrity) -> impl Iterator<Item = &'static str> {
    let reads = match integrity {
        Integrity::Ecc => &[],
        Integrity::Crc => READS,
    };
    [
        reads,
        MEMORY,
        TIME_AND_RANDOMNESS,
        LOOK_UP,
        HIDDEN_STATE,
        REFUSED_INSIDE_HANDLERS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use super::{WEAKLY_REFERENCED, all};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The runtime beside this crate in the checkout.
    #[test]
    fn the_runtime_defines_exactly_these_wrappers() {
        let hardened = Path::new(env!("CARGO_MANIFEST_DIR")).join("../asc-runtime/src/hardened");
        let mut defined = BTreeSet::new();
        for file in [
            "allocation.rs",
            "effect.rs",
            "lookup.rs",
            "refusal.rs",
            "integrity/heap.rs",
            "sys/x86_64_linux/checks/compared.rs",
        ] {
            let source = fs::read_to_string(hardened.join(file)).expect("the runtime's source");
            defined.extend(source.split("__wrap_").skip(1).map(|rest| {
                let is_name = |character: char| character.is_alphanumeric() || character == '_';
                rest.split(|character| !is_name(character))
                    .next()
                    .unwrap_or("")
                    .to_owned()
            }));
        }
        defined.remove("");
        assert_eq!(defined, all().map(str::to_owned).collect());
    }

    #[test]
    fn no_symbol_is_listed_twice() {
        assert_eq!(all().count(), all().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn what_is_referenced_weakly_is_wrapped() {
        assert!(
            WEAKLY_REFERENCED
                .iter()
                .all(|weak| all().any(|symbol| symbol == *weak))
        );
    }
}
