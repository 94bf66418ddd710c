//! One thing per run of this program that has no place in a handler: `refusal call=NAME` must end
//! with status 87 and a message that names the way out. `refusal list` prints the names.

use std::cell::RefCell;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, exit};
use std::sync::Barrier;
use std::time::Duration;

use asc_hardened_tests::{arguments, page_mode};
use asc_runtime::sync::{Mutex, RwLock};
use asc_runtime::{Address, Output, after_commit, asc_handler, effect};

/// Exit status for an unknown call.
const EXIT_USAGE: i32 = 2;

type Call = (&'static str, fn());

const CALLS: &[Call] = &[
    ("print", || println!("from a handler")),
    ("print_error", || eprintln!("from a handler")),
    ("open", || drop(black_box(File::open("/dev/null")))),
    ("read_file", || drop(black_box(fs::read("/dev/null")))),
    ("create_directory", || {
        drop(black_box(fs::create_dir("/dev/null/none")))
    }),
    ("remove_file", || {
        drop(black_box(fs::remove_file("/dev/null/none")))
    }),
    ("connect", || {
        drop(black_box(TcpStream::connect("127.0.0.1:9")))
    }),
    ("listen", || {
        drop(black_box(TcpListener::bind("127.0.0.1:0")))
    }),
    ("spawn_thread", || {
        drop(black_box(std::thread::spawn(|| ())))
    }),
    ("spawn_process", || {
        drop(black_box(Command::new("true").status()))
    }),
    ("sleep", || std::thread::sleep(Duration::from_millis(1))),
    ("handler_in_effect", || effect(handler_in_effect)),
    ("deferred_in_effect", || effect(|| after_commit(|| ()))),
    ("lock_twice", lock_twice),
    ("write_what_was_read", write_what_was_read),
    ("create_output", || drop(black_box(Output::new()))),
];

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() {
    if arguments::flag("list") {
        CALLS.iter().for_each(|(name, _)| println!("{name}"));
        [
            "write_open_file",
            "read_open_file",
            "read_output",
            "clear_output",
            "drop_output",
            "address_output",
            "effect_on_output",
            "locks_in_a_circle",
        ]
        .iter()
        .for_each(|name| println!("{name}"));
        return;
    }
    page_mode::start_if_asked();
    let wanted = arguments::text("call").unwrap_or_default();
    println!("before");
    match wanted.as_str() {
        "write_open_file" => write_open_file(&mut writable()),
        "read_open_file" => drop(black_box(read_open_file(&mut readable()))),
        "read_output" => drop(black_box(read_output(&Output::new()))),
        "clear_output" => clear_output(&mut Output::new()),
        "address_output" => address_output(&mut Output::new()),
        "effect_on_output" => effect_on_output(&RefCell::new(Output::new())),
        "locks_in_a_circle" => locks_in_a_circle(),
        "drop_output" => drop_output(&mut Some(Output::new())),
        _ => {
            let Some((_, call)) = CALLS.iter().find(|(name, _)| *name == wanted) else {
                eprintln!("no call is named `{wanted}`: see `refusal list`");
                exit(EXIT_USAGE)
            };
            handler(*call);
        }
    }
    println!("after");
}

#[asc_handler]
fn handler(call: fn()) {
    call();
}

fn writable() -> File {
    File::options()
        .write(true)
        .open("/dev/null")
        .expect("always there")
}

fn readable() -> File {
    File::open("/dev/null").expect("always there")
}

#[asc_handler]
fn write_open_file(file: &mut File) {
    drop(file.write(b"x"));
}

#[asc_handler]
fn read_open_file(file: &mut File) -> usize {
    file.read(&mut [0; 9]).unwrap_or(0)
}

#[asc_handler]
fn read_output(output: &Output) -> usize {
    output.bytes().len()
}

#[asc_handler]
fn clear_output(output: &mut Output) {
    output.clear();
}

#[asc_handler]
fn address_output(output: &mut Output) {
    output.address(Address::new(1, 2));
}

fn lock_twice() {
    static LOCK: Mutex<u64> = Mutex::new(0);
    let first = LOCK.lock();
    drop(black_box(LOCK.lock()));
    drop(first);
}

/// An effect cannot be undone, so the handler cannot begin anew.
fn write_what_was_read() {
    static LOCK: RwLock<u64> = RwLock::new(0);
    let seen = *LOCK.read().expect("never poisoned");
    let answer = effect(|| black_box(1));
    *LOCK.write().expect("never poisoned") = seen + answer;
}

/// Each takes one lock, waits for the other to have done so, and takes the other's.
fn locks_in_a_circle() {
    static LOCKS: [Mutex<u64>; 2] = [Mutex::new(0), Mutex::new(0)];

    #[asc_handler]
    fn handler(own: usize, both: &Barrier) {
        *LOCKS[own].lock().expect("never poisoned") += 1;
        effect(|| {
            both.wait();
        });
        *LOCKS[1 - own].lock().expect("never poisoned") += 1;
    }
    let both = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| handler(0, &both));
        scope.spawn(|| handler(1, &both));
    });
}

#[asc_handler]
fn handler_in_effect() {}

#[asc_handler]
fn effect_on_output(output: &RefCell<Output>) {
    effect(|| output.borrow_mut().write(b"x"));
}

#[asc_handler]
fn drop_output(output: &mut Option<Output>) {
    *output = None;
}
