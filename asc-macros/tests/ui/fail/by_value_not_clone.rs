use std::net::TcpStream;
use std::sync::MutexGuard;

use asc_runtime::asc_handler;

struct Lease(u8);

#[asc_handler]
fn resource(count: &mut u8, stream: std::net::TcpStream) {
    *count += 1;
    drop(stream);
}

#[asc_handler]
fn guard(mut state: MutexGuard<'_, u8>) {
    *state += 1;
}

#[asc_handler]
fn inside_a_collection(leases: Vec<Lease>) -> usize {
    leases.len()
}

#[asc_handler]
fn under_a_pattern((count, stream): (u8, TcpStream)) -> u8 {
    drop(stream);
    count
}

#[asc_handler]
fn under_a_wildcard(_: Lease) {}

#[asc_handler]
fn type_parameter<T>(value: T) -> T {
    value
}

#[asc_handler]
fn opaque(callback: impl FnOnce() -> u8) -> u8 {
    callback()
}

impl Lease {
    #[asc_handler]
    fn receiver(self) -> u8 {
        self.0
    }

    #[asc_handler]
    fn boxed_receiver(self: Box<Self>) -> u8 {
        self.0
    }
}

fn main() {}
