//! A template for your own service: a tally of votes behind one handler.
//!
//! Replace [`Tally`] by your service and fill the four functions of [`Target`]. Then:
//!
//! ```sh
//! cargo run --release -p asc-inject-template        # checks itself: two lives must be equal
//! asc-inject ci --target template --build hardened  # strikes it
//! ```
//!
//! In a project without this workspace build your target yourself (`cargo asc build --release`) and
//! name its executable with `--program`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use asc_runtime::{Input, Output, asc_handler};
use fault_injector::target::{Digest, Target, serve};

fn main() -> ExitCode {
    serve::<Tally>()
}

/// The service: a line names a candidate, the answer is that candidate's count.
#[derive(Default)]
struct Tally {
    votes: BTreeMap<Vec<u8>, u64>,
}

impl Tally {
    #[asc_handler]
    fn vote(&mut self, request: &Input<'_>, reply: &mut Output) {
        let name = request.bytes().trim_ascii_end().to_vec();
        let count = self.votes.entry(name).or_default();
        *count += 1;
        reply.write(count.to_string().as_bytes());
        reply.write(b"\n");
    }
}

impl Target for Tally {
    /// The state that the first request finds. A few hundred items show the same faults as a
    /// million, and are copied faster.
    fn new() -> Self {
        Self::default()
    }

    /// Calls your handler, as your event loop does.
    fn handle(&mut self, request: &Input<'_>, reply: &mut Output) {
        self.vote(request, reply);
    }

    /// Everything that a later request could see. No addresses, no order that depends on a seed.
    fn digest(&self, digest: &mut Digest) {
        for (name, count) in &self.votes {
            digest.bytes(name);
            digest.number(*count);
        }
    }

    /// A synthetic trace. Record real clients with `asc-inject record --listen` as soon as you can.
    fn generate(seed: u64, count: usize) -> Vec<Vec<u8>> {
        const NAMES: [&str; 5] = ["ada", "grace", "barbara", "frances", "radia"];
        (0..count)
            .map(|number| {
                let draw = (seed ^ number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                format!("{}\n", NAMES[draw as usize % NAMES.len()]).into_bytes()
            })
            .collect()
    }
}
