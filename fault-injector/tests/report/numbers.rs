//! Rates, intervals and sums.

use fault_injector::report::campaign::Campaign;
use fault_injector::report::summary::Summary;
use fault_injector::report::{PLAIN_ESCAPES_MAX, Report};
use fault_injector::results::{Backend, Outcome, Record, Zone};
use fault_injector::statistics::comparison::{Factor, joint_confidence};
use fault_injector::statistics::group::Group;
use fault_injector::statistics::interval::{clopper_pearson, wilson};
use fault_injector::statistics::order::Order;
use fault_injector::statistics::stratified::{self, Rate, Sample};

use crate::{INJECTIONS, is_escape, pair, parsed, report, synthetic::Synthetic, words};

#[test]
fn instructions_to_detection_are_summed_up() {
    let (_, mut hardened) = pair();
    let mut counts = Vec::new();
    for record in &mut hardened.records {
        if record.outcome == Outcome::Detected {
            record.instructions_later = Some(record.id % 5_000);
            counts.push(record.id % 5_000);
        }
    }
    let report = report(None, Some(&hardened));
    let summary = report.summary().hardened.as_ref().unwrap();
    let whole = summary.detection.unwrap();
    assert_eq!(Order::of(&counts), Some(whole));
    let stages: u64 = summary
        .detection_by_stage
        .values()
        .map(|order| order.count)
        .sum();
    assert_eq!(stages, whole.count);
    let html = report.html(PLAIN_ESCAPES_MAX);
    let document = parsed(&html);
    assert!(words(document.root()).contains("instructions from the fault to its detection"));
    assert!(report.table().contains("instructions to detection"));
}

/// What lies around handlers is beside the headline, and nothing of it is lost.
#[test]
fn code_around_handlers_stands_beside() {
    let (_, mut hardened) = pair();
    let whole = report(None, Some(&hardened));
    let whole = whole.summary().hardened.as_ref().unwrap();
    let whole = whole.group(Group::Transient).unwrap().clone();
    let moved = |zone: &mut Zone| {
        if *zone == Zone::Libc {
            *zone = Zone::Outside;
        }
    };
    (hardened.header.fault_space.iter_mut()).for_each(|stratum| moved(&mut stratum.zone));
    (hardened.records.iter_mut()).for_each(|record| moved(&mut record.zone));
    let report = report(None, Some(&hardened));
    let summary = report.summary().hardened.as_ref().unwrap();
    let entry = summary.group(Group::Transient).unwrap();
    let outside = entry.outside.unwrap();
    assert_eq!(entry.everywhere, Some(whole.undetected));
    assert_eq!(entry.undetected.hits + outside.hits, whole.undetected.hits);
    assert_eq!(
        entry.undetected.points + outside.points,
        whole.undetected.points
    );
    assert!(outside.points > 0 && entry.undetected.points > outside.points);
    let html = report.html(PLAIN_ESCAPES_MAX);
    let document = parsed(&html);
    assert!(words(document.root()).contains("around handlers"));
    let articles = document
        .descendants()
        .filter(|node| node.has_tag_name("article"));
    assert_eq!(
        articles.count(),
        hardened.records.iter().filter(is_escape).count()
    );
    assert!(report.table().contains("around handlers"));
}

/// A live campaign draws over all strata together, so its rate is that of one sample.
#[test]
fn a_live_campaign_is_one_sample() {
    let (_, mut hardened) = pair();
    hardened.header.backend = Backend::Live;
    let report = report(None, Some(&hardened));
    let summary = report.summary().hardened.as_ref().unwrap();
    let entry = summary.group(Group::Transient).unwrap();
    let (hits, injections) = (entry.undetected.hits, entry.undetected.injections);
    let exact = clopper_pearson(hits, injections, 0.95);
    assert_eq!(entry.undetected.interval, exact);
    assert_eq!(entry.undetected.rate, hits as f64 / injections as f64);
    let html = report.html(PLAIN_ESCAPES_MAX);
    assert!(words(parsed(&html).root()).contains("one in each life of the server"));
}

/// The rate of a group, counted here from the records and not by the report.
fn rate_of(campaign: &Synthetic, group: Group, confidence: f64) -> Rate {
    let strata = campaign.header.fault_space.iter();
    let samples: Vec<Sample> = strata
        .filter(|stratum| Group::of(stratum.model) == group)
        .map(|stratum| {
            let inside =
                |record: &&Record| (record.model, record.zone) == (stratum.model, stratum.zone);
            Sample {
                points: stratum.points,
                injections: campaign.records.iter().filter(inside).count() as u64,
                hits: campaign
                    .records
                    .iter()
                    .filter(inside)
                    .filter(is_escape)
                    .count() as u64,
            }
        })
        .collect();
    stratified::rate(&samples, confidence)
}

#[test]
fn the_numbers_are_those_of_the_statistics() {
    let (plain, hardened) = pair();
    let report = report(Some(&plain), Some(&hardened));
    let summary = report.summary();
    for (campaign, found) in [
        (&plain, summary.plain.as_ref()),
        (&hardened, summary.hardened.as_ref()),
    ] {
        let found = found.unwrap();
        assert!(found.complete);
        assert_eq!(found.injections, INJECTIONS);
        assert_eq!(found.outcomes.injections(), INJECTIONS);
        for entry in &found.groups {
            let wanted = rate_of(campaign, entry.group, 0.95);
            assert_eq!(entry.undetected, wanted);
            assert_eq!(entry.wrong_reply.hits + entry.latent_sdc.hits, wanted.hits);
            let per_request = wanted.points as f64 / f64::from(campaign.header.requests);
            assert_eq!(entry.sdc_per_request.undetected, wanted.rate * per_request);
        }
        for entry in &found.models {
            let of_model = |record: &&Record| record.model == entry.model;
            let struck = campaign.records.iter().filter(of_model).count() as u64;
            let hits = campaign
                .records
                .iter()
                .filter(of_model)
                .filter(is_escape)
                .count() as u64;
            assert_eq!(entry.wilson, wilson(hits, struck, 0.95));
            assert_eq!(
                (entry.undetected.hits, entry.undetected.injections),
                (hits, struck)
            );
        }
    }
    let improvement = summary.improvement_of(Group::Transient).unwrap();
    let [before, after] = [&plain, &hardened]
        .map(|campaign| rate_of(campaign, Group::Transient, joint_confidence(0.95)));
    assert_eq!(
        improvement.undetected_rate,
        Factor::new((before.rate, before.interval), (after.rate, after.interval))
    );
    assert!(
        summary.improvement_of(Group::Runtime).is_none(),
        "a plain build has no runtime"
    );
}

#[test]
fn the_summary_and_the_files_survive_the_round_trip() {
    let (plain, hardened) = pair();
    let folder = tempfile::tempdir().unwrap();
    let write = |campaign: &Synthetic| {
        let path = folder
            .path()
            .join(format!("{}.jsonl", campaign.header.build));
        std::fs::write(&path, campaign.lines()).unwrap();
        Campaign::read(&path).unwrap()
    };
    let report = Report::new(Some(write(&plain)), Some(write(&hardened))).unwrap();
    let json = serde_json::to_string(report.summary()).unwrap();
    let read: Summary = serde_json::from_str(&json).unwrap();
    for (read, kept) in [
        (
            read.plain.unwrap(),
            report.summary().plain.as_ref().unwrap(),
        ),
        (
            read.hardened.unwrap(),
            report.summary().hardened.as_ref().unwrap(),
        ),
    ] {
        assert!(read.header == kept.header && read.outcomes == kept.outcomes);
        assert_eq!(read.groups.len(), kept.groups.len());
        // The reader of JSON may round the last bit of a number.
        let rates = read.groups.iter().zip(&kept.groups);
        assert!(rates.into_iter().all(|(read, kept)| {
            (read.undetected.interval.high - kept.undetected.interval.high).abs() < 1e-15
        }));
    }
    let missing = Campaign::read(&folder.path().join("absent.jsonl")).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("absent.jsonl: wanted a result file"),
        "{missing}"
    );
}
