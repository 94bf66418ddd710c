//! A target program's `main`.

use std::error::Error;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::process::ExitCode;

use asc_runtime::{Output, protected, scrub};

use super::answer::{Reply, answer};
use super::{Digest, Target, confinement, markers};
use crate::protocol::{
    FINISHED, FRAME, GENERATE, LAST_SCRUB, MESSAGES, RecordHead, SERVE, SERVED, TRACE,
};
use crate::trace::{Trace, crc32c};

/// Seed and length of the trace with which a target checks itself.
const SELF_CHECK: (u64, usize) = (1, 50);
const USAGE: &str = "usage: no argument (checks itself), `generate SEED COUNT`, or `frame` with a \
                     client's bytes on standard input; `serve` is for asc-inject";

/// What a target's `main` returns.
pub fn serve<T: Target>() -> ExitCode {
    markers::keep();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => check_self::<T>(),
        [mode] if mode == SERVE => serve_trace::<T>(),
        [mode, seed, count] if mode == GENERATE => generate::<T>(seed, count),
        [mode] if mode == FRAME => frame::<T>(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("target: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers the injector's trace.
fn serve_trace<T: Target>() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    descriptor(TRACE).read_to_end(&mut bytes)?;
    let (nonce, trace) = bytes
        .split_at_checked(8)
        .ok_or("wanted a nonce and a trace in descriptor 3: start this with `asc-inject`")?;
    let trace = Trace::decode(trace)?;
    // On the heap, where services keep their state.
    let mut target = protected(|| Box::new(T::new()));
    let mut output = Output::new();
    let mut messages = descriptor(MESSAGES);
    confinement::confine()?;
    for (index, request) in trace.requests.iter().enumerate() {
        let reply = answer(&mut *target, index, request, &mut output);
        append(&mut messages, index as u32, &reply)?;
        output.clear();
    }
    append(&mut messages, SERVED, &sealed(&[]))?;
    // What rotted and was never read must not pass for a state that nobody doubts, nor for one that a
    // handler doubted.
    writeln!(descriptor(libc::STDERR_FILENO), "{LAST_SCRUB}")?;
    scrub();
    let mut digest = Digest::default();
    target.digest(&mut digest);
    let end = [&digest.value().to_le_bytes(), nonce].concat();
    append(&mut messages, FINISHED, &sealed(&end))?;
    // SAFETY: ends the process without destructors: nothing that matters happens any more.
    unsafe { libc::_exit(0) }
}

fn sealed(bytes: &[u8]) -> Reply<'_> {
    Reply {
        bytes,
        checksum: crc32c(bytes),
    }
}

/// One system call, so that a record is there as a whole or not at all.
fn append(messages: &mut File, index: u32, reply: &Reply<'_>) -> io::Result<()> {
    let head = RecordHead {
        index,
        length: reply.bytes.len() as u32,
        checksum: reply.checksum,
    };
    let head = head.encode();
    let parts = [IoSlice::new(&head), IoSlice::new(reply.bytes)];
    let written = messages.write_vectored(&parts)?;
    if written == head.len() + reply.bytes.len() {
        return Ok(());
    }
    Err(io::Error::other("a record was cut"))
}

fn descriptor(number: i32) -> ManuallyDrop<File> {
    // SAFETY: the injector opened it for us, and it is never closed.
    ManuallyDrop::new(unsafe { File::from_raw_fd(number) })
}

/// Two fault-free lives must be equal.
fn check_self<T: Target>() -> Result<(), Box<dyn Error>> {
    let trace = Trace {
        requests: T::generate(SELF_CHECK.0, SELF_CHECK.1),
    };
    let lives = [live::<T>(&trace), live::<T>(&trace)];
    if lives[0] != lives[1] {
        return Err(
            "two fault-free lives differ: something depends on clocks, addresses or \
                    random seeds"
                .into(),
        );
    }
    println!(
        "{}: {} requests answered twice alike, digest {:#018x}",
        asc_runtime::mode().name(),
        trace.requests.len(),
        lives[0].1
    );
    Ok(())
}

fn live<T: Target>(trace: &Trace) -> (Vec<Vec<u8>>, u64) {
    let (mut target, mut output) = (T::new(), Output::new());
    let replies = trace.requests.iter().enumerate().map(|(index, request)| {
        let reply = answer(&mut target, index, request, &mut output)
            .bytes
            .to_vec();
        output.clear();
        reply
    });
    let replies = replies.collect();
    let mut digest = Digest::default();
    target.digest(&mut digest);
    (replies, digest.value())
}

fn generate<T: Target>(seed: &str, count: &str) -> Result<(), Box<dyn Error>> {
    let requests = T::generate(seed.parse()?, count.parse()?);
    io::stdout().write_all(&Trace { requests }.encode())?;
    Ok(())
}

/// Cuts a client's bytes into requests. What is left at the end is no request.
fn frame<T: Target>() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let (mut requests, mut rest) = (Vec::new(), &bytes[..]);
    while let Some(length) = T::frame(rest).filter(|length| (1..=rest.len()).contains(length)) {
        let (request, others) = rest.split_at(length);
        requests.push(request.to_vec());
        rest = others;
    }
    io::stdout().write_all(&Trace { requests }.encode())?;
    Ok(())
}
