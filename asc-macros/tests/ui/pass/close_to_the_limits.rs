//! What is accepted next to what is refused.

use std::future::Future;
use std::pin::Pin;

use asc_runtime::asc_handler;

type Started = Pin<Box<dyn Future<Output = u8>>>;

/// Makes futures later; the handler itself returns a plain value.
#[asc_handler]
fn factory(by: u8) -> Box<dyn Fn(u8) -> Pin<Box<dyn Future<Output = u8>>>> {
    Box::new(move |value| Box::pin(async move { value + by }) as Started)
}

mod commands {
    /// Not the entry point of a program: it takes an argument.
    #[asc_runtime::asc_handler]
    pub(crate) fn main(state: &mut u8) {
        *state += 1;
    }
}

struct Program;

impl Program {
    #[asc_handler]
    fn main(&self) {}

    /// `&mut` behind names.
    #[asc_handler]
    fn through(self: Pin<&mut Self>, out: Option<&mut u8>, pinned: Pin<&u8>) {
        if let Some(out) = out {
            *out = *pinned;
        }
    }
}

trait Service {
    fn undecided(&mut self);

    #[asc_handler]
    fn provided(&mut self) {
        self.undecided();
    }
}

impl Service for u8 {
    #[asc_handler]
    fn undecided(&mut self) {
        *self += 1;
    }
}

#[asc_handler]
extern "Rust" fn rust_abi(state: &mut u8) {
    *state += 1;
}

/// A result that cannot be, inside of one that can.
#[asc_handler]
fn infallible(state: &u8) -> Result<u8, std::convert::Infallible> {
    Ok(*state)
}

fn main() {
    let mut state = 1;
    commands::main(&mut state);
    rust_abi(&mut state);
    state.provided();
    Program.main();
    Pin::new(&mut Program).through(Some(&mut state), Pin::new(&9));
    drop(factory(1)(2));
    assert_eq!(infallible(&state), Ok(9));
}
