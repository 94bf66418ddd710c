//! When a running campaign has said enough: `--until 'sdc<1e-4@95%'`.
//!
//! 1. [`Goal`] is what is asked: a rate, a limit and a confidence.
//! 2. [`Watch`] is asked after each batch. It looks only when the injections have doubled since its last
//!    look, because who looks often enough at a 95 % interval sees it err at last. The j-th look has the
//!    share 1 / (j (j + 1)) of the error that the goal allows; the shares add up to one, so a verdict at
//!    any look keeps the confidence (a union bound).
//! 3. The [`Verdict`] is that the rate is below the limit, that it is not, or that more is needed.

use super::interval;
use super::stratified::{self, Rate, Sample};
use super::tally::Tally;
use std::fmt;
use std::str::FromStr;

/// Injections before the first look.
pub const LOOK_FIRST: u64 = 1_000;

/// Which outcomes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Silent corruption of either kind.
    Undetected,
    /// Wrong replies only.
    WrongReply,
    /// Wrong final states only.
    LatentSdc,
    /// Deaths.
    Crashed,
    /// Hangs.
    Hung,
}

impl Measure {
    /// The names that [`Goal`] knows, each with its measure.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("sdc", Self::Undetected),
        ("wrong-reply", Self::WrongReply),
        ("latent-sdc", Self::LatentSdc),
        ("crashed", Self::Crashed),
        ("hung", Self::Hung),
    ];

    /// How many of these injections count.
    pub fn of(self, tally: &Tally) -> u64 {
        match self {
            Self::Undetected => tally.undetected(),
            Self::WrongReply => tally.sdc,
            Self::LatentSdc => tally.latent_sdc,
            Self::Crashed => tally.crashed,
            Self::Hung => tally.hung,
        }
    }
}

/// What a campaign is to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The rate it is about.
    pub measure: Measure,
    /// What the rate is to stay below.
    pub limit: f64,
    /// How surely.
    pub confidence: f64,
}

impl Goal {
    /// The least number of injections, without a single hit, that a campaign of one look needs.
    pub fn injections_least(&self) -> u64 {
        interval::trials_at_zero(self.limit, self.confidence)
    }
}

/// Why a text is no goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalError {
    text: String,
    found: String,
}

impl fmt::Display for GoalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Measure::NAMES.map(|(name, _)| name).join(", ");
        write!(
            formatter,
            "wanted a goal such as 'sdc<1e-4@95%', got '{}': {}. Write MEASURE<RATE@PERCENT% with one of {names}, \
             a rate between 0 and 1 and a confidence between 50% and 99.9999%",
            self.text, self.found
        )
    }
}

impl std::error::Error for GoalError {}

impl FromStr for Goal {
    type Err = GoalError;

    fn from_str(text: &str) -> Result<Self, GoalError> {
        let wrong = |found: String| GoalError {
            text: text.to_owned(),
            found,
        };
        let (name, rest) = text
            .split_once('<')
            .ok_or_else(|| wrong("there is no '<'".to_owned()))?;
        let (limit, confidence) = rest
            .split_once('@')
            .ok_or_else(|| wrong("there is no '@'".to_owned()))?;
        let measure = Measure::NAMES
            .iter()
            .find(|(known, _)| *known == name.trim())
            .map(|(_, measure)| *measure)
            .ok_or_else(|| wrong(format!("'{}' is no measure", name.trim())))?;
        let limit = number(limit, 0.0, 1.0, "rate").map_err(wrong)?;
        let percent = confidence
            .trim()
            .strip_suffix('%')
            .ok_or_else(|| wrong("the confidence has no '%'".to_owned()))?;
        let confidence =
            number(percent, 49.999_999, 99.999_901, "confidence").map_err(wrong)? / 100.0;
        Ok(Self {
            measure,
            limit,
            confidence,
        })
    }
}

fn number(text: &str, above: f64, below: f64, what: &str) -> Result<f64, String> {
    let value: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("'{}' is no number", text.trim()))?;
    if value > above && value < below {
        Ok(value)
    } else {
        Err(format!("the {what} '{}' is out of range", text.trim()))
    }
}

/// What a look says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Not enough was seen, or it was not yet time to look.
    Continue,
    /// The rate is below the limit.
    Holds(Rate),
    /// The rate is above the limit: more injections will not help.
    Refuted(Rate),
}

/// Follows a running campaign.
#[derive(Debug, Clone)]
pub struct Watch {
    goal: Goal,
    looks: u32,
    look_next: u64,
}

impl Watch {
    /// For a campaign that begins.
    pub const fn new(goal: Goal) -> Self {
        Self {
            goal,
            looks: 0,
            look_next: LOOK_FIRST,
        }
    }

    /// Takes a look if it is time for one. `samples` are all strata of the plan, with what was seen so
    /// far; hits are those of the goal's measure.
    pub fn look(&mut self, samples: &[Sample]) -> Verdict {
        let injections: u64 = samples.iter().map(|sample| sample.injections).sum();
        if injections < self.look_next {
            return Verdict::Continue;
        }
        self.looks += 1;
        self.look_next = injections.saturating_mul(2);
        let rate = stratified::rate(samples, self.confidence_now());
        if rate.interval.high < self.goal.limit {
            Verdict::Holds(rate)
        } else if rate.interval.low > self.goal.limit {
            Verdict::Refuted(rate)
        } else {
            Verdict::Continue
        }
    }

    fn confidence_now(&self) -> f64 {
        let look = f64::from(self.looks);
        1.0 - (1.0 - self.goal.confidence) / (look * (look + 1.0))
    }
}
