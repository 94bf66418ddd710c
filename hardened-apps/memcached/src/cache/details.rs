//! `stats detail`: what is done with the keys of each prefix.
//!
//! The part of a key before the first delimiter is its prefix. Nothing is counted until somebody
//! switches it on.

use std::collections::BTreeMap;

use asc_runtime::{Input, Output, asc_handler};

use super::shard::Shard;
use crate::protocol::{Command, DetailCommand, binary, reply, split_request};

/// Prefixes beyond this many are not counted: clients choose them.
const PREFIXES_MAX: usize = 10_000;

/// What was done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Get { hit: bool },
    Set,
    Delete,
}

/// The counters of one prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrefixCounters {
    /// Keys asked for.
    pub gets: u64,
    /// Of those, keys that were there.
    pub hits: u64,
    /// Storage commands.
    pub sets: u64,
    /// Deletions.
    pub deletes: u64,
}

/// What was counted, and whether it goes on.
#[derive(Debug, Default)]
pub(super) struct Details {
    enabled: bool,
    prefixes: BTreeMap<Box<[u8]>, PrefixCounters>,
}

impl Details {
    pub(super) fn clear(&mut self) {
        self.prefixes.clear();
    }
}

impl Shard {
    /// Counts an access if that is switched on.
    #[inline]
    pub(super) fn note_detail(&mut self, key: &[u8], access: Access) {
        if self.details.enabled {
            self.count_detail(key, access);
        }
    }

    /// Switches counting on or off.
    #[asc_handler]
    pub fn switch_details(&mut self, enabled: bool) {
        self.details.enabled = enabled;
    }

    /// The counters of all prefixes. No handler: it only looks.
    pub fn details(&self) -> impl Iterator<Item = (&[u8], PrefixCounters)> {
        self.details
            .prefixes
            .iter()
            .map(|(prefix, counters)| (&**prefix, *counters))
    }

    #[cold]
    fn count_detail(&mut self, key: &[u8], access: Access) {
        let delimiter = self.settings.prefix_delimiter;
        let Some(length) = key.iter().position(|byte| *byte == delimiter) else {
            return;
        };
        let prefixes = &mut self.details.prefixes;
        let prefix = &key[..length];
        if !prefixes.contains_key(prefix) {
            if prefixes.len() >= PREFIXES_MAX {
                return;
            }
            prefixes.insert(prefix.into(), PrefixCounters::default());
        }
        if let Some(counters) = prefixes.get_mut(prefix) {
            match access {
                Access::Get { hit } => {
                    counters.gets += 1;
                    counters.hits += u64::from(hit);
                }
                Access::Set => counters.sets += 1,
                Access::Delete => counters.deletes += 1,
            }
        }
    }
}

/// What a request `stats detail` asks for.
pub(crate) fn command_of(request: &Input<'_>) -> Option<DetailCommand> {
    if let Ok(request) = binary::Request::parse(request.bytes()) {
        return match request.key.strip_prefix(b"detail")? {
            b" on" => Some(DetailCommand::On),
            b" off" => Some(DetailCommand::Off),
            b" dump" => Some(DetailCommand::Dump),
            _ => None,
        };
    }
    match Command::parse(split_request(request.bytes()).0) {
        Ok(Command::Detail(command)) => Some(command),
        _ => None,
    }
}

/// Writes the counters of all prefixes.
#[asc_handler]
pub fn write_details(prefixes: &BTreeMap<Vec<u8>, PrefixCounters>, output: &mut Output) {
    for (prefix, counters) in prefixes {
        output.write(b"PREFIX ");
        output.write(prefix);
        let PrefixCounters {
            gets,
            hits,
            sets,
            deletes,
        } = counters;
        let line = format!(" get {gets} hit {hits} set {sets} del {deletes}\r\n");
        output.write(line.as_bytes());
    }
    output.write(reply::END);
}
