//! The source lines that let most faults through.

use super::markup::{section as section_markup, table, text};
use crate::report::Report;
use crate::report::words::{count, number};
use crate::statistics::tally::Tally;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines that the page shows.
const LINES_MAX: usize = 25;

pub(super) fn section(report: &Report) -> String {
    let campaigns = report.campaigns();
    if campaigns
        .iter()
        .all(|(campaign, _)| campaign.lines.is_empty())
    {
        return String::new();
    }
    let mut worst = worst_first(report);
    let all = worst.len();
    worst.truncate(LINES_MAX);
    let body = match all {
        0 => "<p class=\"good\">No line let a fault through unseen.</p>\n".to_owned(),
        _ => table(
            "lines",
            "Lines with undetected faults",
            &head(report),
            &rows(&worst),
        ),
    };
    let shown = if all > LINES_MAX {
        format!(" The worst {LINES_MAX} of {} lines.", count(all as u64))
    } else {
        String::new()
    };
    section_markup(
        "lines",
        "Lines that let faults through",
        &format!(
            "Of the transient and permanent faults that struck an instruction of the line, those that went undetected. Lines with holes in the hardened build come first.{shown}"
        ),
        &body,
    )
}

/// Lines with undetected faults and their tallies by build. Where hardening has a hole comes first; ties
/// keep the order of the lines' names.
fn worst_first(report: &Report) -> Vec<(&str, Vec<Tally>)> {
    let campaigns = report.campaigns();
    let mut lines: BTreeMap<&str, Vec<Tally>> = BTreeMap::new();
    for (index, (campaign, _)) in campaigns.iter().enumerate() {
        for (line, tally) in &campaign.lines {
            let tallies = lines.entry(line).or_default();
            tallies.resize(campaigns.len(), Tally::default());
            tallies[index] = *tally;
        }
    }
    lines.retain(|_, tallies| tallies.iter().any(|tally| tally.undetected() > 0));
    let mut worst: Vec<(&str, Vec<Tally>)> = lines.into_iter().collect();
    worst.sort_by_key(|(_, tallies)| {
        let undetected = tallies.iter().rev().map(Tally::undetected);
        std::cmp::Reverse(undetected.collect::<Vec<u64>>())
    });
    worst
}

fn head(report: &Report) -> String {
    let builds: String = report
        .campaigns()
        .into_iter()
        .map(|(campaign, _)| {
            format!(
                "<th scope=\"col\" colspan=\"2\">{}: undetected of struck</th>",
                campaign.header.build
            )
        })
        .collect();
    format!("<tr><th scope=\"col\">line</th>{builds}</tr>")
}

fn rows(worst: &[(&str, Vec<Tally>)]) -> String {
    // One scale for both builds, so that their bars can be compared.
    let tallies = worst.iter().flat_map(|(_, tallies)| tallies);
    let most = tallies.map(Tally::undetected).max().unwrap_or(0);
    let mut rows = String::new();
    for (line, tallies) in worst {
        let cells = tallies.iter().map(|tally| cell(tally, most));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th>{}</tr>",
            text(line),
            cells.collect::<String>()
        );
    }
    rows
}

fn cell(tally: &Tally, most: u64) -> String {
    let struck = tally.injections();
    if struck == 0 {
        return "<td class=\"none number\">not struck</td><td></td>".to_owned();
    }
    let width = tally.undetected() as f64 / most.max(1) as f64 * 100.0;
    format!(
        "<td class=\"number\">{} of {} <span class=\"small\">{}\u{a0}%</span></td>\
         <td class=\"tape\"><svg aria-hidden=\"true\"><rect class=\"o-sdc\" width=\"{width:.2}%\" height=\"100%\"/></svg></td>",
        count(tally.undetected()),
        count(struck),
        number(tally.undetected() as f64 / struck as f64 * 100.0)
    )
}
