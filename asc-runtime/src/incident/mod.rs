//! A detected fault, reported: one JSON object, one line.
//!
//! 1. An engine makes an [`Incident`] of what it found, what it found out about it, and what it does.
//! 2. [`report`] counts it and hands it to the sinks; [`stop`] does so and ends the process.
//!
//! Everything up to the lines on standard error and in the file works without the heap, which may be
//! what is corrupt.

mod classification;
pub(crate) mod deadline;
mod processor;
pub(crate) mod sinks;
pub(crate) mod source_line;
pub(crate) mod symbol;
mod symbol_table;

use core::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use classification::{Action, Classification};

use crate::__private::Handler;
use crate::exit_status::EXIT_FAULT;
use crate::fault::Fault;
use crate::statistics;
use crate::text::{Line, Text, write_json};
use processor::Processor;
#[cfg(any(asc, feature = "page"))]
pub(crate) use processor::core;
use source_line::Callers;

/// Version of the JSON object; a field that changes its meaning or goes away raises it.
pub const INCIDENT_VERSION: u32 = 2;

/// Longest symbol that is kept whole, in bytes.
type SymbolName = Text<512>;

/// Longest `file:line`, in bytes.
type SourceLine = Text<256>;

/// One detected fault: where it struck, what differed, what it was, what was done.
///
/// Its [`Display`](fmt::Display) is the JSON object that the sinks write, on one line.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Incident {
    /// Module path and function name of the handler; empty outside of handlers.
    pub handler: &'static str,
    /// Source file of the handler; empty outside of handlers.
    pub file: &'static str,
    /// Line of the handler's `fn` in it.
    pub line: u32,
    /// The run in progress or just ended: 1 or 2; 0 outside of runs.
    pub run: u32,
    /// What was detected.
    pub fault: Fault,
    /// What further runs said about it.
    pub classification: Classification,
    /// Further trials that were made to find that out, or to recover.
    pub trials: u32,
    /// What was done.
    pub action: Action,
    /// Why the process stopped although the handler's policy was another; empty otherwise.
    pub note: &'static str,
    /// When it was detected.
    pub time: SystemTime,
    symbol: SymbolName,
    offset: u64,
    processor: Processor,
    pub(crate) callers: Callers,
    source: SourceLine,
}

impl Incident {
    /// What is known when a fault is detected; the process stops unless something else is set.
    pub(crate) fn new(handler: Option<&'static Handler>, run: u32, fault: &Fault) -> Self {
        let mut incident = Self {
            handler: handler.map_or("", |handler| handler.name),
            file: handler.map_or("", |handler| handler.file),
            line: handler.map_or(0, |handler| handler.line),
            run,
            fault: *fault,
            classification: Classification::Unknown,
            trials: 0,
            action: Action::Stop,
            note: "",
            time: SystemTime::now(),
            symbol: SymbolName::new(),
            offset: 0,
            processor: Processor::current(),
            callers: Callers::NOBODY,
            source: SourceLine::new(),
        };
        // A text is cut and never fails.
        let _ = symbol::with_name(fault.address, |name, offset| {
            incident.offset = offset;
            incident.symbol.write_str(name)
        });
        incident
    }

    /// What lies at the fault's address: a symbol of the program, or `[heap]`, `[stack]`,
    /// `[program]`; empty where no address applies.
    pub fn symbol(&self) -> &str {
        self.symbol.as_str()
    }

    /// How far behind the symbol's start the address lies, in bytes.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The line of source, as `file:line`, that was executing when the runs parted, that first stored
    /// to the fault's address, or that made a stray write. Empty if that is not known or the program
    /// has no debug information.
    pub fn source(&self) -> &str {
        self.source.as_str()
    }

    /// Looks the line of source up, with the heap. A process that is about to end has a deadline by
    /// then.
    pub(crate) fn find_source(&mut self) {
        let source = &mut self.source;
        self.callers.line(|file, line| {
            // A text is cut and never fails.
            let _ = write!(source, "{file}:{line}");
        });
    }

    /// Number of bits in which the two values differ.
    pub const fn flipped_bits(&self) -> u32 {
        (self.fault.expected ^ self.fault.found).count_ones()
    }

    /// The core on which the fault was detected, if the system tells.
    pub const fn core(&self) -> Option<u32> {
        self.processor.core
    }

    /// The processor's model name; empty if the system does not tell.
    pub fn processor(&self) -> &str {
        self.processor.model.as_str()
    }

    /// The processor's microcode revision; empty if the system does not tell.
    pub fn microcode(&self) -> &str {
        self.processor.microcode.as_str()
    }

    /// The object as a line, made without the heap.
    pub(crate) fn text(&self) -> Line {
        let mut line = Line::new();
        // A text is cut and never fails.
        let _ = write!(line, "{self}");
        line
    }
}

/// The JSON object. Addresses and values are hexadecimal strings, because JSON readers round
/// integers above 2^53.
impl fmt::Display for Incident {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            stage,
            reason,
            address,
            expected,
            found,
        } = self.fault;
        let since = self.time.duration_since(UNIX_EPOCH);
        let time = since.unwrap_or(Duration::ZERO).as_millis();
        write!(
            formatter,
            "{{\"asc_incident\":{INCIDENT_VERSION},\"time_ms\":{time}"
        )?;
        string(formatter, "handler", self.handler)?;
        string(formatter, "file", self.file)?;
        number(formatter, "line", self.line)?;
        number(formatter, "run", self.run)?;
        string(formatter, "stage", stage.name())?;
        string(formatter, "reason", reason)?;
        write!(formatter, ",\"address\":\"{address:#x}\"")?;
        string(formatter, "symbol", self.symbol())?;
        write!(
            formatter,
            ",\"offset\":\"{:#x}\",\"expected\":\"{expected:#x}\",\"found\":\"{found:#x}\"",
            self.offset
        )?;
        string(formatter, "source", self.source())?;
        number(formatter, "flipped_bits", self.flipped_bits())?;
        write!(formatter, ",\"single_bit\":{}", self.flipped_bits() == 1)?;
        match self.core() {
            Some(core) => number(formatter, "core", core)?,
            None => formatter.write_str(",\"core\":null")?,
        }
        string(formatter, "processor", self.processor())?;
        string(formatter, "microcode", self.microcode())?;
        number(formatter, "process", std::process::id())?;
        string(formatter, "classification", self.classification.name())?;
        number(formatter, "trials", self.trials)?;
        string(formatter, "action", self.action.name())?;
        string(formatter, "note", self.note)?;
        formatter.write_str("}")
    }
}

fn string(formatter: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    write!(formatter, ",\"{name}\":\"")?;
    write_json(formatter, value)?;
    formatter.write_str("\"")
}

fn number(formatter: &mut fmt::Formatter<'_>, name: &str, value: u32) -> fmt::Result {
    write!(formatter, ",\"{name}\":{value}")
}

/// Reports an incident that the process survives.
#[cold]
pub(crate) fn report(incident: &Incident) {
    statistics::count_incident(incident.fault.stage, incident.action);
    sinks::write(&incident.text());
    sinks::call(incident);
}

/// Stops outside of the stages of a handler; `handler` is empty outside of handlers.
#[cfg(any(asc, feature = "page"))]
#[cold]
pub(crate) fn stop(handler: &'static str, run: u32, fault: &Fault) -> ! {
    crate::engine::context::leave_handler();
    let mut incident = Incident::new(None, run, fault);
    incident.handler = handler;
    end(&incident)
}

/// Stops over what code outside of handlers was about to do, of which a signal handler has noted who
/// called it.
#[cfg(all(feature = "page", not(asc)))]
#[cold]
pub(crate) fn stop_outside(callers: Callers, fault: &Fault) -> ! {
    crate::engine::context::leave_handler();
    let mut incident = Incident::new(None, 0, fault);
    incident.callers = callers;
    // Looking the source up uses the heap, whose locks the interrupted code may hold.
    if deadline::set(Some(&incident.text())) {
        asc_alloc::AscAlloc::new().ordinary(|| incident.find_source());
        deadline::take_back_last_words();
    }
    end(&incident)
}

/// Reports the incident and ends the process with [`EXIT_FAULT`], before anything of the struck
/// handler can leave.
#[cold]
pub(crate) fn end(incident: &Incident) -> ! {
    statistics::count_incident(incident.fault.stage, Action::Stop);
    sinks::write(&incident.text());
    // The lines are out; what the program itself wants to do now must not keep it from ending.
    deadline::set(None);
    sinks::call(incident);
    deadline::speak_last_words();
    exit()
}

/// Ends the process without running destructors or exit handlers, which would act on state that is
/// not trusted.
pub(crate) fn exit() -> ! {
    // SAFETY: a system call that does not return.
    unsafe { libc::_exit(EXIT_FAULT) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Stage;

    /// The field names, types and spellings of version 2. A change here is a new version.
    #[test]
    fn the_object_is_what_the_schema_says() {
        static HANDLER: Handler = Handler::new("votes::\"vote\"", "src\\votes.rs", 12);
        let fault = Fault::new(Stage::Compare, "the runs left different bytes")
            .at(0x10)
            .values(6, 0x100_0000_0006);
        let mut incident = Incident::new(Some(&HANDLER), 2, &fault);
        incident.time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        incident.action = Action::Retry;
        incident.classification = Classification::Transient;
        incident.trials = 1;
        let object: serde_json::Value =
            serde_json::from_str(&incident.to_string()).expect("an incident is JSON");
        let expected = serde_json::json!({
            "asc_incident": 2, "time_ms": 1_700_000_000_123_u64,
            "handler": "votes::\"vote\"", "file": "src\\votes.rs", "line": 12,
            "run": 2, "stage": "compare", "reason": "the runs left different bytes",
            "address": "0x10", "symbol": "[heap]", "offset": "0x0",
            "expected": "0x6", "found": "0x10000000006", "source": "", "flipped_bits": 1, "single_bit": true,
            "core": object["core"], "processor": object["processor"],
            "microcode": object["microcode"], "process": std::process::id(),
            "classification": "transient", "trials": 1, "action": "retry",
            "note": "",
        });
        assert_eq!(object, expected);
        assert!(object["core"].is_u64(), "{object}");
        assert_eq!(incident.text().as_str(), incident.to_string());
    }
}
