//! The injector strikes programs whose fate is known for every fault.
#![cfg(feature = "injector")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use fault_injector::campaign::{Campaign, Settings};
use fault_injector::fault::MaskKind;
use fault_injector::journal::{self, Journal};
use fault_injector::plan::{self, Injection};
use fault_injector::program::{self, Build};
use fault_injector::results::{Model, Outcome, Record, Zone};

/// Faults of each kind; each draws its own place and bits.
const REPEATS: u64 = 4;

/// What a fault must come to; `None` where it is not known.
fn expected(record: &Record) -> Option<Outcome> {
    let (function, _) = record.symbol.split_once('+')?;
    let data = matches!(
        record.model,
        Model::RegisterRead | Model::RegisterWrite | Model::MemoryRead | Model::MemoryWrite
    );
    let control = matches!(record.model, Model::Flags | Model::BranchInversion);
    let text = record.text.as_str();
    // Their return value is an answer like any other; their return goes anywhere.
    if text.starts_with("ret") {
        return None;
    }
    if text == "mov eax,0" {
        return (record.model == Model::RegisterWrite).then_some(Outcome::Sdc);
    }
    let flags_only = record.model == Model::RegisterRead || control;
    match function.rsplit("::").next()? {
        "planted_never" if data => Some(Outcome::Sdc),
        "planted_vector" if record.place == "xmm0[1]" => Some(Outcome::Masked),
        "planted_vector" if data || record.model == Model::VectorRegister => Some(Outcome::Sdc),
        "planted_latent" if data => Some(Outcome::LatentSdc),
        "planted_masked" if data => Some(Outcome::Masked),
        "planted_detects" if flags_only => Some(Outcome::Detected),
        "planted_hangs" if record.model == Model::BranchInversion => Some(Outcome::Masked),
        "planted_hangs" if flags_only => Some(Outcome::Hung),
        "planted_jumps" | "planted_crashes" if flags_only => Some(Outcome::Crashed),
        "planted_address" if record.model == Model::Address && record.mask < 4096 => {
            Some(Outcome::Sdc)
        }
        _ => None,
    }
}

#[test]
fn every_planted_fault_is_classified_as_planted() {
    let campaign = prepared(program(), 1);
    let injections = in_planted_bodies(&campaign);
    let records = carry_out(&campaign, &injections);
    let mut known = BTreeMap::new();
    for record in &records {
        if let Some(outcome) = expected(record) {
            assert_eq!(record.outcome, outcome, "{record:?}");
            *known.entry(outcome).or_insert(0) += 1;
        }
    }
    let outcomes: Vec<Outcome> = known.keys().copied().collect();
    let all = [
        Outcome::Sdc,
        Outcome::Crashed,
        Outcome::Hung,
        Outcome::Detected,
        Outcome::LatentSdc,
        Outcome::Masked,
    ];
    assert_eq!(outcomes, all, "{known:?}");
    assert!(
        known.values().all(|count| *count >= REPEATS as i32),
        "{known:?}"
    );
}

#[test]
fn messages_are_judged_by_what_their_checksum_says() {
    let campaign = prepared(program(), 1);
    let models = [
        Model::InputSealed,
        Model::OutputSealed,
        Model::InputUnsealed,
    ];
    let plan = plan::draw(campaign.profile(), &models, 120, 1, 1, 0, 0);
    for record in carry_out(&campaign, &plan.injections) {
        let answers = matches!(
            campaign.settings().trace.requests[record.request as usize][0],
            b'n' | b'v'
        );
        match record.model {
            Model::OutputSealed => {
                assert_eq!(record.outcome, Outcome::CaughtAtReceiver, "{record:?}");
            }
            // A plain build does not check its requests; byte 0 chooses the handler.
            _ if answers && record.place != "request+0x0" => {
                assert_eq!(record.outcome, Outcome::Sdc, "{record:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_workers() {
    let directory = tempfile::tempdir().unwrap();
    let file = |workers: usize, name: &str| {
        let campaign = prepared(program(), workers);
        let plan = transient_plan(&campaign);
        let path = directory.path().join(name);
        let mut journal = Journal::open(&path, &campaign.header(&plan.strata)).unwrap();
        campaign
            .run(&plan.injections, |record| journal.append(record).unwrap())
            .unwrap();
        journal.finish(&campaign.header(&plan.strata)).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = file(1, "first");
    assert!(first.len() > 10_000);
    assert!(
        first == file(1, "second"),
        "two campaigns with one worker differ"
    );
    assert!(first == file(2, "third"), "one and two workers differ");
}

#[test]
fn an_interrupted_campaign_goes_on_and_ends_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let campaign = prepared(program(), 1);
    let plan = transient_plan(&campaign);
    let header = campaign.header(&plan.strata);
    let records = carry_out(&campaign, &plan.injections);
    let path = directory.path().join("results");
    let mut journal = Journal::open(&path, &header).unwrap();
    let (before, after) = records.split_at(records.len() / 3);
    before
        .iter()
        .for_each(|record| journal.append(record.clone()).unwrap());
    drop(journal);
    let mut journal = Journal::open(&path, &header).unwrap();
    assert!(journal.has(before[0].id) && !journal.has(after[0].id));
    after
        .iter()
        .for_each(|record| journal.append(record.clone()).unwrap());
    assert_eq!(journal.finish(&header).unwrap(), records);
    assert_eq!(journal::read(&path).unwrap(), (header, records));
}

#[test]
fn one_injection_alone_comes_to_the_same() {
    let campaign = prepared(program(), 1);
    let plan = transient_plan(&campaign);
    let records = carry_out(&campaign, &plan.injections);
    for record in records.iter().step_by(records.len() / 10) {
        let injection = plan.injections[record.id as usize];
        assert_eq!(carry_out(&campaign, &[injection]).first(), Some(record));
    }
}

#[test]
fn a_target_that_differs_from_itself_is_refused() {
    let clock = program().with_file_name("asc-inject-planted-clock");
    let failure = Campaign::prepare(settings(clock, 1), |_| {}).unwrap_err();
    let text = failure.to_string();
    assert!(text.contains("two fault-free lives to be equal"), "{text}");
}

#[test]
fn a_program_without_line_codes_is_not_struck_as_one_with_them() {
    let mut settings = settings(program(), 1);
    settings.build = "crc".to_owned();
    let failure = Campaign::prepare(settings, |_| {}).unwrap_err().to_string();
    assert!(failure.contains("asc_lines"), "{failure}");
}

/// `planted_detects` compares two registers, jumps and says what it has seen: a fixed way for each of
/// its instructions, however the fault looks.
#[test]
fn the_way_to_detection_is_counted() {
    let mut settings = settings(program(), 2);
    settings.latency_every = 2;
    let campaign = Campaign::prepare(settings, |_| {}).unwrap();
    let injections: Vec<Injection> = in_planted_bodies(&campaign)
        .into_iter()
        .filter(|injection| injection.model == Model::RegisterRead)
        .collect();
    let mut ways: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for record in carry_out(&campaign, &injections) {
        let counted = record.outcome == Outcome::Detected && record.id % 2 == 0;
        assert_eq!(record.instructions_later.is_some(), counted, "{record:?}");
        if let Some(count) = record.instructions_later
            && record.symbol.contains("planted_detects")
        {
            ways.entry(record.text).or_default().insert(count);
        }
    }
    let (text, counts) = ways.first_key_value().unwrap();
    assert!(text.starts_with("cmp") && counts.len() == 1, "{ways:?}");
    assert!(
        counts.iter().all(|count| (10..100_000).contains(count)),
        "{ways:?}"
    );
}

/// A hardened handler's faults are counted up to the runtime's own report.
#[test]
fn a_hardened_handler_detects_within_its_own_length() {
    let mut settings = settings(program::build("template", Build::Hardened).unwrap(), 2);
    settings.build = "hardened".to_owned();
    settings.latency_every = 1;
    let campaign = Campaign::prepare(settings, |_| {}).unwrap();
    let plan = plan::draw(campaign.profile(), &[Model::MemoryWrite], 60, 1, 11, 0, 0);
    let longest = campaign
        .profile()
        .requests
        .iter()
        .map(|walk| walk.steps.len());
    let longest = longest.max().unwrap() as u64;
    let counts: Vec<u64> = carry_out(&campaign, &plan.injections)
        .into_iter()
        .filter_map(|record| record.instructions_later)
        .collect();
    assert!(counts.len() > 5, "{counts:?}");
    let within = counts.iter().filter(|count| **count <= longest).count();
    assert!(within * 10 >= counts.len() * 9, "{longest}: {counts:?}");
}

/// A permanent fault of one core: computed twice there it is never seen; where one result is another
/// core's, because the target asked for it or the system moved it, it is.
#[test]
fn a_stuck_bit_of_one_core_is_silent_on_the_other() {
    let [alone, elsewhere, moved] = [
        (b'q', Model::StuckAt, 40),
        (b'p', Model::StuckAt, 60),
        (b'q', Model::StuckAtMoved, 100),
    ]
    .map(|(kind, model, count)| {
        let mut settings = settings(program(), 2);
        let requests = program::generate(&settings.program, 7, 11)
            .unwrap()
            .requests;
        let request = requests.iter().find(|request| request[0] == kind).unwrap();
        settings.trace.requests = vec![request.clone()];
        let campaign = Campaign::prepare(settings, |_| {}).unwrap();
        let plan = plan::draw(campaign.profile(), &[model], count, 1, 11, 0, 0);
        let records = carry_out(&campaign, &plan.injections).into_iter();
        let mut outcomes = BTreeMap::new();
        for record in records.filter(|record| record.place.contains("results of not")) {
            *outcomes.entry(record.outcome).or_insert(0) += 1;
        }
        outcomes
    });
    let has = |outcomes: &BTreeMap<Outcome, i32>, outcome| outcomes.contains_key(&outcome);
    assert!(
        has(&alone, Outcome::Sdc) && !has(&alone, Outcome::Detected),
        "{alone:?}"
    );
    assert!(
        has(&elsewhere, Outcome::Detected) && !has(&elsewhere, Outcome::Sdc),
        "{elsewhere:?}"
    );
    assert!(has(&moved, Outcome::Detected), "{moved:?}");
}

/// The template calls a handler made with `#[asc_handler]`; the planted program has none.
#[test]
fn code_around_handlers_is_a_zone_of_its_own() {
    for build in [Build::Plain, Build::Hardened] {
        let template = program::build("template", build).unwrap();
        let campaign = prepared(template, 1);
        let profile = campaign.profile();
        for walk in &profile.requests {
            let zones = |part: &str| -> BTreeSet<Zone> {
                let steps = walk.steps.iter().zip(0..);
                steps
                    .filter(|(number, _)| {
                        let place = &profile.sites[**number as usize].place;
                        place.symbol.contains(part) || place.line.contains(part)
                    })
                    .map(|(_, step)| profile.zone(walk, step, Model::Flags))
                    .collect()
            };
            let outside = BTreeSet::from([Zone::Outside]);
            assert_eq!(zones("asc_target_"), outside, "{build:?}");
            let runtime = BTreeSet::from([Zone::Runtime]);
            assert_eq!(zones("asc-runtime/src/checksum.rs"), runtime, "{build:?}");
            let inside: u64 = (0..walk.steps.len() as u64)
                .filter(|step| profile.zone(walk, *step, Model::Flags) == Zone::Application)
                .count() as u64;
            assert!(inside > 50, "{build:?}: {inside} steps in the handler");
            assert_ne!(profile.zone(walk, 0, Model::Heap), Zone::Outside);
        }
    }
    let planted = prepared(program(), 1);
    assert!(!planted.profile().has_handlers);
    let zone = planted
        .profile()
        .zone(&planted.profile().requests[0], 0, Model::Flags);
    assert_eq!(zone, Zone::Application);
}

/// The planted program, built once.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| program::build("planted", Build::Plain).unwrap());
    built.clone()
}

fn settings(program: PathBuf, workers: usize) -> Settings {
    let trace = program::generate(&program, 7, 9).unwrap();
    Settings {
        target: "planted".to_owned(),
        build: "plain".to_owned(),
        program,
        trace,
        seed: 11,
        mask: MaskKind::Single,
        on_fault: None,
        workers,
        latency_every: 0,
    }
}

fn prepared(program: PathBuf, workers: usize) -> Campaign {
    Campaign::prepare(settings(program, workers), |_| {}).unwrap()
}

fn transient_plan(campaign: &Campaign) -> plan::Plan {
    let models: Vec<Model> = Model::ALL[..12].to_vec();
    plan::draw(campaign.profile(), &models, 200, 2, 11, 0, 0)
}

/// All models at all instructions of the planted bodies.
fn in_planted_bodies(campaign: &Campaign) -> Vec<Injection> {
    let profile = campaign.profile();
    let mut injections = Vec::new();
    for (walk, golden) in profile.requests.iter().enumerate() {
        for (step, number) in golden.steps.iter().enumerate() {
            let site = &profile.sites[*number as usize];
            if !site.place.symbol.contains("planted_") {
                continue;
            }
            for model in Model::ALL
                .into_iter()
                .filter(|model| site.facts.admits(*model))
            {
                let first_id = injections.len() as u64;
                injections.extend((first_id..first_id + REPEATS).map(|id| Injection {
                    id,
                    walk,
                    step: step as u64,
                    model,
                }));
            }
        }
    }
    injections
}

fn carry_out(campaign: &Campaign, injections: &[Injection]) -> Vec<Record> {
    let mut records = Vec::new();
    campaign
        .run(injections, |record| records.push(record))
        .unwrap();
    records.sort_by_key(|record| record.id);
    records
}
