//! The report as a table for terminals.

use super::Report;
use super::campaign::Campaign;
use super::summary::{CampaignSummary, GroupSummary, Improvement};
use super::words::{
    count, factor, factor_interval, number, per_request, percents, policy, rate, replay_command,
    visible,
};
use crate::results::{Model, Record};
use crate::statistics::group::Group;
use crate::statistics::stratified::Rate;
use crate::statistics::tally::{Tally, outcome_name};
use std::fmt::Write;

/// Escapes that the table lists; the page has the rest.
const ESCAPES_MAX: usize = 20;

pub(super) fn table(report: &Report) -> String {
    let campaigns = report.campaigns();
    let mut text = String::new();
    for (campaign, summary) in &campaigns {
        let _ = writeln!(text, "{}", about(campaign, summary));
    }
    let names = campaigns
        .iter()
        .map(|(campaign, _)| campaign.header.build.clone());
    let mut rows = vec![row("", names.collect())];
    for group in Group::ALL {
        if campaigns
            .iter()
            .any(|(_, summary)| summary.group(group).is_some())
        {
            rows.extend(group_rows(report, group));
        }
    }
    rows.extend(outcome_rows(&campaigns));
    rows.extend(detection_rows(&campaigns));
    rows.extend(model_rows(&campaigns));
    text.push('\n');
    text.push_str(&aligned(&rows));
    // The hardened build's are the ones to be explained; without it the plain build's are.
    for (index, (campaign, _)) in campaigns.into_iter().rev().enumerate() {
        text.push_str(&escapes(campaign, if index == 0 { ESCAPES_MAX } else { 0 }));
    }
    text.replace('\u{a0}', " ")
}

fn about(campaign: &Campaign, summary: &CampaignSummary) -> String {
    let header = &campaign.header;
    let incomplete = if summary.complete {
        String::new()
    } else {
        format!(" of {} planned: incomplete", count(header.injections))
    };
    format!(
        "{} {}: {} injections{incomplete}, {} requests, seed {}, mask {}, policy {}",
        visible(&header.target),
        header.build,
        count(summary.injections),
        count(u64::from(header.requests)),
        header.seed,
        header.mask.name(),
        visible(policy(header))
    )
}

fn group_rows(report: &Report, group: Group) -> Vec<Vec<String>> {
    let campaigns = report.campaigns();
    let cells = |words: &dyn Fn(&GroupSummary) -> String| -> Vec<String> {
        let cell = |summary: &CampaignSummary| summary.group(group).map_or("-".to_owned(), words);
        campaigns.iter().map(|(_, summary)| cell(summary)).collect()
    };
    let mut rows = vec![
        row("", vec![String::new(); campaigns.len()]),
        row(
            &format!("{} faults", group.name()),
            cells(&|entry| format!("{} struck", count(entry.undetected.injections))),
        ),
        row(
            "  undetected",
            cells(&|entry| with_interval(&entry.undetected)),
        ),
        row(
            "    wrong reply sent",
            cells(&|entry| with_interval(&entry.wrong_reply)),
        ),
        row(
            "    wrong state kept",
            cells(&|entry| with_interval(&entry.latent_sdc)),
        ),
        row(
            "  SDC per request",
            cells(&|entry| {
                let value = &entry.sdc_per_request;
                let (words, interval) = per_request(value);
                format!("{words} ({interval}) of {} faults", number(value.points))
            }),
        ),
    ];
    let beside = |name: &str, of: fn(&GroupSummary) -> Option<&Rate>| {
        let has = |(_, summary): &(_, &CampaignSummary)| {
            summary
                .group(group)
                .is_some_and(|entry| of(entry).is_some())
        };
        let words = |entry: &GroupSummary| of(entry).map_or("-".to_owned(), with_interval);
        report
            .campaigns()
            .iter()
            .any(has)
            .then(|| row(name, cells(&words)))
    };
    rows.extend(beside("  around handlers", |entry| entry.outside.as_ref()));
    rows.extend(beside("  all code", |entry| entry.everywhere.as_ref()));
    let improvement = report.summary.improvement_of(group);
    rows.extend(improvement.into_iter().flat_map(gain_rows));
    rows
}

fn gain_rows(improvement: &Improvement) -> [Vec<String>; 2] {
    let words = |value| format!("{} ({})", factor(value), factor_interval(value));
    let beside_hardened = |value| vec![String::new(), words(value)];
    [
        row(
            "  fewer undetected",
            beside_hardened(&improvement.undetected_rate),
        ),
        row(
            "  fewer per request",
            beside_hardened(&improvement.sdc_per_request),
        ),
    ]
}

fn outcome_rows(campaigns: &[(&Campaign, &CampaignSummary)]) -> Vec<Vec<String>> {
    let empty = || vec![String::new(); campaigns.len()];
    let mut rows = vec![row("", empty()), row("all injections", empty())];
    for outcome in Tally::ORDER {
        let cells = campaigns
            .iter()
            .map(|(_, summary)| count(summary.outcomes.of(outcome)));
        rows.push(row(
            &format!("  {}", outcome_name(outcome)),
            cells.collect(),
        ));
    }
    rows
}

/// Nothing where nothing was counted.
fn detection_rows(campaigns: &[(&Campaign, &CampaignSummary)]) -> Vec<Vec<String>> {
    if campaigns
        .iter()
        .all(|(_, summary)| summary.detection.is_none())
    {
        return Vec::new();
    }
    let cell = |summary: &CampaignSummary| match &summary.detection {
        Some(order) => format!(
            "half within {}, 99 % within {}, all within {} (of {})",
            count(order.median),
            count(order.p99),
            count(order.most),
            count(order.count)
        ),
        None => "-".to_owned(),
    };
    let cells = campaigns.iter().map(|(_, summary)| cell(summary));
    vec![
        row("", vec![String::new(); campaigns.len()]),
        row("instructions to detection", cells.collect()),
    ]
}

fn model_rows(campaigns: &[(&Campaign, &CampaignSummary)]) -> Vec<Vec<String>> {
    let cell = |summary: &CampaignSummary, model| match summary.model(model) {
        Some(entry) => with_interval(&entry.undetected),
        None => "-".to_owned(),
    };
    let empty = || vec![String::new(); campaigns.len()];
    let mut rows = vec![row("", empty()), row("undetected by model", empty())];
    for model in Model::ALL {
        if campaigns
            .iter()
            .any(|(_, summary)| summary.model(model).is_some())
        {
            let cells = campaigns.iter().map(|(_, summary)| cell(summary, model));
            rows.push(row(&format!("  {}", model.name()), cells.collect()));
        }
    }
    rows
}

fn with_interval(value: &Rate) -> String {
    if value.injections == 0 {
        return rate(value);
    }
    format!(
        "{} ({}), {} of {}",
        rate(value),
        percents(value.interval),
        count(value.hits),
        count(value.injections)
    )
}

fn escapes(campaign: &Campaign, listed_max: usize) -> String {
    let all = campaign.escapes.len();
    let listed = all.min(listed_max);
    let rest = match listed {
        0 if all > 0 => " (the page lists them)".to_owned(),
        0 => String::new(),
        _ if listed < all => format!(", the first {listed} (the page has all):"),
        _ => ":".to_owned(),
    };
    let build = &campaign.header.build;
    let mut text = format!(
        "\n{} escapes of the {build} build{rest}\n",
        count(all as u64)
    );
    for record in campaign.escapes.iter().take(listed) {
        let _ = writeln!(text, "  {}", escape(record));
    }
    if let Some(first) = campaign.escapes.first().filter(|_| listed > 0) {
        let command = visible(&replay_command(campaign, first));
        let _ = writeln!(text, "to repeat the first:\n  {command}");
    }
    text
}

fn escape(record: &Record) -> String {
    let line = if record.line.is_empty() {
        &record.symbol
    } else {
        &record.line
    };
    format!(
        "{}: {}, {} ({}) at {}",
        record.id,
        outcome_name(record.outcome),
        record.model.name(),
        visible(&record.place),
        visible(line)
    )
}

fn row(name: &str, mut cells: Vec<String>) -> Vec<String> {
    cells.insert(0, name.to_owned());
    cells
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}  "));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}
