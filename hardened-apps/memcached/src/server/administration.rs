//! Commands about the server, carried out.

use std::sync::atomic::Ordering::Relaxed;

use asc_runtime::{Input, Output};

use super::shared::Shared;
use super::termination;
use crate::protocol::administration::Administration;
use crate::protocol::number::parse_i64;
use crate::protocol::{ClassSelection, reply, split_request};
use crate::statistics::write_reply;

const MEGABYTE: u64 = 1 << 20;

/// What is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Administered {
    /// Answered.
    Done,
    /// Close the connection.
    Closing,
    /// Write down all items.
    Dump,
}

/// Carries out the command of a request and answers it.
pub(super) fn execute(
    shared: &Shared,
    now: u32,
    request: &Input<'_>,
    output: &mut Output,
) -> Administered {
    let (command, noreply) = Administration::parse(split_request(request.bytes()).0);
    let answer = match command {
        Err(text) => text,
        Ok(Administration::Shutdown { .. }) if !shared.options.shutdown => reply::NO_SHUTDOWN,
        Ok(Administration::Shutdown { graceful }) => {
            termination::begin(graceful);
            return Administered::Closing;
        }
        Ok(Administration::Dump { .. }) => match refusal_of_dump(shared, output) {
            Some(text) => text,
            None => return Administered::Dump,
        },
        Ok(command) => act(shared, now, &command),
    };
    if !noreply {
        write_reply(answer, output);
    }
    Administered::Done
}

fn refusal_of_dump(shared: &Shared, output: &Output) -> Option<&'static [u8]> {
    if !shared.crawler.is_on() {
        Some(reply::CRAWLER_DISABLED)
    } else if shared.options.no_dump {
        Some(reply::DUMP_NOT_ALLOWED)
    } else if !output.bytes().is_empty() {
        Some(reply::DUMP_IN_PIPELINE)
    } else {
        None
    }
}

fn act(shared: &Shared, now: u32, command: &Administration<'_>) -> &'static [u8] {
    match *command {
        Administration::MemoryLimit { megabytes } => {
            limit_memory(shared, now, u64::from(megabytes) * MEGABYTE);
        }
        Administration::LruTune {
            hot,
            warm,
            hot_factor,
            warm_factor,
        } => shared.tune(|tuning| {
            tuning.hot_percent = hot;
            tuning.warm_percent = warm;
            tuning.hot_age_factor = hot_factor;
            tuning.warm_age_factor = warm_factor;
        }),
        Administration::LruMode { .. } | Administration::LruTemporary { .. }
            if !shared.options.extended.lru_maintainer =>
        {
            return reply::ERROR;
        }
        Administration::LruMode { segmented } => {
            shared.tune(|tuning| tuning.segmented = segmented);
        }
        Administration::LruTemporary { seconds } => {
            shared.tune(|tuning| tuning.temporary_seconds = seconds);
        }
        Administration::CrawlerSwitch { on } => shared.crawler.switch(on),
        Administration::CrawlerSleep { microseconds } => {
            shared
                .crawler
                .sleep_microseconds
                .store(microseconds, Relaxed);
        }
        Administration::CrawlerToCrawl { items } => shared.crawler.to_crawl.store(items, Relaxed),
        Administration::Crawl { classes } => return crawl(shared, classes),
        Administration::DebugTime { argument } => return debug_time(shared, argument),
        Administration::Ignore | Administration::Shutdown { .. } | Administration::Dump { .. } => {}
    }
    reply::OK
}

fn limit_memory(shared: &Shared, now: u32, bytes: u64) {
    shared.memory_bytes.store(bytes, Relaxed);
    let bytes = bytes / u64::from(shared.shards());
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    for shard in 0..shared.shards() {
        while shared.lock(shard).limit_memory(now, bytes) {}
    }
}

fn crawl(shared: &Shared, classes: ClassSelection) -> &'static [u8] {
    if !shared.crawler.is_on() {
        return reply::CRAWLER_DISABLED;
    }
    shared.crawler.request(classes);
    reply::OK
}

/// Offered only where the tests of memcached ask for it.
fn debug_time(shared: &Shared, argument: &[u8]) -> &'static [u8] {
    if !shared.clock.can_be_moved() {
        return reply::ERROR;
    }
    match argument {
        b"p" => shared.clock.pause(),
        b"r" => shared.clock.resume(),
        _ => match parse_i64(argument) {
            Some(seconds) => shared.clock.move_by(seconds),
            None => return reply::ERROR,
        },
    }
    reply::OK
}
