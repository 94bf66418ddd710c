//! A life of its own for a fault that ends it.

/// A line of JSON, with a backtrace before it.
const INCIDENT_BYTES_MAX: usize = 16 << 10;

/// How a child ended, and whether it said anything before.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to standard error.
    pub incident: String,
}

/// Forks; the child runs `body` and ends with status 0. For programs with one thread.
///
/// # Panics
/// If the system refuses, or a signal ended the child.
pub fn fork(body: impl FnOnce()) -> Ended {
    let mut pipe = [0; 2];
    // SAFETY: a place for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    // SAFETY: this program has one thread when it forks.
    let process = unsafe { libc::fork() };
    assert!(process >= 0, "fork");
    if process == 0 {
        // SAFETY: both descriptors are open.
        unsafe { libc::dup2(pipe[1], libc::STDERR_FILENO) };
        body();
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the parent's copy of the writing end.
    unsafe { libc::close(pipe[1]) };
    let incident = read_all(pipe[0]);
    // SAFETY: no one uses it any more.
    unsafe { libc::close(pipe[0]) };
    let mut status = 0;
    // SAFETY: a child of this process.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    assert_eq!(waited, process);
    assert!(
        libc::WIFEXITED(status),
        "a signal ended the child: {status:#x}"
    );
    Ended {
        status: libc::WEXITSTATUS(status),
        incident,
    }
}

fn read_all(descriptor: i32) -> String {
    let mut bytes = [0u8; INCIDENT_BYTES_MAX];
    let mut length = 0;
    loop {
        let rest = &mut bytes[length..];
        // SAFETY: a live slice and an open descriptor.
        let read = unsafe { libc::read(descriptor, rest.as_mut_ptr().cast(), rest.len()) };
        if read <= 0 {
            return String::from_utf8_lossy(&bytes[..length]).into_owned();
        }
        length += read as usize;
    }
}
