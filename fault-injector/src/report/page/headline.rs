//! The answer first: what goes unseen, plain beside hardened.

use super::log_scale::LogScale;
use super::markup::text;
use crate::report::Report;
use crate::report::campaign::Campaign;
use crate::report::summary::{CampaignSummary, GroupSummary};
use crate::report::words::{count, factor, factor_interval, number, per_request, percents, rate};
use crate::results::{Backend, Outcome};
use crate::statistics::group::Group;
use crate::statistics::stratified::Rate;
use crate::statistics::tally::outcome_name;

pub(super) fn section(report: &Report) -> String {
    let campaigns = report.campaigns();
    let target = campaigns
        .first()
        .map_or(String::new(), |(campaign, _)| text(&campaign.header.target));
    let group = report.summary().headline();
    let warnings: String = campaigns
        .iter()
        .map(|(campaign, summary)| incomplete(campaign, summary))
        .collect();
    format!(
        "<header>\n<p class=\"kicker\">Fault-injection campaign</p>\n<h1>{target}</h1>\n<p class=\"lead\">{}</p>\n</header>\n{warnings}\
         <section aria-label=\"Headline\">\n<h2 class=\"quiet\">Undetected: {}</h2>\n<div class=\"cards\">\n{}{}</div>\n{}{}</section>\n",
        lead(&campaigns),
        group.description(),
        cards(report, group),
        gain(report, group),
        ranges(report, group),
        others(report, group),
    )
}

fn lead(campaigns: &[(&Campaign, &CampaignSummary)]) -> String {
    let parts: Vec<String> = campaigns
        .iter()
        .map(|(campaign, summary)| {
            format!(
                "{} faults injected into the {} build",
                count(summary.injections),
                campaign.header.build
            )
        })
        .collect();
    let requests = campaigns
        .first()
        .map_or(0, |(campaign, _)| campaign.header.requests);
    let live = campaigns
        .iter()
        .any(|(campaign, _)| campaign.header.backend == Backend::Live);
    let meanwhile = match live {
        true => "one in each life of the server, while clients checked its every reply".to_owned(),
        false => format!(
            "while it answered {} recorded requests",
            count(u64::from(requests))
        ),
    };
    format!("{}, {meanwhile}.", parts.join(" and "))
}

fn incomplete(campaign: &Campaign, summary: &CampaignSummary) -> String {
    if summary.complete {
        return String::new();
    }
    format!(
        "<p class=\"warning\" role=\"note\">The {} campaign is incomplete: {} of {} planned injections are in {}. Its intervals say so; resume it with <code>asc-inject run</code>.</p>\n",
        campaign.header.build,
        count(summary.injections),
        count(campaign.header.injections),
        text(&campaign.file)
    )
}

fn cards(report: &Report, group: Group) -> String {
    let card = |(campaign, summary): (&Campaign, &CampaignSummary)| {
        let entry = summary.group(group)?;
        Some(format!(
            "<div class=\"card {0}\">\n<p class=\"label\">{0}</p>\n<p class=\"big\">{1}</p>\n<p class=\"small\">undetected, 95\u{a0}% interval<br/>{2}</p>\n{3}</div>\n",
            campaign.header.build,
            rate(&entry.undetected),
            percents(entry.undetected.interval),
            split(entry),
        ))
    };
    report.campaigns().into_iter().filter_map(card).collect()
}

fn split(entry: &GroupSummary) -> String {
    let value = &entry.sdc_per_request;
    let (words, interval) = per_request(value);
    let per_request = format!("{words}<br/><span class=\"small\">{interval}</span>");
    let rule = entry.rule_of_three.map_or(String::new(), |limit| {
        format!(
            "<dt>rule of three</dt><dd>3 / n = {}\u{a0}%</dd>",
            number(limit * 100.0)
        )
    });
    let beside = |name: &str, value: &Option<Rate>| {
        value.as_ref().map_or(String::new(), |value| {
            format!(
                "<dt>{name}</dt><dd>{}<br/><span class=\"small\">{}</span></dd>",
                rate(value),
                percents(value.interval)
            )
        })
    };
    let outside = beside("around handlers", &entry.outside);
    let everywhere = beside("all code", &entry.everywhere);
    format!(
        "<dl><dt>{}</dt><dd>{}</dd><dt>{}</dt><dd>{}</dd><dt>injections</dt><dd>{}</dd>{rule}<dt>SDC per request</dt><dd>{per_request}</dd>\
         <dt>faults per request</dt><dd>{}</dd>{outside}{everywhere}</dl>\n",
        outcome_name(Outcome::Sdc),
        count(entry.outcomes.sdc),
        outcome_name(Outcome::LatentSdc),
        count(entry.outcomes.latent_sdc),
        count(entry.undetected.injections),
        number(value.points),
    )
}

fn gain(report: &Report, group: Group) -> String {
    let Some(improvement) = report.summary().improvement_of(group) else {
        return String::new();
    };
    let (by_rate, by_request) = (&improvement.undetected_rate, &improvement.sdc_per_request);
    format!(
        "<div class=\"card gain\">\n<p class=\"label\">gain per request</p>\n<p class=\"big\">{}</p>\n<p class=\"small\">fewer undetected faults in a request, 95\u{a0}% interval<br/>{}</p>\n\
         <dl><dt>gain per fault</dt><dd>{}</dd><dt>its interval</dt><dd>{}</dd></dl>\n\
         <p class=\"small\">A hardened request executes more instructions, so there is more to strike: the gain per request counts that, the gain per fault does not.</p>\n</div>\n",
        factor(by_request),
        factor_interval(by_request),
        factor(by_rate),
        factor_interval(by_rate)
    )
}

fn ranges(report: &Report, group: Group) -> String {
    let campaigns = report.campaigns();
    let entries: Vec<_> = campaigns
        .iter()
        .filter_map(|(campaign, summary)| {
            Some((campaign.header.build.as_str(), summary.group(group)?))
        })
        .collect();
    let ends = entries.iter().flat_map(|(_, entry)| {
        let rate = &entry.undetected;
        [rate.interval.low, rate.interval.high, rate.rate]
    });
    let scale = LogScale::holding(ends);
    let rows: String = entries
        .iter()
        .map(|(build, entry)| {
            let rate = &entry.undetected;
            format!(
                "<span class=\"name\">{build}</span>{}\n",
                scale.row(build, build, rate, rate.interval)
            )
        })
        .collect();
    format!(
        "<div class=\"ranges\">\n{rows}<span></span>{}\n</div>\n",
        scale.axis()
    )
}

/// The other groups, one line each: their faults are not what the headline is about.
fn others(report: &Report, headline: Group) -> String {
    let campaigns = report.campaigns();
    let item = |group: Group| {
        let parts: Vec<String> = campaigns
            .iter()
            .filter_map(|(campaign, summary)| {
                let entry = summary.group(group)?;
                let rate_words = rate(&entry.undetected);
                Some(format!(
                    "{} {rate_words} <span class=\"small\">({})</span>",
                    campaign.header.build,
                    percents(entry.undetected.interval)
                ))
            })
            .collect();
        let words = group.description();
        (!parts.is_empty()).then(|| {
            format!(
                "<li><span class=\"name\">{words}:</span> {}</li>\n",
                parts.join(", ")
            )
        })
    };
    let items: String = Group::ALL
        .into_iter()
        .filter(|group| *group != headline)
        .filter_map(item)
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!("<h3>Undetected outside of this headline</h3>\n<ul class=\"others\">\n{items}</ul>\n")
}
