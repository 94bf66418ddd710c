//! What the rounds of a campaign have shown so far, stratum by stratum.

use crate::results::{Model, Record, Stratum, Zone};
use crate::statistics::stopping::Measure;
use crate::statistics::stratified::Sample;
use crate::statistics::tally::Tally;

/// Strata with what came of their injections.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    strata: Vec<(Stratum, Tally)>,
}

impl Evidence {
    /// Notes what a round plans: injections of a stratum add up over the rounds.
    pub fn expect(&mut self, strata: &[Stratum]) {
        for stratum in strata {
            match self.find(stratum.model, stratum.zone) {
                Some((known, _)) => known.injections += stratum.injections,
                None => self.strata.push((stratum.clone(), Tally::default())),
            }
        }
    }

    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        if let Some((_, tally)) = self.find(record.model, record.zone) {
            tally.add(record.outcome);
        }
    }

    /// All strata, with what was planned in all rounds.
    pub fn strata(&self) -> Vec<Stratum> {
        self.strata
            .iter()
            .map(|(stratum, _)| stratum.clone())
            .collect()
    }

    /// Outcomes of all strata together.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.strata.iter().for_each(|(_, tally)| sum.merge(tally));
        sum
    }

    /// The strata as samples of what is measured.
    pub fn samples(&self, measure: Measure) -> Vec<Sample> {
        self.samples_of(measure, |_| true)
    }

    /// The same of these zones.
    pub fn samples_of(&self, measure: Measure, zones: impl Fn(Zone) -> bool) -> Vec<Sample> {
        let sample = |(stratum, tally): &(Stratum, Tally)| Sample {
            points: stratum.points,
            injections: tally.injections(),
            hits: measure.of(tally),
        };
        self.strata
            .iter()
            .filter(|(stratum, _)| zones(stratum.zone))
            .map(sample)
            .collect()
    }

    fn find(&mut self, model: Model, zone: Zone) -> Option<&mut (Stratum, Tally)> {
        self.strata
            .iter_mut()
            .find(|(stratum, _)| (stratum.model, stratum.zone) == (model, zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_add_up() {
        let stratum = |model, injections| Stratum {
            model,
            zone: Zone::Application,
            points: 1000,
            injections,
        };
        let mut evidence = Evidence::default();
        evidence.expect(&[stratum(Model::Flags, 5)]);
        evidence.expect(&[stratum(Model::Flags, 7), stratum(Model::Heap, 1)]);
        let planned: Vec<u64> = evidence.strata().iter().map(|s| s.injections).collect();
        assert_eq!(planned, [12, 1]);
        let samples = evidence.samples(Measure::Undetected);
        assert_eq!((samples[0].points, samples[0].injections), (1000, 0));
    }
}
