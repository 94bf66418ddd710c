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
//! 3. [`strikes`]: bits flip in a thread that executes a handler, where it is [aimed](aim), in bursts.
//! 4. A life ends with the soak or with a strike that the server does not survive; the next one begins empty.
//! 5. `watch`: what the server reports, and the memory it occupies. A report, and an `ending` before the
//!    soak's, needs a strike to `blame`. In the calm between two bursts there is hardly one, in a life that
//!    is never struck there is none.
//! 6. [`tally`]: what was seen. Wrong replies, false alarms, unprovoked ends and growing memory are failures.

pub mod aim;
pub mod churn;
pub mod life;
pub mod owner;
pub mod strikes;
pub mod tally;

mod blame;
mod ending;
mod watch;

pub use watch::MEASURED_MIN;

use std::time::{Duration, Instant};

use crate::code::image::Image;
use crate::failure::{Failure, Result};
use crate::live::server::Setup;
use crate::results::Model;
use aim::Aim;
use life::Ground;
use strikes::Strikes;
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
///
/// # Errors
///
/// If the server cannot be started, traced or struck; also if strikes were wanted, none was made and
/// nothing else was wrong: that would say nothing about the server.
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
        (tally.longest_call, tally.deepest_strike) = strikes.reach();
        progress(&tally);
    }
    if settings.strikes_per_second > 0.0 && tally.strikes == 0 && tally.passed() {
        return Err(never_struck(settings, &tally));
    }
    Ok(tally)
}

fn never_struck(settings: &Settings, tally: &Tally) -> Failure {
    let wanted = format!("to strike calls of `{}`", settings.entry);
    match tally.calls {
        0 => Failure::new(
            wanted,
            "nobody has called it",
            "name with --entry what is called for every request, or give more --time",
        ),
        calls => Failure::new(
            wanted,
            format!("{calls} calls, in none of which a handler executes what could be struck"),
            "choose other --models or --aim everything, give more --time, and see that an \
             #[asc_handler] is called there",
        ),
    }
}
