//! The page: what it shows, and what it never loads or runs.

use fault_injector::report::campaign::Campaign;
use fault_injector::report::{PLAIN_ESCAPES_MAX, Report};
use fault_injector::results::{Backend, MaskKind, Model, Outcome, Record, Zone};
use fault_injector::statistics::group::Group;
use fault_injector::statistics::interval::clopper_pearson;

use crate::{INJECTIONS, SEED, by_id, is_escape, pair, parsed, report, synthetic, words};

#[test]
fn the_page_is_well_formed_whatever_is_missing() {
    let (plain, hardened) = pair();
    let empty = synthetic::campaign("hardened", 0, SEED);
    let mut half = hardened.clone();
    half.records.truncate(1_234);
    for (plain, hardened) in [
        (Some(&plain), Some(&hardened)),
        (Some(&plain), None),
        (None, Some(&hardened)),
        (Some(&plain), Some(&empty)),
        (None, Some(&half)),
    ] {
        let report = report(plain, hardened);
        let html = report.html(PLAIN_ESCAPES_MAX);
        let document = parsed(&html);
        assert_eq!(
            document
                .descendants()
                .filter(|node| node.has_tag_name("h1"))
                .count(),
            1
        );
        let mut ids: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.attribute("id"))
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "each id stands once");
        assert!(
            !html.contains("NaN") && !html.contains(">inf"),
            "a number is none"
        );
        assert!(!report.table().contains("NaN"));
    }
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let (plain, hardened) = pair();
    let html = report(Some(&plain), Some(&hardened)).html(PLAIN_ESCAPES_MAX);
    for forbidden in [
        "url(", "@import", "http:", "https:", "src=", "<script", "<link", "<iframe", "<object",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for node in parsed(&html).descendants() {
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            assert!(
                attribute.name() != "href" || attribute.value().starts_with('#'),
                "{attribute:?}"
            );
        }
    }
}

#[test]
fn every_escape_is_listed_with_its_details_and_its_command() {
    let (plain, hardened) = pair();
    let html = report(Some(&plain), Some(&hardened)).html(usize::MAX);
    let document = parsed(&html);
    let mut listed = 0;
    for campaign in [&plain, &hardened] {
        let build = &campaign.header.build;
        for record in campaign.records.iter().filter(is_escape) {
            let article =
                by_id(&document, &format!("{build}-{}", record.id)).expect("the escape is listed");
            let text = words(article);
            for part in [
                record.symbol.clone(),
                record.text.clone(),
                record.place.clone(),
                record.detail.clone(),
                record.model.name().to_owned(),
                format!("{:#x}", record.address),
                format!("request {}", record.request),
                format!(
                    "asc-inject replay --results {build}.jsonl --id {}",
                    record.id
                ),
            ] {
                assert!(text.contains(&part), "{part} is missing in {text}");
            }
            listed += 1;
        }
    }
    assert_eq!(
        document
            .descendants()
            .filter(|node| node.has_tag_name("article"))
            .count(),
        listed
    );
    assert!(listed > 500);
}

#[test]
fn the_printed_commands_are_understood() {
    use clap::Parser as _;
    use fault_injector::commands::CommandLine;
    for backend in [Backend::Replay, Backend::Live] {
        let (mut plain, _) = pair();
        plain.header.backend = backend;
        plain.header.mask = MaskKind::Burst;
        plain.header.on_fault = Some("retry(3)".to_owned());
        plain.records.retain(|record| is_escape(&record));
        let html = report(Some(&plain), None).html(1);
        let document = parsed(&html);
        let command = document
            .descendants()
            .find(|node| node.has_tag_name("pre"))
            .map(words)
            .expect("a command");
        // As a shell does: no quoted word of it has blanks.
        let words = command.replace('\'', "");
        let parsed = CommandLine::try_parse_from(words.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {:?}", parsed.err());
        if backend == Backend::Live {
            assert!(command.contains("--mask burst"), "{command}");
            assert!(command.contains("--on-fault 'retry(3)'"), "{command}");
        }
    }
}

#[test]
fn plain_escapes_are_limited_and_the_page_says_so() {
    let (plain, hardened) = pair();
    let all = plain.records.iter().filter(is_escape).count();
    let html = report(Some(&plain), Some(&hardened)).html(7);
    let document = parsed(&html);
    let articles = |build: &str| {
        let nodes = document
            .descendants()
            .filter(|node| node.has_tag_name("article"));
        nodes
            .filter(|node| node.attribute("id").unwrap().starts_with(build))
            .count()
    };
    assert_eq!(articles("plain"), 7);
    assert_eq!(
        articles("hardened"),
        hardened.records.iter().filter(is_escape).count()
    );
    assert!(html.contains(&format!("--plain-escapes {all}")));
}

#[test]
fn the_page_shows_the_numbers_of_the_summary() {
    let (plain, hardened) = pair();
    let report = report(Some(&plain), Some(&hardened));
    let html = report.html(0);
    let document = parsed(&html);
    let section = |id: &str| words(by_id(&document, id).unwrap().parent().unwrap());
    let matrix = section("matrix");
    for summary in [&report.summary().plain, &report.summary().hardened] {
        for entry in &summary.as_ref().unwrap().strata {
            let cell = format!(
                "{} of {}",
                entry.outcomes.undetected(),
                entry.outcomes.injections()
            );
            assert!(matrix.contains(&cell), "{cell} is missing");
        }
    }
    for name in [
        "SDC",
        "CORRUPTION",
        "CRASH",
        "NO_EFFECT",
        "NO_INJECTION",
        "ERROR",
    ] {
        assert!(section("outcomes").contains(name));
    }
    assert!(section("campaigns").contains("AMD EPYC 9755"));
    assert!(section("latency").contains("second_run"));
}

#[test]
fn mask_and_policy_are_shown() {
    let (plain, mut hardened) = pair();
    hardened.header.on_fault = Some("retry(3)".to_owned());
    let report = report(Some(&plain), Some(&hardened));
    let html = report.html(0);
    let document = parsed(&html);
    let facts = words(by_id(&document, "campaigns").unwrap().parent().unwrap());
    let table = report.table();
    for shown in [&facts, &table] {
        for word in ["single", "the target's own", "retry(3)"] {
            assert!(shown.contains(word), "{word} is missing in {shown}");
        }
    }
}

/// A campaign against the build with line codes is reported like one against the other hardened build.
#[test]
fn a_build_with_line_codes_is_hardened() {
    let (plain, mut hardened) = pair();
    hardened.header.build = "crc".to_owned();
    let report = report(Some(&plain), Some(&hardened));
    let html = report.html(0);
    let document = parsed(&html);
    let articles = |node: &roxmltree::Node<'_, '_>| {
        let id = node.attribute("id").unwrap_or_default();
        node.has_tag_name("article") && id.starts_with("crc-")
    };
    assert_eq!(
        document.descendants().filter(articles).count(),
        hardened.records.iter().filter(is_escape).count()
    );
    assert!(report.table().contains("cache crc: "));
    assert!(html.contains(".card.crc") && html.contains(".crc .dot"));
}

#[test]
fn lines_with_holes_in_the_hardened_build_come_first() {
    let (plain, hardened) = pair();
    let html = report(Some(&plain), Some(&hardened)).html(0);
    let document = parsed(&html);
    let body = by_id(&document, "lines").unwrap().parent().unwrap();
    let rows: Vec<String> = body
        .descendants()
        .filter(|node| node.has_tag_name("tr"))
        .skip(1)
        .map(words)
        .collect();
    let mut counts: Vec<usize> = Vec::new();
    for row in &rows {
        let line = row
            .split(|character: char| character.is_whitespace())
            .next()
            .unwrap();
        let of_line = |record: &&Record| !record.line.is_empty() && row.starts_with(&record.line);
        let strikes = |record: &&Record| Group::of(record.model).strikes_instruction();
        if line.starts_with('(') || line.starts_with('<') {
            continue;
        }
        counts.push(
            hardened
                .records
                .iter()
                .filter(of_line)
                .filter(strikes)
                .filter(is_escape)
                .count(),
        );
    }
    assert!(counts.len() > 5);
    assert!(
        counts.is_sorted_by(|before, after| before >= after),
        "{counts:?}"
    );
}

#[test]
fn hostile_text_stays_text() {
    const HOSTILE: &str =
        "</pre><script>alert(1)</script>\" onload=\"x' & ]]> <!-- \u{0}\u{1b}[2J\u{202e}\u{ffff}";
    const SEEN: &str = "</pre><script>alert(1)</script>\" onload=\"x' & ]]> <!-- \\u{0}\\u{1b}[2J\\u{202e}\\u{ffff}";
    let mut campaign = synthetic::campaign("hardened", 100, SEED);
    campaign.header.target = HOSTILE.to_owned();
    campaign.header.cpu = HOSTILE.to_owned();
    campaign.header.kernel = HOSTILE.to_owned();
    for record in &mut campaign.records {
        record.outcome = if record.id % 2 == 0 {
            Outcome::Sdc
        } else {
            Outcome::Detected
        };
        for text in [
            &mut record.symbol,
            &mut record.line,
            &mut record.text,
            &mut record.place,
            &mut record.detail,
        ] {
            *text = HOSTILE.to_owned();
        }
    }
    let file = format!("{HOSTILE}.jsonl");
    let campaign = Campaign::from_lines(&file, campaign.lines().as_bytes()).unwrap();
    let report = Report::new(None, Some(campaign)).unwrap();
    let html = report.html(0);
    let document = parsed(&html);
    assert!(
        !document
            .descendants()
            .any(|node| node.has_tag_name("script"))
    );
    assert!(
        words(by_id(&document, "hardened-0").unwrap())
            .matches(SEEN)
            .count()
            >= 5
    );
    assert_eq!(
        words(
            document
                .descendants()
                .find(|node| node.has_tag_name("h1"))
                .unwrap()
        ),
        SEEN
    );
    assert!(words(by_id(&document, "latency").unwrap().parent().unwrap()).contains(SEEN));
    let acts = |character: char| character.is_control() && character != '\n';
    assert!(!report.table().contains(acts));
    assert!(!html.contains(acts));
}

#[test]
fn an_unfinished_campaign_is_shown_as_such() {
    let mut half = synthetic::campaign("hardened", INJECTIONS, SEED);
    let whole = report(None, Some(&half)).summary().clone();
    // The strata follow one another, so the last ones are not struck yet.
    half.records.truncate(INJECTIONS as usize / 2);
    let report = report(None, Some(&half));
    let summary = report.summary().hardened.clone().unwrap();
    assert!(!summary.complete);
    assert_eq!(summary.rocksdb_buckets.no_injection, INJECTIONS / 2);
    let high = |summary: &fault_injector::report::summary::CampaignSummary| {
        summary
            .group(Group::Transient)
            .unwrap()
            .undetected
            .interval
            .high
    };
    assert!(
        high(&summary) > 0.1,
        "what was not struck may have any rate"
    );
    assert!(high(whole.hardened.as_ref().unwrap()) < 0.1);
    assert!(
        report
            .html(0)
            .contains("is incomplete: 2,000 of 4,000 planned")
    );
    assert!(report.table().contains("of 4,000 planned: incomplete"));
}

#[test]
fn a_campaign_without_escapes_claims_a_limit_and_no_more() {
    let mut campaign = synthetic::campaign("hardened", 3_000, SEED);
    campaign
        .header
        .fault_space
        .retain(|stratum| (stratum.model, stratum.zone) == (Model::Flags, Zone::Libc));
    campaign.header.fault_space[0].injections = 3_000;
    for record in &mut campaign.records {
        (record.model, record.zone, record.outcome) = (Model::Flags, Zone::Libc, Outcome::Masked);
    }
    let report = report(None, Some(&campaign));
    let entry = report
        .summary()
        .hardened
        .as_ref()
        .unwrap()
        .group(Group::Transient)
        .unwrap()
        .clone();
    assert_eq!(entry.undetected.rate, 0.0);
    assert_eq!(entry.undetected.interval, clopper_pearson(0, 3_000, 0.95));
    assert_eq!(entry.rule_of_three, Some(0.001));
    let html = report.html(0);
    assert!(
        html.contains("<p class=\"big\">below 0.123\u{a0}%</p>"),
        "never zero"
    );
    assert!(html.contains("<p class=\"good\">None.</p>"));
}
