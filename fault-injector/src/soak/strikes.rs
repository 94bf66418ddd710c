//! When a server is struck, and where.
//!
//! Bursts of strikes alternate with calm. A strike takes the next call of the handler's function, steps to a
//! drawn instruction and on to the first one that a handler executes and that offers what the model
//! strikes. Every position up to the end of the longest call is drawn alike; a call that ends before is not
//! struck. Some calls are only stepped to their ends, to know how long they are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use iced_x86::Mnemonic;
use nix::sys::signal::Signal;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::aim::Aim;
use super::blame::{Blame, SETTLED};
use crate::failure::Result;
use crate::fault::{MaskKind, Strike, Struck};
use crate::live::call::Call;
use crate::live::sites::Sites;
use crate::plan::random_of;
use crate::profile::{RequestWalk, Site};
use crate::results::Model;
use crate::tracer::Stop;
use crate::walk::step;

/// How long a burst lasts, and the calm behind it.
const BURST: Duration = Duration::from_secs(6);
const CALM: Duration = Duration::from_secs(4);
const _: () = assert!(CALM.as_millis() > SETTLED.as_millis());
/// Calls are taken to be this long until a longer one was seen.
const STEPS_UNKNOWN: u64 = 2000;
/// One call in so many is stepped to its end, and not struck.
const MEASURED_EVERY: u32 = 8;
/// No call of a server that is well takes longer; the thread of one that was struck may have lost its way.
const STEPS_MAX: u64 = 200_000;
/// Strikes that are told beside a wrong reply.
const LATEST_MAX: usize = 4;
/// The stream of random numbers of strikes; those of clients are others.
const STREAM: u64 = 1 << 63;

/// What is struck next and when.
#[derive(Debug)]
pub struct Strikes {
    random: ChaCha8Rng,
    models: Vec<Model>,
    aim: Aim,
    per_second: f64,
    begun: Instant,
    next: Instant,
    /// When this life was struck last.
    last: Option<Instant>,
    /// Instructions of the longest call that a handler executes.
    longest: u64,
    /// The last of them that was struck in any call.
    deepest: u64,
    /// The latest strikes of this life, in words.
    latest: VecDeque<String>,
}

impl Strikes {
    /// So many per second of a burst, by these models.
    pub fn new(seed: u64, models: &[Model], aim: Aim, per_second: f64) -> Self {
        let mut strikes = Self {
            random: random_of(seed, STREAM),
            models: models.to_vec(),
            aim,
            per_second,
            begun: Instant::now(),
            next: Instant::now(),
            last: None,
            longest: STEPS_UNKNOWN,
            deepest: 0,
            latest: VecDeque::new(),
        };
        strikes.begin();
        strikes
    }

    /// A new server, which is struck from now on.
    pub(super) fn begin(&mut self) {
        self.begun = Instant::now();
        self.last = None;
        self.latest.clear();
        self.draw_next();
    }

    /// The latest strikes of this life, in words, the last one first.
    pub(super) fn latest(&self) -> String {
        let latest: Vec<&str> = self.latest.iter().map(String::as_str).collect();
        latest.join("; ")
    }

    /// How many instructions handlers execute in the longest call, as far as is known, and behind how many of them a
    /// strike was at most.
    pub(super) fn reach(&self) -> (u64, u64) {
        (self.longest, self.deepest)
    }

    /// Whether a strike is due.
    pub(super) fn is_due(&self) -> bool {
        self.per_second > 0.0 && self.within_cycle() < BURST && Instant::now() >= self.next
    }

    /// What strikes of this life can be blamed for now.
    pub(super) fn blame(&self) -> Blame {
        Blame::at(Instant::now(), self.last)
    }

    /// Strikes the call; says whether it did.
    pub(super) fn strike(&mut self, call: &mut Call<'_>, sites: &mut Sites) -> Result<bool> {
        let wanted = match self.random.random_ratio(1, MEASURED_EVERY) {
            true => u64::MAX,
            false => self.random.random_range(0..self.longest),
        };
        let model = self.models[self.random.random_range(0..self.models.len())];
        let text = sites.text();
        let mut number = 0;
        for _ in 0..STEPS_MAX {
            let (site, inside) = call.next(sites)?;
            if site.facts.instruction.mnemonic() == Mnemonic::Syscall {
                // It may wait for a lock, whose owner may be waiting for its tracer.
                break;
            }
            number += u64::from(inside);
            self.longest = self.longest.max(number);
            let offers =
                inside && site.facts.admits(model) && self.aim.allows(site, &call.registers);
            if number > wanted && offers {
                let strike = Strike {
                    model,
                    mask: MaskKind::Single,
                    site,
                    registers: call.registers,
                    walk: &RequestWalk::default(),
                    sites: &[],
                    end: 0,
                    text,
                    random: random_of(self.random.random(), 0),
                };
                // Also if it does not come to its end.
                self.last = Some(Instant::now());
                let struck = strike.apply(call.tracee)?;
                self.note(model, site, &struck);
                self.draw_next();
                let has_struck = struck.mask != 0;
                if has_struck {
                    self.deepest = self.deepest.max(number);
                }
                return Ok(has_struck);
            }
            let facts = site.facts.clone();
            if step(call.tracee, &facts)? != Stop::Signal(Signal::SIGTRAP) {
                // Another thread has ended the process, or a signal has come for this one.
                break;
            }
            call.registers = call.tracee.registers()?;
            if call.is_over() {
                break;
            }
        }
        Ok(false)
    }

    fn note(&mut self, model: Model, site: &Site, struck: &Struck) {
        self.latest.truncate(LATEST_MAX - 1);
        self.latest.push_front(format!(
            "{} {} {:#x} at {} `{}`",
            model.name(),
            struck.place,
            struck.mask,
            site.place.symbol,
            site.facts.text
        ));
    }

    /// Exponential distances, on average as many per second as are wanted.
    fn draw_next(&mut self) {
        if self.per_second > 0.0 {
            let uniform: f64 = self.random.random_range(f64::MIN_POSITIVE..1.0);
            self.next = Instant::now() + Duration::from_secs_f64(-uniform.ln() / self.per_second);
        }
    }

    fn within_cycle(&self) -> Duration {
        let cycle = BURST + CALM;
        let nanoseconds = self.begun.elapsed().as_nanos() % cycle.as_nanos();
        Duration::from_nanos(nanoseconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_strikes_none_is_ever_due() {
        let strikes = Strikes::new(1, &[Model::Flags], Aim::Everything, 0.0);
        assert!(!strikes.is_due());
    }

    #[test]
    fn strikes_are_due_in_bursts_only() {
        let mut strikes = Strikes::new(1, &[Model::Flags], Aim::Everything, 1e6);
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        strikes.begun = ago(BURST + CALM / 2);
        assert!(!strikes.is_due());
        strikes.begun = ago(BURST + CALM);
        strikes.next = Instant::now();
        assert!(strikes.is_due());
    }

    #[test]
    fn a_new_server_has_nothing_to_blame_strikes_for() {
        let mut strikes = Strikes::new(1, &[Model::Flags], Aim::Everything, 1e6);
        strikes.last = Some(Instant::now());
        assert_eq!(strikes.blame(), Blame::Struck);
        strikes.begin();
        assert_eq!(strikes.blame(), Blame::Unstruck);
    }
}
