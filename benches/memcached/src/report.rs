//! Tables, JSON and charts.

pub(crate) mod progress;

mod chart;
mod table;

use crate::failure::Failure;
use crate::options::Options;
use crate::summary::Summary;

/// Shows the results as asked for.
pub(crate) fn write(options: &Options, summary: &Summary) -> Result<(), Failure> {
    if options.json {
        let text = serde_json::to_string_pretty(summary);
        println!("{}", text.expect("plain numbers always serialise"));
    } else {
        print!("{}", table::render(summary));
    }
    match &options.svg {
        Some(directory) => chart::write(summary, directory),
        None => Ok(()),
    }
}
