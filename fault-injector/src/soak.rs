//! A server under fire for as long as one likes: it is struck again and again while clients check what they
//! read, and started anew where a strike has ended it.
//!
//! A campaign asks what becomes of one fault. This asks what becomes of a service that is struck all the
//! time and told to go on (`--on-fault retry(3)`):
//!
//! 1. [`life`]: a server starts; its threads are traced.
//! 2. [`owner`]: clients with keys of their own store, read and delete, reconnect often, and know what they
//!    may read: what they stored last, or nothing, since items expire and are evicted. [`churn`] opens
//!    connections and leaves them in the middle of something.
//! 3. [`strikes`]: bits flip in a thread that executes a handler, in bursts. In the calm between two bursts
//!    nothing may be reported: that would be a false alarm.
//! 4. A life ends with the soak or with a strike that the server does not survive; the next one begins empty.
//! 5. [`tally`]: what was seen. Wrong replies, false alarms and growing memory are failures.

pub mod churn;
pub mod life;
pub mod owner;
pub mod strikes;
pub mod tally;

use std::time::{Duration, Instant};

use crate::code::image::Image;
use crate::failure::Result;
use crate::live::server::Setup;
use crate::results::Model;
use life::Ground;
use strikes::{Aim, Strikes};
use tally::Tally;

/// What is struck, how and for how long.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How servers are started.
    pub setup: Setup,
    /// The function whose calls are struck, as [`Image::entry`] finds it.
    pub entry: String,
    /// How long all lives together last.
    pub time: Duration,
    /// Strikes per second of a burst; 0 for none.
    pub strikes_per_second: f64,
    /// The models, of those that strike an instruction.
    pub models: Vec<Model>,
    /// Where.
    pub aim: Aim,
    /// Seed of what clients do and of what is struck.
    pub seed: u64,
}

/// Lives until the time is over. `progress` gets what was seen so far, after each life.
pub fn soak(settings: &Settings, mut progress: impl FnMut(&Tally)) -> Result<Tally> {
    crate::live::campaign::demand_strikable(&settings.models)?;
    let ground = Ground {
        setup: settings.setup.clone(),
        entry: Image::read(&settings.setup.program)?.entry(&settings.entry)?,
        end: Instant::now() + settings.time,
        seed: settings.seed,
    };
    let mut strikes = Strikes::new(
        settings.seed,
        &settings.models,
        settings.aim,
        settings.strikes_per_second,
    );
    let (mut tally, mut sites) = (Tally::default(), None);
    while Instant::now() < ground.end && tally.wrong.is_empty() {
        let number = tally.lives;
        life::live(&ground, &mut sites, number, &mut strikes, &mut tally)?;
        progress(&tally);
    }
    Ok(tally)
}
