//! What became of the faults: one bar per model and build, worst outcomes first, and the counts.

use super::markup::{section as section_markup, table};
use crate::report::Report;
use crate::report::summary::{CampaignSummary, ModelSummary};
use crate::report::words::{count, number, percent, percents};
use crate::results::{Model, Outcome};
use crate::statistics::bucket::Buckets;
use crate::statistics::tally::{Tally, outcome_name};
use std::fmt::Write;

pub(super) fn section(report: &Report) -> String {
    let models = Model::ALL.into_iter().map(|model| rows(report, model));
    let body = format!(
        "{}<div class=\"bars\">\n{}</div>\n<details><summary>Counts as a table</summary>\n{}</details>\n\
         <details><summary>By the names of RocksDB's CPU corruption injector</summary>\n{}</details>\n",
        legend(report),
        models.collect::<String>(),
        counts(report),
        buckets(report)
    );
    section_markup(
        "outcomes",
        "What became of the faults",
        "Each bar is all faults of one model in one build, in handlers and the runtime. Undetected faults stand at the left end; their share is written beside the bar, with Wilson's 95\u{a0}% interval.",
        &body,
    )
}

/// The outcome's class in the style sheet.
pub(super) const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sdc => "o-sdc",
        Outcome::LatentSdc => "o-latent",
        Outcome::CaughtAtReceiver => "o-caught",
        Outcome::Crashed => "o-crashed",
        Outcome::Hung => "o-hung",
        Outcome::Detected => "o-detected",
        Outcome::Corrected => "o-corrected",
        Outcome::Masked => "o-masked",
    }
}

/// A key of the outcomes that occur.
pub(super) fn legend(report: &Report) -> String {
    let occurs = |outcome: &Outcome| {
        let mut campaigns = report.campaigns().into_iter();
        campaigns.any(|(campaign, _)| campaign.total.of(*outcome) > 0)
    };
    let item = |outcome: Outcome| {
        format!(
            "<li><svg class=\"key\" aria-hidden=\"true\"><rect class=\"{}\" width=\"100%\" height=\"100%\"/></svg>{}</li>",
            class(outcome),
            outcome_name(outcome)
        )
    };
    let items: String = Tally::ORDER.into_iter().filter(occurs).map(item).collect();
    format!("<ul class=\"legend\">{items}</ul>\n")
}

fn rows(report: &Report, model: Model) -> String {
    let mut rows = String::new();
    for (campaign, summary) in report.campaigns() {
        let Some(entry) = summary.model(model) else {
            continue;
        };
        if rows.is_empty() {
            let _ = writeln!(rows, "<h3>{}</h3>", model.name());
        }
        let build = &campaign.header.build;
        let _ = writeln!(
            rows,
            "<span class=\"name\">{build}</span>{}<span class=\"value\">{}</span>",
            bar(&format!("{} {build}", model.name()), &entry.outcomes),
            share(entry)
        );
    }
    rows
}

fn share(entry: &ModelSummary) -> String {
    let (hits, injections) = (entry.outcomes.undetected(), entry.outcomes.injections());
    if injections == 0 {
        return "not struck".to_owned();
    }
    let share = match hits {
        0 => "none".to_owned(),
        _ => percent(hits as f64 / injections as f64),
    };
    format!(
        "<b>{share}</b> <span class=\"small\">{}</span>",
        percents(entry.wilson)
    )
}

fn bar(name: &str, tally: &Tally) -> String {
    let total = tally.injections().max(1) as f64;
    let (mut left, mut parts, mut words) = (0.0, String::new(), Vec::new());
    for outcome in Tally::ORDER {
        let share = tally.of(outcome) as f64 / total * 100.0;
        if share == 0.0 {
            continue;
        }
        words.push(format!(
            "{} {}\u{a0}%",
            outcome_name(outcome),
            number(share)
        ));
        let _ = write!(
            parts,
            "<rect class=\"{}\" x=\"{left:.3}%\" width=\"{share:.3}%\" height=\"100%\"><title>{}: {} of {}</title></rect>",
            class(outcome),
            outcome_name(outcome),
            count(tally.of(outcome)),
            count(tally.injections())
        );
        left += share;
    }
    let label = format!("{name}: {}", words.join(", "));
    format!("<svg class=\"bar\" role=\"img\" aria-label=\"{label}\">{parts}</svg>")
}

fn counts(report: &Report) -> String {
    let names = Tally::ORDER.map(|outcome| {
        format!(
            "<th scope=\"col\" class=\"number\">{}</th>",
            outcome_name(outcome)
        )
    });
    let head = format!(
        "<tr><th scope=\"col\">model</th><th scope=\"col\">build</th>{}</tr>",
        names.concat()
    );
    let row = |model: Model, build: &str, summary: &CampaignSummary| {
        let entry = summary.model(model)?;
        let cells = Tally::ORDER.map(|outcome| {
            format!(
                "<td class=\"number\">{}</td>",
                count(entry.outcomes.of(outcome))
            )
        });
        Some(format!(
            "<tr><th scope=\"row\">{}</th><td>{build}</td>{}</tr>\n",
            model.name(),
            cells.concat()
        ))
    };
    let campaigns = report.campaigns();
    let of_model = |model: Model| {
        let rows = campaigns
            .iter()
            .filter_map(|(campaign, summary)| row(model, &campaign.header.build, summary));
        rows.collect::<String>()
    };
    table(
        "",
        "Outcomes by model and build",
        &head,
        &Model::ALL.map(of_model).concat(),
    )
}

fn buckets(report: &Report) -> String {
    let campaigns = report.campaigns();
    let names = Buckets::default().named().map(|(name, _)| name);
    let head: String = names
        .iter()
        .map(|name| format!("<th scope=\"col\" class=\"number\">{name}</th>"))
        .collect();
    let row = |build: &str, buckets: &Buckets| {
        let cells = buckets
            .named()
            .map(|(_, number)| format!("<td class=\"number\">{}</td>", count(number)));
        format!(
            "<tr><th scope=\"row\">{build}</th>{}</tr>\n",
            cells.concat()
        )
    };
    let rows = campaigns
        .iter()
        .map(|(campaign, summary)| row(&campaign.header.build, &summary.rocksdb_buckets));
    let head = format!("<tr><th scope=\"col\">build</th>{head}</tr>");
    table(
        "",
        "Outcomes by RocksDB's names",
        &head,
        &rows.collect::<String>(),
    )
}
