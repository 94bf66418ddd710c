//! A server that is struck and watched for as long as one likes, and whose fate is known: it detects a
//! fault in the first request of every life, whether there was one or not.
//!
//! The code of its handler cannot be read, so whoever wants to strike it there must say that he cannot.

use core::arch::naked_asm;
use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

#[path = "../bodies.rs"]
#[expect(dead_code, reason = "the other servers have more bodies")]
mod bodies;

/// Longer than any tracer waits before it strikes, if it strikes a thousand times a second.
const DELAY: Duration = Duration::from_millis(50);
const PAGE_BYTES: usize = 4096;

fn main() -> io::Result<()> {
    make_unreadable(planted_unreadable as extern "C" fn() as usize)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    if let Some(path) = std::env::var_os("MEMCACHED_PORT_FILENAME") {
        let line = format!("TCP INET: {}\n", listener.local_addr()?.port());
        std::fs::write(path, line)?;
    }
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    if stream.read(&mut [0])? == 1 {
        thread::sleep(DELAY);
        planted_unreadable();
        bodies::detected();
    }
    Ok(())
}

#[unsafe(naked)]
extern "C" fn planted_unreadable() {
    naked_asm!("nop", "ret")
}

/// The page of code at `address` can be executed only.
fn make_unreadable(address: usize) -> io::Result<()> {
    let page = std::ptr::without_provenance_mut(address / PAGE_BYTES * PAGE_BYTES);
    // SAFETY: the page is mapped, and nothing reads code as data.
    match unsafe { libc::mprotect(page, PAGE_BYTES, libc::PROT_EXEC) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
