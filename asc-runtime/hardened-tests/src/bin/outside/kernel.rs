//! System calls that write to protected memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use asc_hardened_tests::page_mode::protected;
use asc_runtime::asc_handler;
use asc_runtime::paged::explain_efault;

const BYTES: usize = 1_000;

type Call = fn(&mut [u8]) -> io::Result<usize>;

const CALLS: [(&str, Call); 4] = [
    ("read", read),
    ("recv", receive),
    ("getrandom", random),
    ("readv", scatter),
];

fn read(buffer: &mut [u8]) -> io::Result<usize> {
    File::open("/dev/zero")?.read(buffer)
}

fn receive(buffer: &mut [u8]) -> io::Result<usize> {
    let (mut sender, mut receiver) = UnixStream::pair()?;
    sender.write_all(&[7; BYTES])?;
    receiver.read(buffer)
}

fn random(buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: a live buffer of that length. The call itself, because libraries retry.
    let read = unsafe { libc::syscall(libc::SYS_getrandom, buffer.as_mut_ptr(), buffer.len(), 0) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

fn scatter(buffer: &mut [u8]) -> io::Result<usize> {
    let zeroes = File::open("/dev/zero")?;
    let part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: one live buffer and an open file.
    let read = unsafe { libc::readv(zeroes.as_raw_fd(), &raw const part, 1) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// Says of each call what became of it.
pub(crate) fn run() {
    let mut state = protected(|| vec![1_u8; BYTES]);
    for (name, call) in CALLS {
        match call(&mut state) {
            Ok(read) => println!("{name}: {read} bytes"),
            Err(error) => {
                let efault = explain_efault(&error, &state)
                    .unwrap_or_else(|| panic!("{name}: {error} is not explained"));
                assert_eq!(efault.address, state.as_ptr().addr());
                assert_eq!(efault.length, BYTES);
                assert!(
                    state.iter().all(|&byte| byte == 1),
                    "{name}: something was written"
                );
                println!(
                    "{name}: {}",
                    efault
                        .to_string()
                        .replace(&format!("{:#x}", efault.address), "ADDRESS")
                );
            }
        }
        the_advice_works(name, call, &mut state);
    }
    only_efault_is_explained(&mut state);
}

/// Read into ordinary memory, and copy in a handler.
fn the_advice_works(name: &str, call: Call, state: &mut [u8]) {
    let mut buffer = vec![2; BYTES];
    let read = call(&mut buffer).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read, BYTES);
    copy(state, &buffer);
    assert_eq!(state, buffer, "{name}");
    protected(|| state.fill(1));
}

#[asc_handler]
fn copy(state: &mut [u8], read: &[u8]) {
    state.copy_from_slice(read);
}

/// Another error, and an `EFAULT` that protected memory has nothing to do with.
fn only_efault_is_explained(state: &mut [u8]) {
    // SAFETY: no file has this number.
    let read = unsafe { libc::read(-1, state.as_mut_ptr().cast(), state.len()) };
    let error = io::Error::last_os_error();
    assert_eq!((read, error.raw_os_error()), (-1, Some(libc::EBADF)));
    assert_eq!(explain_efault(&error, state), None);
    let efault = io::Error::from_raw_os_error(libc::EFAULT);
    assert_eq!(explain_efault(&efault, &[0; 9]), None);
    assert_eq!(explain_efault(&efault, &[]), None);
}
