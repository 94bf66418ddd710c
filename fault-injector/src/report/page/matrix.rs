//! Model by zone of the code: where the undetected faults are.

use super::markup::{section as section_markup, table};
use crate::report::Report;
use crate::report::summary::{CampaignSummary, StratumSummary};
use crate::report::words::{ZONES, count, number, percents, zone_name};
use crate::results::{Model, Zone};

pub(super) fn section(report: &Report) -> String {
    let columns = columns(report);
    let rows: String = Model::ALL
        .into_iter()
        .filter_map(|model| row(&columns, model))
        .collect();
    section_markup(
        "matrix",
        "Model by zone",
        "The share of faults that nobody was told of, and the counts behind it. The stronger a cell's colour, the higher the share; each step is a power of ten. Bounds where nothing was seen are exact 95\u{a0}% limits.",
        &table(
            "matrix",
            "Undetected share by model and zone",
            &head(report, &columns),
            &rows,
        ),
    )
}

type Column<'a> = (&'a CampaignSummary, Zone);

/// The zones that each build has, its columns side by side.
fn columns(report: &Report) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    for (_, summary) in report.campaigns() {
        let has = |zone: &Zone| {
            summary
                .strata
                .iter()
                .any(|entry| entry.stratum.zone == *zone)
        };
        columns.extend(ZONES.into_iter().filter(has).map(|zone| (summary, zone)));
    }
    columns
}

fn head(report: &Report, columns: &[Column<'_>]) -> String {
    let build = |summary: &CampaignSummary| {
        let build = &summary.header.build;
        let span = columns
            .iter()
            .filter(|(other, _)| other.header.build == *build)
            .count();
        format!("<th scope=\"colgroup\" colspan=\"{span}\">{build}</th>")
    };
    let builds: String = report
        .campaigns()
        .into_iter()
        .map(|(_, summary)| build(summary))
        .collect();
    let zones: String = columns
        .iter()
        .map(|(_, zone)| format!("<th scope=\"col\">{}</th>", zone_name(*zone)))
        .collect();
    format!("<tr><th scope=\"col\" rowspan=\"2\">model</th>{builds}</tr><tr>{zones}</tr>")
}

fn row(columns: &[Column<'_>], model: Model) -> Option<String> {
    let entries: Vec<_> = columns
        .iter()
        .map(|(summary, zone)| summary.stratum(model, *zone))
        .collect();
    if entries.iter().all(Option::is_none) {
        return None;
    }
    let cells: String = entries.into_iter().map(cell).collect();
    Some(format!(
        "<tr><th scope=\"row\">{}</th>{cells}</tr>\n",
        model.name()
    ))
}

fn cell(entry: Option<&StratumSummary>) -> String {
    let Some(entry) = entry else {
        return "<td class=\"none\">–</td>".to_owned();
    };
    let (hits, injections) = (entry.outcomes.undetected(), entry.outcomes.injections());
    if injections == 0 {
        return "<td class=\"none\">not struck</td>".to_owned();
    }
    let share = hits as f64 / injections as f64;
    let words = match hits {
        0 => format!("&lt; {}\u{a0}%", number(entry.undetected.high * 100.0)),
        _ => format!("{}\u{a0}%", number(share * 100.0)),
    };
    format!(
        "<td class=\"level{}\" title=\"95\u{a0}% interval {}\">{words}<br/><span class=\"small\">{} of {}</span></td>",
        level(hits, share),
        percents(entry.undetected),
        count(hits),
        count(injections)
    )
}

/// 0 for none, then one more for each power of ten from below 0.01 % to above 10 %.
fn level(hits: u64, share: f64) -> i32 {
    match hits {
        0 => 0,
        _ => (share.log10().floor() as i32 + 6).clamp(1, 5),
    }
}
