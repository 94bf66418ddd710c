//! Where an injection strikes: drawn uniformly over (call, dynamic instruction, model).
//!
//! How long the next call is nobody knows before it has been made. So an instruction number below
//! the longest call's length is drawn and a model; a call that is shorter, or an instruction that
//! does not offer what the model strikes, is let go, and both are drawn anew for the next call. What
//! is accepted is uniform over everything that can be struck.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::plan::random_of;
use crate::results::Model;

/// The breakpoint waits from a moment within this share of a script's replies on, so that there are
/// calls left behind it.
const ARMED_WITHIN: (u64, u64) = (3, 4);

/// One injection's draws.
#[derive(Debug)]
pub struct Draw<'a> {
    random: ChaCha8Rng,
    models: &'a [Model],
    steps_max: u64,
    replies: u64,
}

impl<'a> Draw<'a> {
    /// Draws of injection `id` among calls of fewer than `steps_max` instructions, in lives of
    /// `replies` replies.
    pub fn new(seed: u64, id: u64, models: &'a [Model], steps_max: u64, replies: u64) -> Self {
        Self {
            random: random_of(seed, id),
            models,
            steps_max: steps_max.max(1),
            replies,
        }
    }

    /// The number of replies after which the breakpoint waits.
    pub fn moment(&mut self) -> u64 {
        let (part, of) = ARMED_WITHIN;
        self.random
            .random_range(0..(self.replies * part / of).max(1))
    }

    /// The instruction of the next call, and how it is struck.
    pub fn place(&mut self) -> (u64, Model) {
        let step = self.random.random_range(0..self.steps_max);
        let model = self.models[self.random.random_range(0..self.models.len())];
        (step, model)
    }

    /// What is left of its random numbers, for the strike.
    pub fn random(&self) -> ChaCha8Rng {
        self.random.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_from_seed_and_number() {
        let models = [Model::Flags, Model::Address];
        let drawn = |seed, id| {
            let mut draw = Draw::new(seed, id, &models, 1000, 400);
            (draw.moment(), draw.place(), draw.place())
        };
        assert_eq!(drawn(1, 7), drawn(1, 7));
        assert_ne!(drawn(1, 7), drawn(1, 8));
        assert_ne!(drawn(1, 7), drawn(2, 7));
        assert!((0..500).all(|id| drawn(1, id).0 < 300));
    }
}
