//! Which instruction is struck how: drawn from one seed, uniform within each stratum.
//!
//! 1. The strata are counted: for each model and zone, the pairs of (request, dynamic
//!    instruction) at which the model applies.
//! 2. Injections are allotted to the strata in proportion to their points, with a least number each.
//! 3. Points are drawn, with replacement, and numbered in the order of the walk.

use std::collections::BTreeMap;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::profile::{Profile, RequestWalk};
use crate::results::{Model, Stratum, Zone};

/// One planned injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// Number within the campaign.
    pub id: u64,
    /// Index of the walk in the profile.
    pub walk: usize,
    /// Dynamic instruction before which it is struck.
    pub step: u64,
    /// The fault model.
    pub model: Model,
}

/// What is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The strata, with what was allotted to each.
    pub strata: Vec<Stratum>,
    /// In the order of their numbers, which is that of the walk.
    pub injections: Vec<Injection>,
}

/// Strata by model and zone.
type Counts = BTreeMap<(Model, Zone), Vec<u64>>;

/// Draws a plan of `count` injections. `round` numbers the plans of one campaign; their injections are
/// numbered from `first_id`.
pub fn draw(
    profile: &Profile,
    models: &[Model],
    count: u64,
    least: u64,
    seed: u64,
    round: u64,
    first_id: u64,
) -> Plan {
    let counts = count_points(profile, models);
    let mut strata = allot(&counts, count, least);
    let mut drawn = Vec::new();
    for (number, (stratum, per_walk)) in strata.iter_mut().zip(counts.values()).enumerate() {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(round << 16 | number as u64 | 1 << 63);
        let points: Vec<u64> = (0..stratum.injections)
            .map(|_| random.random_range(0..stratum.points))
            .collect();
        drawn.extend(locate(profile, stratum, per_walk, points));
    }
    drawn.sort_by_key(|(walk, step, model)| (*walk, *step, *model));
    let injections = drawn
        .into_iter()
        .zip(first_id..)
        .map(|((walk, step, model), id)| Injection {
            id,
            walk,
            step,
            model,
        })
        .collect();
    Plan { strata, injections }
}

/// The random numbers of one injection.
pub fn random_of(seed: u64, id: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(id);
    // The first block of neighbouring streams is as independent as any other.
    random.next_u64();
    random
}

/// Points per walk of every stratum.
fn count_points(profile: &Profile, models: &[Model]) -> Counts {
    let mut counts = Counts::new();
    for &model in models {
        for (number, walk) in profile.requests.iter().enumerate() {
            for step in moments(model, walk) {
                let zone = profile.zone(walk, step, model);
                if admits(profile, walk, step, model) {
                    counts
                        .entry((model, zone))
                        .or_insert_with(|| vec![0; profile.requests.len()])[number] += 1;
                }
            }
        }
    }
    counts
}

/// The steps at which a model may strike.
fn moments(model: Model, walk: &RequestWalk) -> std::ops::Range<u64> {
    let end = walk.steps.len() as u64;
    let only = |step: u64| step..step + 1;
    match model {
        Model::Heap if walk.heap.length > 0 => only(0),
        Model::InputUnsealed if walk.input.length > 0 => only(0),
        Model::InputSealed if walk.input.length > 0 => only(walk.sealed_at),
        Model::OutputUnsealed if walk.reply.length > 0 => walk
            .reply_begun_at
            .map_or(0..0, |begun| begun..walk.replied_at),
        Model::OutputSealed if walk.reply.length > 0 => only(end - 1),
        Model::RuntimeData if !walk.runtime_words.is_empty() => 0..end,
        Model::StuckAt | Model::StuckAtMoved => only(0),
        Model::Heap
        | Model::InputUnsealed
        | Model::InputSealed
        | Model::OutputUnsealed
        | Model::OutputSealed
        | Model::RuntimeData => 0..0,
        // The last step is the marker itself.
        _ => 0..end - 1,
    }
}

fn admits(profile: &Profile, walk: &RequestWalk, step: u64, model: Model) -> bool {
    profile.sites[walk.steps[step as usize] as usize]
        .facts
        .admits(model)
}

/// In proportion to the points; the rest goes to the largest remainders.
fn allot(counts: &Counts, count: u64, least: u64) -> Vec<Stratum> {
    let sums: Vec<u64> = counts.values().map(|walks| walks.iter().sum()).collect();
    let total: u64 = sums.iter().sum::<u64>().max(1);
    let share = |points: u64| u128::from(count) * u128::from(points);
    let mut numbers: Vec<u64> = sums
        .iter()
        .map(|points| (share(*points) / u128::from(total)) as u64)
        .collect();
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(share(sums[at]) % u128::from(total)), at));
    let rest = count.saturating_sub(numbers.iter().sum());
    for &at in order.iter().take(rest as usize) {
        numbers[at] += 1;
    }
    counts
        .keys()
        .zip(sums)
        .zip(numbers)
        .map(|((&(model, zone), points), injections)| Stratum {
            model,
            zone,
            points,
            injections: injections.max(least.min(count)),
        })
        .collect()
}

/// From the numbers of points within a stratum to walks and steps.
fn locate(
    profile: &Profile,
    stratum: &Stratum,
    per_walk: &[u64],
    mut points: Vec<u64>,
) -> Vec<(usize, u64, Model)> {
    points.sort_unstable();
    let mut points = points.into_iter().peekable();
    let mut located = Vec::new();
    let mut passed = 0;
    for (number, (walk, count)) in profile.requests.iter().zip(per_walk).enumerate() {
        if points.peek().is_none_or(|point| *point >= passed + count) {
            passed += count;
            continue;
        }
        for step in moments(stratum.model, walk) {
            if profile.zone(walk, step, stratum.model) != stratum.zone
                || !admits(profile, walk, step, stratum.model)
            {
                continue;
            }
            while points.next_if_eq(&passed).is_some() {
                located.push((number, step, stratum.model));
            }
            passed += 1;
        }
    }
    located
}
