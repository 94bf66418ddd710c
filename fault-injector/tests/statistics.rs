//! The intervals against published values, and by simulation from one seed: whatever the true rate is,
//! it must lie inside as often as promised.
#![cfg(feature = "injector")]

use fault_injector::results::Outcome;
use fault_injector::statistics::bucket::Buckets;
use fault_injector::statistics::comparison::{Factor, PerRequest, joint_confidence};
use fault_injector::statistics::interval::{
    Interval, clopper_pearson, rule_of_three, trials_at_zero, wilson,
};
use fault_injector::statistics::stopping::{Goal, LOOK_FIRST, Measure, Verdict, Watch};
use fault_injector::statistics::stratified::{Sample, rate};
use fault_injector::statistics::tally::Tally;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

/// Every random draw of this file follows from it.
const SEED: u64 = 0x05dc_2026;

fn close(found: f64, wanted: f64, relative: f64) {
    assert!(
        (found - wanted).abs() <= relative * wanted.abs(),
        "wanted {wanted}, got {found}"
    );
}

/// Beta quantiles of SciPy 1.15; 0 of 10 and 5 of 10 also stand in every table of the exact interval.
#[test]
fn clopper_pearson_agrees_with_published_values() {
    let published = [
        (0, 10, 0.0, 0.308_497_107_818_760_8),
        (5, 10, 0.187_086_028_447_4, 0.812_913_971_552_6),
        (10, 10, 0.691_502_892_181_239_2, 1.0),
        (
            3,
            200_000,
            3.093_371_296_905_321e-6,
            4.383_573_331_190_015e-5,
        ),
        (
            100,
            200_000,
            0.000_406_837_895_786_898_06,
            0.000_608_101_086_193_369_7,
        ),
        (
            88_000,
            200_000,
            0.437_822_910_973_244_2,
            0.442_178_828_244_904_3,
        ),
        (
            500_000,
            1_000_000,
            0.499_019_519_195_311_84,
            0.500_980_480_804_688_2,
        ),
        (
            5,
            100_000_000,
            1.623_486_409_409_608_5e-8,
            1.166_833_169_350_500_8e-7,
        ),
    ];
    for (successes, trials, low, high) in published {
        let interval = clopper_pearson(successes, trials, 0.95);
        close(interval.low, low, 1e-6);
        close(interval.high, high, 1e-6);
    }
}

/// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
/// (1998), table I: his four examples by method 3 (Wilson) and method 5 (Clopper-Pearson).
#[test]
fn both_intervals_agree_with_newcombe() {
    let table = [
        (81, 263, 0.2553, 0.3662, 0.2527, 0.3676),
        (15, 148, 0.0624, 0.1605, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1611, 0.0, 0.1684),
        (1, 29, 0.0061, 0.1718, 0.0009, 0.1776),
    ];
    for (successes, trials, wilson_low, wilson_high, low, high) in table {
        let rounded =
            |interval: Interval| [interval.low, interval.high].map(|end| (end * 1e4).round() / 1e4);
        assert_eq!(
            rounded(wilson(successes, trials, 0.95)),
            [wilson_low, wilson_high]
        );
        assert_eq!(
            rounded(clopper_pearson(successes, trials, 0.95)),
            [low, high]
        );
    }
}

#[test]
fn the_ends_are_exact() {
    assert_eq!(clopper_pearson(0, 0, 0.95), Interval::UNKNOWN);
    assert_eq!(wilson(0, 0, 0.95), Interval::UNKNOWN);
    for trials in [1, 7, 1_000, 200_000] {
        let none = clopper_pearson(0, trials, 0.95);
        let all = clopper_pearson(trials, trials, 0.95);
        assert_eq!(none.low, 0.0);
        assert_eq!(all.high, 1.0);
        close(none.high, 1.0 - 0.025f64.powf(1.0 / trials as f64), 1e-7);
        close(1.0 - all.low, none.high, 1e-6);
        assert_eq!(wilson(0, trials, 0.95).low, 0.0);
        assert_eq!(wilson(trials, trials, 0.95).high, 1.0);
    }
    assert_eq!(rule_of_three(0), 1.0);
    close(rule_of_three(30_000), 1e-4, 1e-12);
    // The rule is the one-sided limit at 95 %, that is the upper end at 90 % two-sided.
    close(
        clopper_pearson(0, 30_000, 0.90).high,
        rule_of_three(30_000),
        2e-3,
    );
}

#[test]
fn trials_at_zero_are_just_enough() {
    for limit in [0.3, 1e-3, 5e-5] {
        let least = trials_at_zero(limit, 0.95);
        assert!(clopper_pearson(0, least, 0.95).high < limit);
        assert!(clopper_pearson(0, least - 1, 0.95).high >= limit * (1.0 - 1e-9));
    }
}

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(SEED), cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn an_interval_holds_its_estimate_and_grows_with_the_count(
        trials in 1u64..5_000_000, share in 0.0f64..1.0, confidence in 0.5f64..0.9999
    ) {
        let successes = (share * trials as f64) as u64;
        let estimate = successes as f64 / trials as f64;
        let interval = clopper_pearson(successes, trials, confidence);
        prop_assert!(0.0 <= interval.low && interval.high <= 1.0);
        prop_assert!(interval.contains(estimate));
        prop_assert!(wilson(successes, trials, confidence).contains(estimate));
        let surer = clopper_pearson(successes, trials, 1.0 - (1.0 - confidence) / 2.0);
        prop_assert!(surer.low <= interval.low && interval.high <= surer.high);
        let more = clopper_pearson(successes + 1, trials + 1, confidence);
        prop_assert!(more.low >= interval.low && more.high >= interval.high);
    }

    #[test]
    fn a_weighted_rate_stays_inside_its_interval(
        strata in prop::collection::vec((1u64..1_000_000_000, 1u64..100_000, 0.0f64..1.0), 1..20)
    ) {
        let samples: Vec<Sample> = strata.iter().map(|(points, injections, share)| Sample {
            points: *points, injections: *injections, hits: (share * *injections as f64) as u64,
        }).collect();
        let found = rate(&samples, 0.95);
        prop_assert!(found.interval.contains(found.rate));
        prop_assert!(0.0 <= found.interval.low && found.interval.high <= 1.0);
        let surer = rate(&samples, 0.999);
        prop_assert!(surer.interval.low <= found.interval.low && found.interval.high <= surer.interval.high);
    }
}

/// Share of campaigns whose interval holds the truth.
fn coverage(random: &mut ChaCha8Rng, strata: &[(u64, u64, f64)], rounds: u32) -> f64 {
    let points: u64 = strata.iter().map(|stratum| stratum.0).sum();
    let truth: f64 = strata
        .iter()
        .map(|(size, _, p)| *size as f64 / points as f64 * p)
        .sum();
    let mut seen: HashMap<Vec<u64>, bool> = HashMap::new();
    let mut inside = 0;
    for _ in 0..rounds {
        let hits: Vec<u64> = strata
            .iter()
            .map(|(_, n, p)| (0..*n).filter(|_| random.random_bool(*p)).count() as u64)
            .collect();
        let holds = *seen.entry(hits.clone()).or_insert_with(|| {
            let samples: Vec<Sample> = strata
                .iter()
                .zip(hits)
                .map(|((points, injections, _), hits)| Sample {
                    points: *points,
                    injections: *injections,
                    hits,
                })
                .collect();
            rate(&samples, 0.95).interval.contains(truth)
        });
        inside += u32::from(holds);
    }
    f64::from(inside) / f64::from(rounds)
}

#[test]
fn the_true_rate_lies_inside_as_often_as_promised() {
    const ROUNDS: u32 = 4_000;
    // Three standard deviations of a share of 0.95 over so many rounds.
    let allowance = 3.0 * (0.95 * 0.05 / f64::from(ROUNDS)).sqrt();
    println!("seed {SEED:#x}");
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let campaigns: [&[(u64, u64, f64)]; 6] = [
        &[(1, 300, 0.01)],
        &[(1, 60, 0.5)],
        // As many injections in each stratum, whatever it holds.
        &[(900, 200, 0.005), (90, 200, 0.02), (10, 200, 0.3)],
        // Drawn in proportion.
        &[(600, 300, 0.01), (300, 150, 0.002), (100, 50, 0.1)],
        // The largest stratum is the least sampled, and the only one with hits.
        &[(1_000, 50, 0.03), (10, 400, 0.0), (10, 400, 0.0)],
        &[(500, 100, 0.4), (500, 300, 0.6)],
    ];
    for strata in campaigns {
        let share = coverage(&mut random, strata, ROUNDS);
        println!("{share:.4} {strata:?}");
        assert!(share >= 0.95 - allowance, "{share} for {strata:?}");
    }
}

#[test]
fn an_estimate_weighs_strata_by_their_faults() {
    let samples = [
        Sample {
            points: 900,
            injections: 100,
            hits: 1,
        },
        Sample {
            points: 100,
            injections: 100,
            hits: 50,
        },
    ];
    let found = rate(&samples, 0.95);
    close(found.rate, 0.9 * 0.01 + 0.1 * 0.5, 1e-12);
    assert_eq!(
        (found.hits, found.injections, found.points),
        (51, 200, 1_000)
    );
}

/// The same formula evaluated with SciPy's chi-squared quantiles.
#[test]
fn the_weighted_interval_agrees_with_an_independent_one() {
    let sample = |(points, injections, hits)| Sample {
        points,
        injections,
        hits,
    };
    let unequal = [(900, 100, 1), (100, 100, 50)].map(sample);
    let campaign = [(600, 30_000, 12), (300, 10_000, 4), (100, 20_000, 9_000)].map(sample);
    let large = [(5, 100_000, 44_000), (3, 100_000, 30_000)].map(sample);
    for (samples, low, high) in [
        (
            &unequal[..],
            0.038_737_921_461_790_51,
            0.099_366_781_564_002_89,
        ),
        (
            &campaign[..],
            0.044_417_995_171_036_45,
            0.046_343_591_284_883_37,
        ),
        (
            &large[..],
            0.384_637_637_053_168_67,
            0.390_379_103_623_627_4,
        ),
    ] {
        let found = rate(samples, 0.95).interval;
        close(found.low, low, 1e-7);
        close(found.high, high, 1e-7);
    }
}

#[test]
fn what_was_not_struck_may_have_any_rate() {
    let struck = Sample {
        points: 75,
        injections: 1_000,
        hits: 0,
    };
    let unknown = Sample {
        points: 25,
        injections: 0,
        hits: 0,
    };
    let found = rate(&[struck, unknown], 0.95);
    assert_eq!(found.interval.low, 0.0);
    close(
        found.interval.high,
        0.25 + 0.75 * clopper_pearson(0, 1_000, 0.95).high,
        1e-12,
    );
    assert_eq!(rate(&[unknown], 0.95).interval, Interval::UNKNOWN);
    assert_eq!(rate(&[], 0.95).interval, Interval::UNKNOWN);
}

#[test]
fn a_larger_fault_space_counts_against_the_hardened_build() {
    let one = |points, injections, hits| {
        rate(
            &[Sample {
                points,
                injections,
                hits,
            }],
            joint_confidence(0.95),
        )
    };
    let plain = PerRequest::new(&one(1_000_000, 10_000, 4_000), 100);
    let hardened = PerRequest::new(&one(4_000_000, 10_000, 4), 100);
    close(plain.undetected, 4_000.0, 1e-12);
    close(hardened.undetected, 16.0, 1e-12);
    let factor = Factor::new(
        (plain.undetected, plain.interval),
        (hardened.undetected, hardened.interval),
    );
    close(factor.estimate.unwrap(), 250.0, 1e-12);
    close(
        factor.low,
        plain.interval.low / hardened.interval.high,
        1e-12,
    );
    let none = PerRequest::new(&one(4_000_000, 10_000, 0), 100);
    let factor = Factor::new(
        (plain.undetected, plain.interval),
        (none.undetected, none.interval),
    );
    assert_eq!((factor.estimate, factor.high), (None, None));
    assert!(factor.low > 100.0, "{factor:?}");
}

#[test]
fn goals_are_parsed_or_refused_with_the_way_out() {
    let goal: Goal = "sdc<1e-4@95%".parse().unwrap();
    assert_eq!(
        goal,
        Goal {
            measure: Measure::Undetected,
            limit: 1e-4,
            confidence: 0.95
        }
    );
    let goal: Goal = " latent-sdc < 0.01 @ 99.9% ".parse().unwrap();
    assert_eq!((goal.measure, goal.limit), (Measure::LatentSdc, 0.01));
    for (text, found) in [
        ("sdc>1e-4@95%", "there is no '<'"),
        ("sdc<1e-4", "there is no '@'"),
        ("crc<1e-4@95%", "'crc' is no measure"),
        ("sdc<ten@95%", "'ten' is no number"),
        ("sdc<0@95%", "the rate '0' is out of range"),
        ("sdc<NaN@95%", "the rate 'NaN' is out of range"),
        ("sdc<1e-4@0.95", "the confidence has no '%'"),
        ("sdc<1e-4@100%", "the confidence '100' is out of range"),
        ("sdc<1e-4@0.95%", "the confidence '0.95' is out of range"),
    ] {
        let error = text.parse::<Goal>().unwrap_err().to_string();
        assert!(
            error.contains(found) && error.contains("sdc, wrong-reply"),
            "{error}"
        );
    }
}

fn one_stratum(injections: u64, hits: u64) -> [Sample; 1] {
    [Sample {
        points: 1,
        injections,
        hits,
    }]
}

#[test]
fn a_campaign_stops_when_its_goal_is_decided() {
    let goal: Goal = "sdc<1e-4@95%".parse().unwrap();
    let mut watch = Watch::new(goal);
    let mut injections = LOOK_FIRST;
    let stopped = loop {
        match watch.look(&one_stratum(injections, 0)) {
            Verdict::Continue => injections *= 2,
            Verdict::Holds(rate) => break rate,
            Verdict::Refuted(rate) => panic!("{rate:?}"),
        }
    };
    assert!(stopped.interval.high < goal.limit);
    assert!(stopped.injections >= goal.injections_least());
    assert!(stopped.injections < 4 * goal.injections_least());
    let refuted = Watch::new(goal).look(&one_stratum(100_000, 100));
    assert!(matches!(refuted, Verdict::Refuted(_)), "{refuted:?}");
    let too_early = Watch::new(goal).look(&one_stratum(LOOK_FIRST - 1, LOOK_FIRST - 1));
    assert_eq!(too_early, Verdict::Continue);
}

/// A rate that lies exactly on the limit must not be called lower more often than the goal allows,
/// although the campaign is looked at again and again.
#[test]
fn looking_often_does_not_buy_a_verdict() {
    const CAMPAIGNS: u32 = 1_000;
    println!("seed {SEED:#x}");
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let goal: Goal = "sdc<0.02@90%".parse().unwrap();
    let wrong = (0..CAMPAIGNS)
        .filter(|_| {
            let mut watch = Watch::new(goal);
            let (mut injections, mut hits) = (0, 0);
            (0..64).any(|_| {
                injections += 250;
                hits += (0..250).filter(|_| random.random_bool(0.02)).count() as u64;
                matches!(
                    watch.look(&one_stratum(injections, hits)),
                    Verdict::Holds(_)
                )
            })
        })
        .count();
    assert!(
        wrong <= 100,
        "{wrong} of {CAMPAIGNS} campaigns claimed what is false"
    );
    assert!(
        wrong > 0,
        "a test whose campaigns never come to a verdict says nothing"
    );
}

#[test]
fn buckets_hold_every_planned_injection_once() {
    let mut tally = Tally::default();
    for (index, outcome) in Tally::ORDER.into_iter().enumerate() {
        (0..=index).for_each(|_| tally.add(outcome));
        assert_eq!(tally.of(outcome), index as u64 + 1);
    }
    assert_eq!(tally.injections(), 36);
    assert_eq!(
        tally.undetected(),
        tally.of(Outcome::Sdc) + tally.of(Outcome::LatentSdc)
    );
    let buckets = Buckets::new(&tally, 40);
    assert_eq!(buckets.named().map(|(_, count)| count), [3, 18, 4, 8, 4, 3]);
    assert_eq!(
        buckets.named().iter().map(|(_, count)| count).sum::<u64>(),
        40
    );
}
