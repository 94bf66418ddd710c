//! What was struck: the campaigns' headers and their fault spaces.

use super::markup::{section as section_markup, table, text};
use crate::report::Report;
use crate::report::summary::CampaignSummary;
use crate::report::words::{ZONES, count, policy, zone_name};
use crate::results::{Header, Model, Zone};
use std::fmt::Write;

type Field = fn(&Header) -> String;

const FIELDS: [(&str, Field); 13] = [
    ("target", |header| text(&header.target)),
    ("binary, CRC32C", |header| {
        format!("<code>{:08x}</code>", header.binary_crc)
    }),
    ("kernel", |header| text(&header.kernel)),
    ("processor", |header| text(&header.cpu)),
    ("seed", |header| format!("<code>{}</code>", header.seed)),
    ("bits that flip", |header| header.mask.name().to_owned()),
    ("policy on a fault", |header| text(policy(header))),
    ("trace, CRC32C", |header| {
        format!("<code>{:08x}</code>", header.trace_crc)
    }),
    ("requests struck", |header| {
        count(u64::from(header.requests))
    }),
    ("instructions in them", |header| count(header.instructions)),
    ("injections planned", |header| count(header.injections)),
    ("fault space, points", |header| {
        count(
            header
                .fault_space
                .iter()
                .map(|stratum| stratum.points)
                .sum(),
        )
    }),
    ("schema", |header| header.schema.to_string()),
];

pub(super) fn section(report: &Report) -> String {
    let summaries: Vec<&CampaignSummary> = report
        .campaigns()
        .into_iter()
        .map(|(_, summary)| summary)
        .collect();
    let body = format!(
        "{}<details><summary>Fault space by model and zone</summary>\n{}</details>\n",
        headers(&summaries),
        fault_space(&summaries)
    );
    section_markup(
        "campaigns",
        "What was struck",
        "Binary, trace and seed decide everything: a campaign with the same three gives the same file, byte by byte, on any number of workers.",
        &body,
    )
}

fn headers(summaries: &[&CampaignSummary]) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, cell: &dyn Fn(&CampaignSummary) -> String| {
        let cells: String = summaries
            .iter()
            .map(|summary| format!("<td>{}</td>", cell(summary)))
            .collect();
        let _ = writeln!(rows, "<tr><th scope=\"row\">{name}</th>{cells}</tr>");
    };
    row("result file", &|summary| {
        format!("<code>{}</code>", text(&summary.file))
    });
    row("injections made", &|summary| count(summary.injections));
    for (name, field) in FIELDS {
        row(name, &|summary| field(&summary.header));
    }
    let builds: String = summaries
        .iter()
        .map(|summary| format!("<th scope=\"col\">{}</th>", text(&summary.header.build)))
        .collect();
    table(
        "facts",
        "Campaigns",
        &format!("<tr><td></td>{builds}</tr>"),
        &rows,
    )
}

fn fault_space(summaries: &[&CampaignSummary]) -> String {
    let builds: String = summaries
        .iter()
        .map(|summary| {
            let build = &summary.header.build;
            format!("<th scope=\"col\" class=\"number\">{build}: points</th><th scope=\"col\" class=\"number\">injections</th>")
        })
        .collect();
    let mut rows = String::new();
    for model in Model::ALL {
        for zone in ZONES {
            if summaries
                .iter()
                .any(|summary| summary.stratum(model, zone).is_some())
            {
                let cells: String = summaries
                    .iter()
                    .map(|summary| stratum(summary, model, zone))
                    .collect();
                let _ = writeln!(
                    rows,
                    "<tr><th scope=\"row\">{}</th><td>{}</td>{cells}</tr>",
                    model.name(),
                    zone_name(zone)
                );
            }
        }
    }
    let head = format!("<tr><th scope=\"col\">model</th><th scope=\"col\">zone</th>{builds}</tr>");
    table("", "Fault space by model and zone", &head, &rows)
}

fn stratum(summary: &CampaignSummary, model: Model, zone: Zone) -> String {
    match summary.stratum(model, zone) {
        Some(entry) => format!(
            "<td class=\"number\">{}</td><td class=\"number\">{}</td>",
            count(entry.stratum.points),
            count(entry.outcomes.injections())
        ),
        None => "<td class=\"none number\">–</td><td class=\"none number\">–</td>".to_owned(),
    }
}
