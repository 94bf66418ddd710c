//! When the runtime saw a fault: its stage, and how many requests later.

use super::markup::{section as section_markup, table, text};
use crate::report::Report;
use crate::report::campaign::{Campaign, LATER_CLASSES, Latency};
use crate::report::words::{count, number};
use std::fmt::Write;

pub(super) fn section(report: &Report) -> String {
    let campaigns = report.campaigns();
    let seen = campaigns
        .iter()
        .filter(|(campaign, _)| !campaign.stages.is_empty());
    let tables: String = seen.map(|(campaign, _)| stages(campaign)).collect();
    let body = if tables.is_empty() {
        "<p>The runtime saw no fault: these builds have nothing that looks for one.</p>\n"
            .to_owned()
    } else {
        tables
    };
    section_markup(
        "latency",
        "When faults were seen",
        "What the runtime saw, by its stage and by the requests that were answered between the fault and the moment it was seen. Zero means that no reply left in between.",
        &body,
    )
}

fn stages(campaign: &Campaign) -> String {
    let mut stages: Vec<(&String, &Latency)> = campaign.stages.iter().collect();
    stages.sort_by_key(|(_, latency)| std::cmp::Reverse(latency.count));
    let total: u64 = stages.iter().map(|(_, latency)| latency.count).sum();
    let mut rows = String::new();
    for (stage, latency) in stages {
        let classes = latency
            .later
            .iter()
            .map(|hits| class_cell(*hits, latency.count));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}\u{a0}%</td>\
             <td class=\"tape\"><svg aria-hidden=\"true\"><rect class=\"o-detected\" width=\"{:.2}%\" height=\"100%\"/></svg></td>{}<td class=\"number\">{}</td></tr>",
            if stage.is_empty() {
                "(not said)".to_owned()
            } else {
                text(stage)
            },
            count(latency.count),
            number(latency.count as f64 / total as f64 * 100.0),
            latency.count as f64 / total as f64 * 100.0,
            classes.collect::<String>(),
            count(u64::from(latency.latest))
        );
    }
    let names: String = class_names()
        .into_iter()
        .map(|name| format!("<th scope=\"col\" class=\"number\">{name}</th>"))
        .collect();
    let head = format!(
        "<tr><th scope=\"col\" rowspan=\"2\">stage</th><th scope=\"col\" rowspan=\"2\" class=\"number\">faults seen</th><th scope=\"col\" rowspan=\"2\" colspan=\"2\">share of all seen</th>\
         <th scope=\"colgroup\" colspan=\"{}\">requests later</th></tr><tr>{names}<th scope=\"col\" class=\"number\">latest</th></tr>",
        LATER_CLASSES.len() + 2
    );
    table(
        "latency",
        &format!("{}: faults seen by stage", campaign.header.build),
        &head,
        &rows,
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
