//! When the runtime saw a fault: its stage, and how many requests later.

use super::markup::{section as section_markup, table, text};
use crate::report::Report;
use crate::report::campaign::{LATER_CLASSES, Latency};
use crate::report::summary::CampaignSummary;
use crate::report::words::{count, number};
use crate::statistics::order::{CLASSES, Order};
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn section(report: &Report) -> String {
    let mut body = String::new();
    for (campaign, summary) in report.campaigns() {
        if campaign.stages.is_empty() {
            continue;
        }
        if let Some(whole) = &summary.detection {
            body.push_str(&instructions(&campaign.header.build, whole, summary));
        }
        let build = &campaign.header.build;
        let _ = write!(
            body,
            "{}<details><summary>By reason</summary>\n{}</details>\n",
            stages(&format!("{build}: faults seen by stage"), &campaign.stages),
            stages(
                &format!("{build}: faults seen by reason"),
                &campaign.reasons
            )
        );
    }
    if body.is_empty() {
        body.push_str("<p>The runtime saw no fault.</p>\n");
    }
    section_markup(
        "latency",
        "When faults were seen",
        "What the runtime saw, by its stage and by the requests that were answered between the fault and the moment it was seen. Zero means that no reply left in between. Instructions were counted for injections spread evenly over the campaign, by stepping from the strike to the runtime's first instruction of reporting.",
        &body,
    )
}

/// Instructions from fault to detection, all stages together and each.
fn instructions(build: &str, whole: &Order, summary: &CampaignSummary) -> String {
    let mut by_stage: Vec<(&str, &Order)> = summary
        .detection_by_stage
        .iter()
        .map(|(stage, order)| (stage.as_str(), order))
        .collect();
    by_stage.sort_by_key(|(_, order)| std::cmp::Reverse(order.count));
    by_stage.insert(0, ("all stages", whole));
    let rows = by_stage
        .into_iter()
        .map(|(stage, order)| instructions_row(stage, order));
    let mut names: Vec<String> = CLASSES
        .iter()
        .map(|end| format!("\u{2264} {}", count(*end)))
        .collect();
    names.push("more".to_owned());
    names.extend(["half within", "90 % within", "99 % within", "most"].map(str::to_owned));
    let names: String = names
        .iter()
        .map(|name| format!("<th scope=\"col\" class=\"number\">{name}</th>"))
        .collect();
    let head = format!(
        "<tr><th scope=\"col\">seen by</th><th scope=\"col\" class=\"number\">faults</th>{names}</tr>"
    );
    let caption = format!("{build}: instructions from the fault to its detection");
    table("latency", &caption, &head, &rows.collect::<String>())
}

fn instructions_row(stage: &str, order: &Order) -> String {
    let classes = order
        .classes
        .iter()
        .map(|hits| class_cell(*hits, order.count));
    let quantiles = [order.median, order.p90, order.p99, order.most]
        .map(|value| format!("<td class=\"number\">{}</td>", count(value)));
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>{}{}</tr>\n",
        text(stage),
        count(order.count),
        classes.collect::<String>(),
        quantiles.concat()
    )
}

fn stages(caption: &str, stages: &BTreeMap<String, Latency>) -> String {
    let mut stages: Vec<(&String, &Latency)> = stages.iter().collect();
    stages.sort_by_key(|(_, latency)| std::cmp::Reverse(latency.count));
    let total: u64 = stages.iter().map(|(_, latency)| latency.count).sum();
    let rows = stages
        .into_iter()
        .map(|(stage, latency)| row(stage, latency, total));
    table("latency", caption, &head(), &rows.collect::<String>())
}

fn head() -> String {
    let names = class_names().into_iter();
    let names: String = names
        .map(|name| format!("<th scope=\"col\" class=\"number\">{name}</th>"))
        .collect();
    format!(
        "<tr><th scope=\"col\" rowspan=\"2\">seen by</th><th scope=\"col\" rowspan=\"2\" class=\"number\">faults</th><th scope=\"col\" rowspan=\"2\" colspan=\"2\">share</th>\
         <th scope=\"colgroup\" colspan=\"{}\">requests later</th></tr><tr>{names}<th scope=\"col\" class=\"number\">latest</th></tr>",
        LATER_CLASSES.len() + 2
    )
}

fn row(stage: &str, latency: &Latency, total: u64) -> String {
    let share = latency.count as f64 / total as f64 * 100.0;
    let classes = latency
        .later
        .iter()
        .map(|hits| class_cell(*hits, latency.count));
    let name = if stage.is_empty() {
        "(not said)".to_owned()
    } else {
        text(stage)
    };
    format!(
        "<tr><th scope=\"row\">{name}</th><td class=\"number\">{}</td><td class=\"number\">{}\u{a0}%</td>\
         <td class=\"tape\"><svg aria-hidden=\"true\"><rect class=\"o-detected\" width=\"{share:.2}%\" height=\"100%\"/></svg></td>{}<td class=\"number\">{}</td></tr>\n",
        count(latency.count),
        number(share),
        classes.collect::<String>(),
        count(u64::from(latency.latest))
    )
}

fn class_cell(hits: u64, of: u64) -> String {
    let level = match hits as f64 / of.max(1) as f64 {
        0.0 => 0,
        share if share < 0.01 => 1,
        share if share < 0.1 => 2,
        share if share < 0.5 => 3,
        _ => 4,
    };
    format!("<td class=\"number seen{level}\">{}</td>", count(hits))
}

fn class_names() -> Vec<String> {
    let mut names = Vec::new();
    let mut first = 0;
    for end in LATER_CLASSES {
        names.push(if first == end {
            first.to_string()
        } else {
            format!("{first}–{end}")
        });
        first = end + 1;
    }
    names.push(format!("{first} and more"));
    names
}
