//! A target that is not a function of its requests: every life has another process number.

use std::process::ExitCode;

use asc_runtime::{Input, Output};
use fault_injector::target::{Digest, Target, serve};

fn main() -> ExitCode {
    serve::<Clock>()
}

struct Clock;

impl Target for Clock {
    fn new() -> Self {
        Self
    }

    fn handle(&mut self, _request: &Input<'_>, reply: &mut Output) {
        reply.write(&std::process::id().to_le_bytes());
    }

    fn digest(&self, _digest: &mut Digest) {}

    fn generate(_seed: u64, count: usize) -> Vec<Vec<u8>> {
        vec![b"who".to_vec(); count]
    }
}
