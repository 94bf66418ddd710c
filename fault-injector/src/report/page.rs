//! The page: one HTML file with its style and its figures inside, which loads nothing.
//!
//! It is written as well-formed XML, so that a test can parse it. Everything from a result file passes
//! [`markup::text`]. Figures are SVG with horizontal lengths in percent, so that they fill any width
//! while text keeps its size; each stands beside a table or direct labels with the same numbers.
//!
//! 1. The headline: what goes unseen, plain and hardened, and the factor between.
//! 2. Where it comes from: outcomes by model, rates by model, model x zone, source lines, bits.
//! 3. When it is seen: the runtime's stages.
//! 4. Every escape, with the command that repeats it.
//! 5. What was struck, and how the numbers were made.

mod bits;
mod campaigns;
mod escapes;
mod headline;
mod latency;
mod lines;
mod log_scale;
mod markup;
mod matrix;
mod methods;
mod outcomes;
mod rates;

use super::Report;
use markup::text;

pub(super) fn html(report: &Report, plain_escapes_max: usize) -> String {
    let target = report
        .campaigns()
        .first()
        .map_or(String::new(), |(campaign, _)| text(&campaign.header.target));
    let sections = [
        headline::section(report),
        outcomes::section(report),
        rates::section(report),
        matrix::section(report),
        lines::section(report),
        bits::section(report),
        latency::section(report),
        escapes::section(report, plain_escapes_max),
        campaigns::section(report),
        methods::section(),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>Fault injection: {target}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        include_str!("page/style.css"),
        sections.concat()
    )
}
