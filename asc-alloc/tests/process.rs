//! What concerns a whole process: forks, limits, and misuse that must end it.
//!
//! Each case is an ignored test of this program, run as a child of its own.

#[path = "support/cases.rs"]
mod cases;

use std::alloc::{GlobalAlloc, Layout};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use asc_alloc::AscAlloc;
use cases::text;

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

/// Runs a case of this program, with a limit on its address space.
fn child(case: &str, address_space_bytes: Option<u64>) -> Output {
    let mut command = cases::command(case);
    if let Some(bytes) = address_space_bytes {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        };
        let set_limit = move || {
            // SAFETY: the structure is live.
            match unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: between fork and exec only an async-signal-safe call is made.
        unsafe { command.pre_exec(set_limit) };
    }
    cases::run(&mut command)
}

#[test]
fn every_case_is_run() {
    cases::demand_all_are_run(&[include_str!("process.rs")]);
}

/// The case must abort and say why.
fn aborts(case: &str, saying: &str) {
    let output = child(case, None);
    let said = text(&output);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{said}");
    assert!(said.contains(saying), "{said}");
}

#[test]
fn memory_runs_out_with_null_and_comes_back() {
    let output = child("case_exhausts_memory", Some(600 << 20));
    assert!(output.status.success(), "{}", text(&output));
    assert!(
        text(&output).contains("exhausted and recovered"),
        "{}",
        text(&output)
    );
}

#[test]
#[ignore = "run as a child with a limit"]
fn case_exhausts_memory() {
    for bytes in [100, 5_000, 40_000, 1 << 20] {
        let layout = Layout::from_size_align(bytes, 8).unwrap();
        for round in 0..2 {
            let mut blocks = Vec::with_capacity(4 << 20);
            loop {
                // SAFETY: the size is not zero.
                let pointer = unsafe { ALLOC.alloc(layout) };
                if pointer.is_null() {
                    break;
                }
                blocks.push(pointer);
            }
            let total = blocks.len() * bytes;
            assert!(
                total > 64 << 20,
                "round {round}: only {total} bytes of {bytes} each"
            );
            for pointer in blocks {
                // SAFETY: allocated above with this layout.
                unsafe { ALLOC.dealloc(pointer, layout) };
            }
        }
    }
    let mut impossible: Vec<u8> = Vec::new();
    assert!(impossible.try_reserve_exact(isize::MAX as usize).is_err());
    assert!(impossible.try_reserve_exact(1 << 40).is_err());
    println!("exhausted and recovered");
}

#[test]
fn a_block_freed_twice_ends_the_process() {
    aborts("case_frees_twice", "was freed twice");
}

#[test]
#[ignore = "run as a child"]
fn case_frees_twice() {
    let layout = Layout::new::<[u64; 9]>();
    // SAFETY: the size is not zero.
    let pointer = unsafe { ALLOC.alloc(layout) };
    // SAFETY: allocated above.
    unsafe { ALLOC.dealloc(pointer, layout) };
    // SAFETY: none: that is the case. Nothing else uses the block.
    unsafe { ALLOC.dealloc(pointer, layout) };
    ALLOC.return_memory();
}

#[test]
fn a_large_block_freed_twice_ends_the_process() {
    aborts("case_frees_large_twice", "was it freed before");
}

#[test]
#[ignore = "run as a child"]
fn case_frees_large_twice() {
    let layout = Layout::new::<[u64; 90_000]>();
    // SAFETY: the size is not zero.
    let pointer = unsafe { ALLOC.alloc(layout) };
    // SAFETY: allocated above.
    unsafe { ALLOC.dealloc(pointer, layout) };
    // SAFETY: none: that is the case.
    unsafe { ALLOC.dealloc(pointer, layout) };
}

#[test]
fn a_foreign_block_ends_the_process() {
    aborts("case_frees_foreign", "is not from this allocator");
}

#[test]
#[ignore = "run as a child"]
fn case_frees_foreign() {
    // SAFETY: the size is not zero.
    let pointer = unsafe { libc::malloc(64) };
    let layout = Layout::from_size_align(64, 8).unwrap();
    // SAFETY: none: that is the case.
    unsafe { ALLOC.dealloc(pointer.cast(), layout) };
}

#[test]
fn a_wrong_layout_ends_the_process() {
    aborts("case_frees_with_wrong_layout", "freed with another layout");
}

#[test]
#[ignore = "run as a child"]
fn case_frees_with_wrong_layout() {
    // SAFETY: the size is not zero.
    let pointer = unsafe { ALLOC.alloc(Layout::new::<[u64; 100]>()) };
    // SAFETY: none: that is the case.
    unsafe { ALLOC.dealloc(pointer, Layout::new::<[u64; 10]>()) };
    ALLOC.return_memory();
}

/// Forks while other threads allocate; each child allocates, frees and ends a thread of its own.
#[test]
fn a_child_of_a_busy_process_can_allocate() {
    let output = child("case_forks", None);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("200 children"), "{}", text(&output));
}

#[test]
#[ignore = "run as a child"]
fn case_forks() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let churn = || {
        while !DONE.load(Ordering::Relaxed) {
            let blocks: Vec<Vec<u8>> = (1..200).map(|n| vec![1; n * 400]).collect();
            drop(std::hint::black_box(blocks));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(churn);
        }
        for _ in 0..200 {
            fork_once();
        }
        DONE.store(true, Ordering::Relaxed);
    });
    println!("200 children");
}

fn fork_once() {
    // SAFETY: the child uses the allocator, which is prepared for forks, and `_exit`.
    let process = unsafe { libc::fork() };
    if process == 0 {
        let kept: Vec<Vec<u8>> = (1..300).map(|n| vec![3; n * 300]).collect();
        let other = std::thread::spawn(|| vec![4u8; 100_000]).join();
        let whole = kept
            .iter()
            .all(|block| block.first() == Some(&3) && block.last() == Some(&3));
        let status = i32::from(!whole || other.is_err());
        drop(kept);
        // SAFETY: ends the child without running this program's exit handlers.
        unsafe { libc::_exit(status) };
    }
    assert!(process > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: the child is this process's own.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    assert_eq!(waited, process);
    assert_eq!(status, 0, "the child failed");
}
