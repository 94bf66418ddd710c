//! A result file, read once from front to back into counts; only escapes are kept whole.
//!
//! 1. The header says what was planned. Its schema is checked before anything else in it.
//! 2. Each record must be of a stratum of the header, with an identifier of its own, and there may be
//!    no more than were planned.
//! 3. A file that ends within a line was cut off. One that ends early between lines belongs to a
//!    campaign that is still running or was stopped: it is shown, and shown as incomplete.

use super::error::ReportError;
use crate::program::Build;
use crate::results::{Backend, Header, Model, Outcome, Record, SCHEMA, Stratum, Zone};
use crate::statistics::group::Group;
use crate::statistics::tally::{Tally, is_undetected};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The longest line of a result file.
pub const LINE_BYTES_MAX: u64 = 1 << 20;

/// Bits of the widest mask.
pub const BITS: usize = 64;

/// Upper ends of the classes of [`Latency`], in requests; the last class has none.
pub const LATER_CLASSES: [u32; 5] = [0, 1, 3, 15, 255];

/// A campaign, counted.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The file it was read from.
    pub file: String,
    /// What was planned.
    pub header: Header,
    /// All outcomes.
    pub total: Tally,
    /// Outcomes by model and zone; every stratum of the header has an entry.
    pub strata: BTreeMap<(Model, Zone), Tally>,
    /// Outcomes of faults that strike an instruction, by source line, or by function where debug
    /// information has no line.
    pub lines: BTreeMap<String, Tally>,
    /// Outcomes of the same faults by flipped bit; a mask of several bits counts for each.
    pub bits: [Tally; BITS],
    /// What the runtime saw, by its stage: the detail's part before a colon.
    pub stages: BTreeMap<String, Latency>,
    /// The same by the whole detail.
    pub reasons: BTreeMap<String, Latency>,
    /// Instructions from fault to detection, where they were counted, by stage.
    pub instructions: BTreeMap<String, Vec<u64>>,
    /// The injections that nobody was told of, in the order of the file.
    pub escapes: Vec<Record>,
}

/// When the runtime saw what one of its stages saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Faults seen.
    pub count: u64,
    /// By requests answered between the struck one and the detection; see [`LATER_CLASSES`].
    pub later: [u64; LATER_CLASSES.len() + 1],
    /// The latest, in requests.
    pub latest: u32,
}

impl Latency {
    fn add(&mut self, requests_later: u32) {
        let class = LATER_CLASSES
            .iter()
            .position(|end| requests_later <= *end)
            .unwrap_or(LATER_CLASSES.len());
        self.count += 1;
        self.later[class] += 1;
        self.latest = self.latest.max(requests_later);
    }
}

impl Campaign {
    /// Reads a result file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is not what this version writes, with file and line.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
        Self::from_lines(&name, BufReader::new(file))
    }

    /// Reads the lines of a result file; `file` is its name in errors and commands.
    ///
    /// # Errors
    ///
    /// As [`Campaign::read`].
    pub fn from_lines(file: &str, lines: impl BufRead) -> Result<Self, ReportError> {
        let mut lines = Lines {
            file,
            number: 0,
            source: lines,
        };
        let Some(first) = lines.next_line()? else {
            return Err(ReportError::file(
                file,
                "a header line and records",
                "an empty file",
                "run the campaign again: `asc-inject run` writes the header before anything else",
            ));
        };
        let mut campaign = Self::begin(file, header(file, &first)?);
        let mut seen = HashSet::new();
        while let Some(line) = lines.next_line()? {
            let record: Record = serde_json::from_slice(&line)
                .map_err(|error| malformed(file, lines.number, "a record", &error))?;
            campaign.check(&record, lines.number, &mut seen)?;
            campaign.count(record);
        }
        Ok(campaign)
    }

    /// Whether all planned injections are there.
    pub fn is_complete(&self) -> bool {
        self.total.injections() == self.header.injections
    }

    fn begin(file: &str, header: Header) -> Self {
        let strata = header
            .fault_space
            .iter()
            .map(|stratum| ((stratum.model, stratum.zone), Tally::default()))
            .collect();
        Self {
            file: file.to_owned(),
            header,
            total: Tally::default(),
            strata,
            lines: BTreeMap::new(),
            bits: [Tally::default(); BITS],
            stages: BTreeMap::new(),
            instructions: BTreeMap::new(),
            reasons: BTreeMap::new(),
            escapes: Vec::new(),
        }
    }

    fn check(
        &self,
        record: &Record,
        line: u64,
        seen: &mut HashSet<u64>,
    ) -> Result<(), ReportError> {
        let error = |wanted: String, found: String| {
            let next_step = "the file was changed, or put together from several campaigns: run the campaign again";
            Err(ReportError::line(
                &self.file, line, wanted, found, next_step,
            ))
        };
        let planned = self.header.injections;
        if record.id >= planned {
            return error(
                format!("an id below the {planned} planned injections"),
                format!("{}", record.id),
            );
        }
        if !seen.insert(record.id) {
            return error("each id once".to_owned(), format!("{} again", record.id));
        }
        let (model, zone) = (record.model, record.zone);
        let stratum = |stratum: &&Stratum| (stratum.model, stratum.zone) == (model, zone);
        let Some(stratum) = self.header.fault_space.iter().find(stratum) else {
            return error(
                "a stratum of the header".to_owned(),
                format!("{} in {zone:?}", model.name()),
            );
        };
        let drawn_by_stratum = self.header.backend == Backend::Replay;
        if drawn_by_stratum && self.strata[&(model, zone)].injections() >= stratum.injections {
            return error(
                format!(
                    "{} injections of {} in {zone:?}",
                    stratum.injections,
                    model.name()
                ),
                "one more".to_owned(),
            );
        }
        Ok(())
    }

    fn count(&mut self, record: Record) {
        let outcome = record.outcome;
        self.total.add(outcome);
        self.strata
            .entry((record.model, record.zone))
            .or_default()
            .add(outcome);
        if Group::of(record.model).strikes_instruction() {
            self.lines.entry(place(&record)).or_default().add(outcome);
            for (bit, tally) in self.bits.iter_mut().enumerate() {
                if record.mask >> bit & 1 == 1 {
                    tally.add(outcome);
                }
            }
        }
        if matches!(outcome, Outcome::Detected | Outcome::Corrected) {
            let stage = record.detail.split(':').next().unwrap_or_default();
            if let Some(count) = record.instructions_later {
                let counts = self.instructions.entry(stage.to_owned()).or_default();
                counts.push(count);
            }
            let stage = self.stages.entry(stage.to_owned()).or_default();
            stage.add(record.requests_later);
            let reason = self.reasons.entry(record.detail.clone()).or_default();
            reason.add(record.requests_later);
        }
        if is_undetected(outcome) {
            self.escapes.push(record);
        }
    }

    pub(super) fn require_build(&self, wanted: &[Build]) -> Result<(), ReportError> {
        let names: Vec<&str> = wanted.iter().map(|build| build.name()).collect();
        if names.contains(&self.header.build.as_str()) {
            return Ok(());
        }
        Err(ReportError::line(
            &self.file,
            1,
            format!("a campaign against the {} build", names.join(" or ")),
            format!("one against the '{}' build", self.header.build),
            "give each file with the option of its build: --plain, or --hardened, which takes crc too",
        ))
    }

    pub(super) fn require_same_mask(&self, other: &Self) -> Result<(), ReportError> {
        let (mask, others) = (self.header.mask.name(), other.header.mask.name());
        if mask == others {
            return Ok(());
        }
        Err(ReportError::line(
            &other.file,
            1,
            format!("the same mask as in {}: {mask}", self.file),
            others,
            "compare campaigns with the same --mask, or report each on its own",
        ))
    }

    pub(super) fn require_same_requests(&self, other: &Self) -> Result<(), ReportError> {
        let requests = |campaign: &Self| {
            let Header {
                target,
                trace_crc,
                requests,
                backend,
                ..
            } = &campaign.header;
            match backend {
                Backend::Replay => {
                    format!("target '{target}' with {requests} requests of trace {trace_crc:#010x}")
                }
                Backend::Live => format!("server '{target}' with script {trace_crc:#010x}"),
            }
        };
        if requests(self) == requests(other) {
            return Ok(());
        }
        Err(ReportError::line(
            &other.file,
            1,
            format!("the same as in {}: {}", self.file, requests(self)),
            requests(other),
            "compare campaigns of one target over one trace, or report each on its own",
        ))
    }
}

/// The source line; without debug information the function.
fn place(record: &Record) -> String {
    if !record.line.is_empty() {
        return record.line.clone();
    }
    let function = record.symbol.split('+').next().unwrap_or_default();
    match function {
        "" => "(unknown)".to_owned(),
        function => format!("({function})"),
    }
}

fn header(file: &str, line: &[u8]) -> Result<Header, ReportError> {
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| malformed(file, 1, "a header", &error))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema == u64::from(SCHEMA) => {}
        found => {
            return Err(ReportError::line(
                file,
                1,
                format!("a header of schema {SCHEMA}"),
                found.map_or("none".to_owned(), |schema| format!("schema {schema}")),
                "report with the asc-inject that ran the campaign, or run it again with this one",
            ));
        }
    }
    let header: Header =
        serde_json::from_value(value).map_err(|error| malformed(file, 1, "a header", &error))?;
    let mut strata = HashSet::new();
    let doubled = |stratum: &&Stratum| !strata.insert((stratum.model, stratum.zone));
    match header.fault_space.iter().find(doubled) {
        None => Ok(header),
        Some(stratum) => Err(ReportError::line(
            file,
            1,
            "each stratum once",
            format!("{} in {:?} again", stratum.model.name(), stratum.zone),
            "run the campaign again",
        )),
    }
}

struct Lines<'a, R> {
    file: &'a str,
    number: u64,
    source: R,
}

impl<R: BufRead> Lines<'_, R> {
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReportError> {
        let mut line = Vec::new();
        self.source
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(self.file, &error))?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            return Ok(Some(line));
        }
        Err(if line.len() as u64 == LINE_BYTES_MAX {
            ReportError::line(
                self.file,
                self.number,
                format!("a line of less than {LINE_BYTES_MAX} bytes"),
                "a longer one",
                "give a result file as `asc-inject run` writes it: JSON Lines",
            )
        } else {
            ReportError::line(
                self.file,
                self.number,
                "a whole line",
                "the end of the file in its middle",
                format!(
                    "the file was cut off: copy it again, or resume the campaign; to report on what is whole, \
                     keep the first {} lines",
                    self.number - 1
                ),
            )
        })
    }
}

fn malformed(file: &str, line: u64, wanted: &str, error: &serde_json::Error) -> ReportError {
    ReportError::line(
        file,
        line,
        format!("{wanted} as JSON"),
        error.to_string(),
        "give a result file as `asc-inject run` writes it; a damaged one must be run again",
    )
}

fn unreadable(file: &str, error: &std::io::Error) -> ReportError {
    ReportError::file(
        file,
        "a result file",
        error.to_string(),
        "check the path and its permissions; `asc-inject run` writes the file",
    )
}
