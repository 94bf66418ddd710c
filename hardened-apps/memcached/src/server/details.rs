//! `stats detail on|off|dump`, over all shards.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use asc_runtime::{Input, Output};

use super::shared::Shared;
use crate::cache::details::{PrefixCounters, command_of, write_details};
use crate::protocol::frame::Protocol;
use crate::protocol::{DetailCommand, reply};
use crate::statistics::{Statistic, write_reply, write_statistics_binary};

/// Carries it out and answers.
pub(super) fn execute(
    shared: &Shared,
    request: &Input<'_>,
    protocol: Protocol,
    output: &mut Output,
) {
    let mut lines = Vec::new();
    match command_of(request) {
        Some(DetailCommand::Dump) => {
            let prefixes = sum(shared);
            if protocol == Protocol::Text {
                write_details(&prefixes, output);
                return;
            }
            let mut text = Output::new();
            write_details(&prefixes, &mut text);
            let text = String::from_utf8_lossy(text.bytes()).into_owned();
            lines.push(Statistic::new("detailed", text));
        }
        command => switch(shared, command == Some(DetailCommand::On)),
    }
    match protocol {
        Protocol::Text => write_reply(reply::OK, output),
        Protocol::Binary => write_statistics_binary(request, &lines, output),
    }
}

fn switch(shared: &Shared, on: bool) {
    shared.details.store(on, Relaxed);
    for shard in 0..shared.shards() {
        shared.lock(shard).switch_details(on);
    }
}

fn sum(shared: &Shared) -> BTreeMap<Vec<u8>, PrefixCounters> {
    let mut sum = BTreeMap::<Vec<u8>, PrefixCounters>::new();
    for shard in 0..shared.shards() {
        for (prefix, counters) in shared.lock(shard).details() {
            let total = sum.entry(prefix.to_vec()).or_default();
            total.gets += counters.gets;
            total.hits += counters.hits;
            total.sets += counters.sets;
            total.deletes += counters.deletes;
        }
    }
    sum
}
