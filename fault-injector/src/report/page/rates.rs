//! Undetected rates by model on one logarithmic scale.

use super::log_scale::LogScale;
use super::markup::section as section_markup;
use crate::report::Report;
use crate::report::words::rate as rate_words;
use crate::results::Model;
use std::fmt::Write;

pub(super) fn section(report: &Report) -> String {
    let campaigns = report.campaigns();
    let entries = campaigns.iter().flat_map(|(_, summary)| &summary.models);
    let ends = entries.flat_map(|entry| {
        let rate = &entry.undetected;
        [rate.interval.low, rate.interval.high, rate.rate]
    });
    let scale = LogScale::holding(ends);
    let mut rows = String::new();
    for model in Model::ALL {
        let present = campaigns.iter().filter_map(|(campaign, summary)| {
            Some((campaign.header.build.as_str(), summary.model(model)?))
        });
        for (index, (build, entry)) in present.enumerate() {
            let name = if index == 0 { model.name() } else { "" };
            let _ = writeln!(
                rows,
                "<span class=\"name\">{name}</span><span class=\"build\">{build}</span>{}<span class=\"value\">{}</span>",
                scale.row(
                    build,
                    &format!("{} {build}", model.name()),
                    &entry.undetected,
                    entry.undetected.interval
                ),
                rate_words(&entry.undetected)
            );
        }
    }
    section_markup(
        "rates",
        "Undetected rate by model",
        "Weighted over the zones of the code, with the conservative 95\u{a0}% interval, on a logarithmic scale. Hollow: plain. Filled: hardened. A line without a dot: nothing was seen, the rate may be anything up to its end.",
        &format!(
            "<div class=\"ranges models\">\n{rows}<span></span><span></span>{}<span></span>\n</div>\n",
            scale.axis()
        ),
    )
}
