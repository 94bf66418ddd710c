//! Which bits of a value matter: outcomes by the position of the flipped bit.

use super::markup::{section as section_markup, table};
use super::outcomes::{class, legend};
use crate::report::Report;
use crate::report::campaign::{BITS, Campaign};
use crate::report::words::{count, number};
use crate::statistics::tally::Tally;
use std::fmt::Write;

pub(super) fn section(report: &Report) -> String {
    if report
        .campaigns()
        .iter()
        .all(|(campaign, _)| campaign.lines.is_empty())
    {
        return String::new();
    }
    let mut body = legend(report);
    for (campaign, _) in report.campaigns() {
        let build = &campaign.header.build;
        let _ = write!(
            body,
            "<figure>\n<figcaption>{build}</figcaption>\n{}\n</figure>\n",
            columns(campaign)
        );
    }
    let _ = write!(
        body,
        "<details><summary>Counts as a table</summary>\n{}</details>\n",
        counts(report)
    );
    section_markup(
        "bits",
        "By flipped bit",
        "One column per bit, the lowest at the left: how the transient and permanent faults that flipped it ended, as shares of all of them. A mask of several bits counts for each.",
        &body,
    )
}

fn columns(campaign: &Campaign) -> String {
    let step = 100.0 / BITS as f64;
    let mut marks = String::new();
    for (bit, tally) in campaign.bits.iter().enumerate() {
        column(&mut marks, bit, tally, step);
    }
    for bit in (0..BITS).step_by(8) {
        let _ = write!(
            marks,
            "<text class=\"tick\" x=\"{:.3}%\" y=\"137\">{bit}</text>",
            bit as f64 * step
        );
    }
    format!(
        "<svg class=\"columns\" role=\"img\" aria-label=\"{}: outcomes by flipped bit; the table below has the counts\">{marks}</svg>",
        campaign.header.build
    )
}

/// Undetected faults stand at the bottom, where columns are compared best.
fn column(marks: &mut String, bit: usize, tally: &Tally, step: f64) {
    const HEIGHT: f64 = 120.0;
    let total = tally.injections();
    let mut bottom = HEIGHT;
    for outcome in Tally::ORDER {
        let hits = tally.of(outcome);
        if hits == 0 {
            continue;
        }
        let height = hits as f64 / total as f64 * HEIGHT;
        bottom -= height;
        let _ = write!(
            marks,
            "<rect class=\"{}\" x=\"{:.3}%\" y=\"{bottom:.2}\" width=\"{:.3}%\" height=\"{height:.2}\"><title>bit {bit}: {} of {}</title></rect>",
            class(outcome),
            bit as f64 * step + step * 0.08,
            step * 0.84,
            count(hits),
            count(total)
        );
    }
}

fn counts(report: &Report) -> String {
    let campaigns = report.campaigns();
    let head: String = campaigns
        .iter()
        .map(|(campaign, _)| {
            let build = &campaign.header.build;
            format!("<th scope=\"col\" class=\"number\">{build}: undetected</th><th scope=\"col\" class=\"number\">of struck</th><th scope=\"col\" class=\"number\">share</th>")
        })
        .collect();
    let mut rows = String::new();
    for bit in 0..BITS {
        let cells = campaigns.iter().map(|(campaign, _)| {
            let (hits, struck) = (campaign.bits[bit].undetected(), campaign.bits[bit].injections());
            let share = hits as f64 / struck.max(1) as f64 * 100.0;
            format!("<td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}\u{a0}%</td>", count(hits), count(struck), number(share))
        });
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{bit}</th>{}</tr>",
            cells.collect::<String>()
        );
    }
    let head = format!("<tr><th scope=\"col\">bit</th>{head}</tr>");
    table("", "Undetected faults by flipped bit", &head, &rows)
}
