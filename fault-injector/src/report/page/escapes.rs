//! Every escape with all that is known of it and the command that repeats it.

use super::markup::{section as section_markup, text};
use crate::report::Report;
use crate::report::campaign::Campaign;
use crate::report::words::{count, replay_command, zone_name};
use crate::results::Record;
use crate::statistics::tally::outcome_name;
use std::fmt::Write;

pub(super) fn section(report: &Report, plain_escapes_max: usize) -> String {
    let mut body = String::new();
    // The hardened build's are the ones to be explained.
    for (campaign, _) in report.campaigns().into_iter().rev() {
        let build = &campaign.header.build;
        let all = campaign.escapes.len();
        let shown = if build == "plain" {
            all.min(plain_escapes_max)
        } else {
            all
        };
        let list = match all {
            0 => "<p class=\"good\">None.</p>\n".to_owned(),
            _ => list(campaign, shown, build == "plain"),
        };
        let _ = write!(
            body,
            "<h3>{build}: {}</h3>\n{}{list}",
            count(all as u64),
            rest(campaign, shown)
        );
    }
    section_markup(
        "escapes",
        "Escapes",
        "Each injection that nobody was told of: a wrong reply with a valid checksum, or a wrong state behind right replies. The command repeats it; add <code>--trace</code> and <code>--program</code> if the campaign was run with them.",
        &body,
    )
}

fn rest(campaign: &Campaign, shown: usize) -> String {
    if shown == campaign.escapes.len() {
        return String::new();
    }
    format!(
        "<p>The first {} are listed. <code>asc-inject report --plain-escapes {}</code> lists all; each is a line of {} with the outcome <code>sdc</code> or <code>latent-sdc</code>.</p>\n",
        count(shown as u64),
        campaign.escapes.len(),
        text(&campaign.file)
    )
}

fn list(campaign: &Campaign, shown: usize, folded: bool) -> String {
    let escapes: String = campaign
        .escapes
        .iter()
        .take(shown)
        .map(|record| escape(campaign, record))
        .collect();
    let list = format!("<div class=\"escapes\">\n{escapes}</div>\n");
    if folded {
        format!(
            "<details><summary>Show {}</summary>\n{list}</details>\n",
            count(shown as u64)
        )
    } else {
        list
    }
}

fn escape(campaign: &Campaign, record: &Record) -> String {
    let entries: String = entries(record)
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>"))
        .collect();
    let build = &campaign.header.build;
    format!(
        "<article id=\"{build}-{id}\"><h4><a href=\"#{build}-{id}\">#{id}</a> {}</h4><dl>{entries}</dl><pre><code>{}</code></pre></article>\n",
        outcome_name(record.outcome),
        text(&replay_command(campaign, record)),
        id = record.id,
    )
}

fn entries(record: &Record) -> [(&'static str, String); 7] {
    let code = |words: &str| format!("<code>{}</code>", text(words));
    let line = match record.line.as_str() {
        "" => "not known".to_owned(),
        line => code(line),
    };
    let instruction = format!("{:#x}: {}", record.address, record.text);
    let when = format!(
        "request {}, instruction {}, seen {} requests later",
        record.request,
        count(record.instruction),
        count(u64::from(record.requests_later))
    );
    [
        (
            "model",
            format!("{} in {}", record.model.name(), zone_name(record.zone)),
        ),
        ("line", line),
        ("function", code(&record.symbol)),
        ("instruction", code(&instruction)),
        (
            "struck",
            format!("{}, {}", code(&record.place), bits(record.mask)),
        ),
        ("when", when),
        ("result", text(&record.detail)),
    ]
}

fn bits(mask: u64) -> String {
    let bits: Vec<String> = (0..u64::BITS)
        .filter(|bit| mask >> bit & 1 == 1)
        .map(|bit| bit.to_string())
        .collect();
    match bits.len() {
        0 => "no bit".to_owned(),
        1 => format!("bit {}", bits[0]),
        _ => format!("bits {} (mask {mask:#x})", bits.join(", ")),
    }
}
