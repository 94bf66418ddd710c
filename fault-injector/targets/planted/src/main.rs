//! Handlers in assembly, each with one known fate for every fault that strikes it.
//!
//! The first byte of a request chooses the handler, the next eight are its number. Each instruction
//! of [`bodies`] is written so that a flipped bit anywhere in what it reads or writes has the same
//! consequence; the tests of the injector strike all of them and expect exactly that.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use asc_runtime::{Input, Output};
use fault_injector::target::{Digest, Target, serve};

mod bodies;
mod placement;

fn main() -> ExitCode {
    serve::<Planted>()
}

struct Planted;

impl Target for Planted {
    fn new() -> Self {
        Self
    }

    fn handle(&mut self, request: &Input<'_>, reply: &mut Output) {
        let bytes = request.bytes();
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[1..9]);
        let number = u64::from_le_bytes(number);
        let answer = match bytes[0] {
            b'n' => bodies::planted_never(number),
            b'v' => bodies::planted_vector(number),
            b'l' => bodies::planted_latent(number),
            b'm' => bodies::planted_masked(number),
            b'd' => bodies::planted_detects(number, number),
            b'h' => bodies::planted_hangs(number, number),
            b'j' => bodies::planted_jumps(0),
            b'c' => bodies::planted_crashes(0),
            b'p' => placement::on_two_cores(number),
            b'q' => placement::on_one_core(number),
            _ => bodies::planted_address(),
        };
        reply.write(&answer.to_le_bytes());
    }

    fn digest(&self, digest: &mut Digest) {
        digest.number(bodies::STATE.load(Ordering::Relaxed));
    }

    fn generate(seed: u64, count: usize) -> Vec<Vec<u8>> {
        const KINDS: &[u8] = b"nvlmdhjcapq";
        (0..count)
            .map(|index| {
                let number = (seed + index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let kind = KINDS[index % KINDS.len()];
                [&[kind][..], &number.to_le_bytes()].concat()
            })
            .collect()
    }

    fn frame(bytes: &[u8]) -> Option<usize> {
        (bytes.len() >= 9).then_some(9)
    }
}
