//! `asc-inject report`: one or two result files become a page, a table and JSON.
//!
//! 1. Both files are read before anything is written.
//! 2. The page and the JSON are written where the options say; the table goes to standard output.

use crate::failure::{Failure, Result};
use crate::report::campaign::Campaign;
use crate::report::{PLAIN_ESCAPES_MAX, Report, ReportError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `asc-inject report`.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Results of a campaign against the plain build.
    #[arg(long, value_name = "FILE")]
    pub plain: Option<PathBuf>,
    /// Results of a campaign against the hardened build, with line codes (`--build crc`) or without.
    #[arg(long, value_name = "FILE")]
    pub hardened: Option<PathBuf>,
    /// Write the page here: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the numbers here as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Escapes of the plain build that the page lists; those of the hardened build are all listed.
    #[arg(long, value_name = "COUNT", default_value_t = PLAIN_ESCAPES_MAX)]
    pub plain_escapes: usize,
}

/// Reads the result files, writes the report and prints the table.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let read = |path: &Option<PathBuf>| {
        path.as_deref()
            .map(Campaign::read)
            .transpose()
            .map_err(ReportError::into_failure)
    };
    let (plain, hardened) = (read(&arguments.plain)?, read(&arguments.hardened)?);
    let report = Report::new(plain, hardened).map_err(ReportError::into_failure)?;
    if let Some(path) = &arguments.out {
        write(path, &report.html(arguments.plain_escapes))?;
    }
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(report.summary()).map_err(|error| {
            Failure::new(
                "the summary as JSON",
                error.to_string(),
                "report this as a defect of asc-inject",
            )
        })?;
        write(path, &format!("{json}\n"))?;
    }
    print!("{}", report.table());
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::file("to write the report", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Header, Model, SCHEMA, Stratum, Zone};

    fn header(build: &str) -> String {
        let header = Header {
            schema: SCHEMA,
            target: "cache".to_owned(),
            build: build.to_owned(),
            backend: crate::results::Backend::Replay,
            binary_crc: 1,
            kernel: "6.18".to_owned(),
            cpu: "some".to_owned(),
            seed: 1,
            mask: crate::results::MaskKind::Single,
            on_fault: None,
            trace_crc: 2,
            requests: 3,
            latency_every: 0,
            instructions: 4,
            injections: 5,
            fault_space: vec![Stratum {
                model: Model::Flags,
                zone: Zone::Libc,
                points: 6,
                injections: 5,
            }],
        };
        serde_json::to_string(&header).unwrap() + "\n"
    }

    #[test]
    fn page_and_summary_are_written_where_the_options_say() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("plain.jsonl"), header("plain")).unwrap();
        let arguments = Arguments {
            plain: Some(file("plain.jsonl")),
            hardened: None,
            out: Some(file("report.html")),
            json: Some(file("summary.json")),
            plain_escapes: 0,
        };
        run(&arguments).unwrap();
        let page = std::fs::read_to_string(file("report.html")).unwrap();
        assert!(page.contains("is incomplete: 0 of 5 planned injections"));
        let summary = std::fs::read(file("summary.json")).unwrap();
        let summary: crate::report::summary::Summary = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary.plain.unwrap().header.fault_space[0].points, 6);
        let nowhere = Arguments {
            out: Some(file("no folder/report.html")),
            ..arguments.clone()
        };
        let error = run(&nowhere).unwrap_err().to_string();
        assert!(error.contains("to write the report"), "{error}");
        let nothing = Arguments {
            plain: None,
            ..arguments
        };
        let error = run(&nothing).unwrap_err().to_string();
        assert!(
            error.contains("neither a plain nor a hardened one"),
            "{error}"
        );
    }
}
