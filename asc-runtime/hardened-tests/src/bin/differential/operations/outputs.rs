//! Inputs and outputs through the runtime.

use std::fmt::Write as _;

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;
use asc_runtime::{Input, Output};

use crate::subject::{Place, Subject};

/// Replies of several handlers are gathered up to this length.
const REPLIES_BYTES_MAX: usize = 2_000;

/// A pair of outputs; what was read from them is kept.
pub(crate) struct Outputs {
    replies: [Output; 2],
    sent: u64,
    checksums: u64,
}

impl Subject for Outputs {
    const NAME: &'static str = "outputs";
    /// An audit looks at all of the address space that outputs reserve.
    const AUDITS_MAX: u64 = 2;

    fn new(_place: Place) -> Self {
        Self {
            replies: [Output::new(), Output::new()],
            sent: 0,
            checksums: 0,
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        let [first, second] = &mut self.replies;
        let message = word.to_le_bytes();
        let request = Input::seal(&message);
        match random.below(6) {
            0 => first.write(request.bytes()),
            1 => first.write(&vec![word as u8; word as usize % 900]),
            2 => write!(second, "{:?}", request.bytes()).expect("outputs grow"),
            3 => first.write(b""),
            4 => {
                second.write(&message[..3]);
                first.write(&message[3..]);
                second.write(&message[..5]);
            }
            _ => {}
        }
        request.checksum().into()
    }

    fn settle(&mut self) {
        for reply in &mut self.replies {
            if reply.bytes().len() > REPLIES_BYTES_MAX {
                self.sent = digest(&(self.sent, reply.bytes()));
                self.checksums = digest(&(self.checksums, reply.checksum()));
                reply.clear();
            }
        }
    }

    fn digest(&self) -> u64 {
        let pending = (self.replies[0].bytes(), self.replies[1].bytes());
        digest(&(self.sent, self.checksums, pending))
    }
}
