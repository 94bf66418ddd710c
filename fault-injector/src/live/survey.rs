//! The fault space of a server's calls, measured in lives that are stepped but not struck.
//!
//! In each life one call is stepped from entry to return. The life must go unnoticed.

use std::collections::BTreeMap;

use super::call::Call;
use super::draw::Draw;
use super::life::{Ground, Visit, live};
use super::sites::Sites;
use crate::failure::{Failure, Result};
use crate::results::{Model, Stratum, Zone};

/// Calls of a survey that is precise enough: sizes of strata are estimates.
pub const CALLS: u64 = 48;
/// A call may be longer than all that were surveyed: draws reach this much further.
const HEADROOM: (u64, u64) = (5, 4);
/// Attempts at a life in which a call is left for the visitor.
const ATTEMPTS_MAX: u32 = 20;

/// Surveyed calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many.
    pub calls: u32,
    /// Their instructions together.
    pub instructions: u64,
    longest: u64,
    has_handlers: bool,
    points: BTreeMap<(Model, Zone, bool), u64>,
}

impl Survey {
    /// Steps through one call of a life of its own, the `id`th.
    pub fn take(
        ground: &Ground,
        sites: &mut Option<Sites>,
        models: &[Model],
        seed: u64,
        id: u64,
    ) -> Result<Self> {
        // Numbers that no injection has.
        let mut draw = Draw::new(seed, !id, models, 1, ground.script.requests());
        for _ in 0..ATTEMPTS_MAX {
            let mut survey = Self::default();
            let lived = live(ground, sites, draw.moment(), |call, sites| {
                survey.walk(call, sites, models)?;
                Ok(Visit::Done)
            })?;
            lived.verdict.demand_unnoticed()?;
            if lived.visited_at.is_some() {
                return Ok(survey);
            }
        }
        Err(no_calls())
    }

    fn walk(&mut self, call: &mut Call<'_>, sites: &mut Sites, models: &[Model]) -> Result<()> {
        self.calls = 1;
        while !call.is_over() {
            let (site, inside) = call.next(sites)?;
            self.instructions += 1;
            self.has_handlers |= site.place.handler;
            for &model in models.iter().filter(|model| site.facts.admits(**model)) {
                *self
                    .points
                    .entry((model, site.place.zone, inside))
                    .or_default() += 1;
            }
            let facts = site.facts.clone();
            call.advance(&facts)?;
        }
        self.longest = self.instructions;
        Ok(())
    }

    /// Adds the calls of another survey.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.instructions += other.instructions;
        self.longest = self.longest.max(other.longest);
        self.has_handlers |= other.has_handlers;
        for (key, points) in &other.points {
            *self.points.entry(*key).or_default() += points;
        }
    }

    /// No call is expected to be as long.
    pub fn steps_max(&self) -> u64 {
        let (times, of) = HEADROOM;
        self.longest * times / of
    }

    /// The zone of what was struck.
    pub fn zone(&self, zone: Zone, inside: bool) -> Zone {
        zone.around(inside || !self.has_handlers)
    }

    /// The strata, of which nothing is struck yet.
    pub fn strata(&self) -> Vec<Stratum> {
        let mut strata = BTreeMap::<_, u64>::new();
        for ((model, zone, inside), points) in &self.points {
            let zone = self.zone(*zone, *inside);
            *strata.entry((*model, zone)).or_default() += points;
        }
        strata
            .into_iter()
            .map(|((model, zone), points)| Stratum {
                model,
                zone,
                points,
                injections: 0,
            })
            .collect()
    }
}

/// The error of a server whose handler is not called.
pub(super) fn no_calls() -> Failure {
    Failure::new(
        "calls of the function named by --entry",
        format!("none in {ATTEMPTS_MAX} lives"),
        "name the function that handles requests, as `nm -C` shows it",
    )
}

/// Attempts at a life in which something can be struck.
pub(super) const fn attempts_max() -> u32 {
    ATTEMPTS_MAX
}
