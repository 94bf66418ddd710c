//! The report against campaigns whose every number is known, and against files that are none.
#![cfg(feature = "injector")]

#[path = "fixtures/report/synthetic.rs"]
mod synthetic;

use fault_injector::report::campaign::Campaign;
use fault_injector::report::summary::Summary;
use fault_injector::report::{PLAIN_ESCAPES_MAX, Report, ReportError};
use fault_injector::results::{Backend, Model, Outcome, Record, Zone};
use fault_injector::statistics::comparison::{Factor, joint_confidence};
use fault_injector::statistics::group::Group;
use fault_injector::statistics::interval::{clopper_pearson, wilson};
use fault_injector::statistics::order::Order;
use fault_injector::statistics::stratified::{self, Rate, Sample};
use roxmltree::{Document, Node, ParsingOptions};
use synthetic::Synthetic;

/// Every random draw of this file follows from it.
const SEED: u64 = 3;

const INJECTIONS: u64 = 4_000;

fn read(synthetic: &Synthetic) -> Campaign {
    let file = format!("{}.jsonl", synthetic.header.build);
    Campaign::from_lines(&file, synthetic.lines().as_bytes()).unwrap()
}

fn pair() -> (Synthetic, Synthetic) {
    println!("seed {SEED}");
    (
        synthetic::campaign("plain", INJECTIONS, SEED),
        synthetic::campaign("hardened", INJECTIONS, SEED + 1),
    )
}

fn report(plain: Option<&Synthetic>, hardened: Option<&Synthetic>) -> Report {
    Report::new(plain.map(read), hardened.map(read)).unwrap()
}

fn parsed(html: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}"))
}

fn words(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

fn by_id<'a, 'input>(document: &'a Document<'input>, id: &str) -> Option<Node<'a, 'input>> {
    document
        .descendants()
        .find(|node| node.attribute("id") == Some(id))
}

fn is_escape(record: &&Record) -> bool {
    matches!(record.outcome, Outcome::Sdc | Outcome::LatentSdc)
}

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
        plain.records.retain(|record| is_escape(&record));
        let html = report(Some(&plain), None).html(1);
        let document = parsed(&html);
        let command = document
            .descendants()
            .find(|node| node.has_tag_name("pre"))
            .map(words)
            .expect("a command");
        let parsed = CommandLine::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {:?}", parsed.err());
    }
}

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

fn refused(lines: &str) -> String {
    Campaign::from_lines("some.jsonl", lines.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn files_that_are_no_results_are_refused_with_line_and_way_out() {
    let good = synthetic::campaign("plain", 50, SEED).lines();
    let (header, records) = good.split_once('\n').unwrap();
    let first = records.lines().next().unwrap();
    let again = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let cases = [
        (String::new(), "some.jsonl: ", "an empty file"),
        ("hello\n".to_owned(), "some.jsonl:1: ", "a header as JSON"),
        (
            "{}\n".to_owned(),
            "some.jsonl:1: ",
            "a header of schema 1, got none",
        ),
        (
            again("\"schema\":1", "\"schema\":2"),
            "some.jsonl:1: ",
            "got schema 2",
        ),
        (
            again("\"kernel\"", "\"colonel\""),
            "some.jsonl:1: ",
            "missing field `kernel`",
        ),
        (
            good[..good.len() - 9].to_owned(),
            "some.jsonl:51: ",
            "the end of the file in its middle",
        ),
        (
            format!("{header}\n{first}\nnonsense\n"),
            "some.jsonl:3: ",
            "a record as JSON",
        ),
        (
            format!("{header}\n{first}\n\n{first}\n"),
            "some.jsonl:3: ",
            "a record as JSON",
        ),
        (
            format!("{header}\n{first}\n{first}\n"),
            "some.jsonl:3: ",
            "0 again",
        ),
        (
            again("\"id\":7,", "\"id\":50,"),
            "some.jsonl:9: ",
            "below the 50 planned",
        ),
        (
            again(
                "\"model\":\"register-read\",\"zone\":\"application\",\"address",
                "\"model\":\"stuck-at\",\"zone\":\"application\",\"address",
            ),
            "some.jsonl:2: ",
            "a stratum of the header, got stuck-at",
        ),
        (
            again("\"injections\":3}", "\"injections\":2}"),
            "some.jsonl:4: ",
            "got one more",
        ),
        (
            again("\"outcome\":\"", "\"outcome\":\"very-"),
            "some.jsonl:2: ",
            "unknown variant",
        ),
    ];
    for (lines, place, found) in cases {
        let error = refused(&lines);
        assert!(error.starts_with(place), "{error}");
        assert!(error.contains(found), "{error}");
        assert!(error.contains("\nto do: "), "{error}");
    }
    let truncated = refused(&good[..good.len() - 1]);
    assert!(truncated.contains("keep the first 50 lines"), "{truncated}");
    let error = Campaign::from_lines("some.jsonl", &b"\xff\xfe\n"[..]).unwrap_err();
    assert!(error.to_string().starts_with("some.jsonl:1: "));
    let endless = refused(&"x".repeat(2 << 20));
    assert!(
        endless.contains("a line of less than 1048576 bytes"),
        "{endless}"
    );
}

#[test]
fn campaigns_that_do_not_belong_together_are_refused() {
    let error = |result: Result<Report, ReportError>| result.unwrap_err().to_string();
    assert!(error(Report::new(None, None)).contains("give --plain FILE, --hardened FILE or both"));
    let (plain, mut hardened) = pair();
    let swapped = error(Report::new(Some(read(&hardened)), Some(read(&plain))));
    assert!(
        swapped.starts_with("hardened.jsonl:1: wanted a campaign against the plain build"),
        "{swapped}"
    );
    hardened.header.trace_crc += 1;
    let other = error(Report::new(Some(read(&plain)), Some(read(&hardened))));
    assert!(
        other.starts_with("hardened.jsonl:1: wanted the same as in plain.jsonl"),
        "{other}"
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
