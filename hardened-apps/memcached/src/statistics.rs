//! What `stats` answers.
//!
//! The numbers are gathered outside of any handler, because they come from all shards, from the
//! process and from the runtime. Writing them is a handler like every other answer.

use std::borrow::Cow;

use asc_runtime::{Input, Output, asc_handler};

use crate::cache::counters::Counters;
use crate::cache::shard::Usage;
use crate::protocol::binary::{Request, ResponseHeader, Status};
use crate::protocol::reply;

/// A line: `STAT <name> <value>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistic {
    name: Cow<'static, str>,
    value: String,
}

impl Statistic {
    /// A line with this name and value.
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        Self {
            name: name.into(),
            value: value.to_string(),
        }
    }
}

impl Statistic {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Writes a reply that the server has chosen.
#[asc_handler]
pub fn write_reply(text: &[u8], output: &mut Output) {
    output.write(text);
}

/// Writes the lines and `END`.
#[asc_handler]
pub fn write_statistics(lines: &[Statistic], output: &mut Output) {
    for line in lines {
        output.write(b"STAT ");
        output.write(line.name.as_bytes());
        output.write(b" ");
        output.write(line.value.as_bytes());
        output.write(b"\r\n");
    }
    output.write(reply::END);
}

/// Writes a packet of the binary protocol for each line, and an empty one, in answer to `request`.
#[asc_handler]
pub fn write_statistics_binary(request: &Input<'_>, lines: &[Statistic], output: &mut Output) {
    let Ok(request) = Request::parse(request.bytes()) else {
        return;
    };
    let end = Statistic::new("", "");
    for line in lines.iter().chain([&end]) {
        let header = ResponseHeader {
            opcode: request.opcode,
            status: Status::Success,
            opaque: request.opaque,
            cas: 0,
            extras_length: 0,
            key_length: line.name.len() as u16,
            body_length: (line.name.len() + line.value.len()) as u32,
        };
        output.write(&header.bytes());
        output.write(line.name.as_bytes());
        output.write(line.value.as_bytes());
    }
}

/// The work of the hardening so far: `stats asc`.
pub fn hardening() -> Vec<Statistic> {
    let done = asc_runtime::statistics();
    vec![
        Statistic::new("asc_mode", asc_runtime::mode().name()),
        Statistic::new("asc_handlers", done.handlers),
        Statistic::new("asc_runs", done.runs),
        Statistic::new("asc_faults", done.faults),
        Statistic::new("asc_retried", done.retried),
        Statistic::new("asc_log_bytes_max", done.log_bytes_max),
        Statistic::new("asc_protected_bytes", done.integrity.protected_bytes),
        Statistic::new("asc_lines", done.integrity.lines),
        Statistic::new("asc_corrected_bits", done.integrity.corrected_bits),
        Statistic::new("asc_scrub_passes", done.integrity.scrub_passes),
        Statistic::new("asc_scrub_bytes", done.integrity.scrub_bytes),
    ]
}

/// The cache's part of `stats`.
pub(crate) fn cache(counters: &Counters, usage: &Usage) -> Vec<Statistic> {
    let mut lines: Vec<Statistic> = counters
        .named()
        .into_iter()
        .map(|(name, value)| Statistic::new(name, value))
        .collect();
    lines.extend([
        Statistic::new("limit_maxbytes", usage.bytes_max),
        Statistic::new("bytes", usage.bytes),
        Statistic::new("curr_items", usage.items),
        Statistic::new("hash_power_level", usage.buckets.max(1).ilog2()),
        Statistic::new("hash_bytes", usage.buckets * size_of::<u32>() as u64),
        Statistic::new("hash_is_expanding", 0),
    ]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_memcacheds_form() {
        let mut output = Output::new();
        write_statistics(
            &[Statistic::new("a", 1), Statistic::new("b", "two")],
            &mut output,
        );
        assert_eq!(output.bytes(), b"STAT a 1\r\nSTAT b two\r\nEND\r\n");
    }

    #[test]
    fn the_hardening_reports_its_lines() {
        let lines = hardening();
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "asc_mode",
                "asc_handlers",
                "asc_runs",
                "asc_faults",
                "asc_retried",
                "asc_log_bytes_max",
                "asc_protected_bytes",
                "asc_lines",
                "asc_corrected_bits",
                "asc_scrub_passes",
                "asc_scrub_bytes"
            ]
        );
    }
}
