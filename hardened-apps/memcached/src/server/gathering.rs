//! Where the numbers of `stats` come from.

use std::sync::atomic::Ordering::Relaxed;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::shared::{Shared, Traffic};
use super::tally::Tally;
use super::{settings, size_classes};
use crate::PROTOCOL_VERSION;
use crate::cache::counters::Counters;
use crate::cache::shard::Usage;
use crate::protocol::StatisticsKind;
use crate::statistics::{self, Statistic};

/// What memcached counts and what cannot happen here: moving slabs, running out of buffers,
/// watchers of the log.
const WITHOUT_CAUSE: [&str; 26] = [
    "response_obj_oom",
    "response_obj_count",
    "response_obj_bytes",
    "read_buf_count",
    "read_buf_bytes",
    "read_buf_bytes_free",
    "read_buf_oom",
    "slab_reassign_rescues",
    "slab_reassign_chunk_rescues",
    "slab_reassign_evictions_nomem",
    "slab_reassign_inline_reclaim",
    "slab_reassign_busy_items",
    "slab_reassign_busy_deletes",
    "slab_reassign_running",
    "slabs_moved",
    "malloc_fails",
    "log_worker_dropped",
    "log_worker_written",
    "log_watcher_skipped",
    "log_watcher_sent",
    "log_watchers",
    "slab_global_page_pool",
    "reserved_fds",
    "unexpected_napi_ids",
    "round_robin_fallback",
    "lrutail_reflocked",
];
/// The same for what memcached shows only with a segmented LRU.
const WITHOUT_CAUSE_SEGMENTED: [&str; 2] = ["direct_reclaims", "lru_bumps_dropped"];
/// What memcached shows only with a segmented LRU.
const SEGMENTED: [&str; 4] = [
    "evicted_active",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
];

/// Gathers what `kind` asks for.
pub(super) fn gather(shared: &Shared, now: u32, kind: StatisticsKind) -> Vec<Statistic> {
    match kind {
        StatisticsKind::General => general(shared),
        StatisticsKind::Settings => settings::gather(shared),
        StatisticsKind::Asc => hardening(shared),
        StatisticsKind::Items => size_classes::items(shared, now),
        StatisticsKind::Slabs => size_classes::slabs(shared, now),
        StatisticsKind::Sizes => vec![Statistic::new("sizes_status", "disabled")],
        StatisticsKind::Connections => connection_records(shared, now),
        StatisticsKind::Reset => Vec::new(),
    }
}

fn connection_records(shared: &Shared, now: u32) -> Vec<Statistic> {
    let lines = shared.records.lines(now).into_iter();
    lines
        .map(|(name, value)| Statistic::new(name, value))
        .collect()
}

/// Resets what `stats reset` resets outside of the shards.
pub(super) fn reset(shared: &Shared) {
    shared.connections.reset();
    shared.traffic.iter().for_each(Traffic::reset);
}

/// What was done about corruption.
fn hardening(shared: &Shared) -> Vec<Statistic> {
    let mut lines = statistics::hardening();
    lines.push(checksum_failures(shared));
    lines
}

/// Items that no longer matched their checksum.
pub(super) fn checksum_failures(shared: &Shared) -> Statistic {
    let (counters, _) = total(shared);
    Statistic::new("asc_checksum_failures", counters.checksum_failures)
}

/// What this server counts and measures.
pub(super) fn counted(shared: &Shared) -> Vec<Statistic> {
    let (counters, usage) = total(shared);
    let mut lines = process(shared);
    lines.extend(connections(shared));
    lines.extend(statistics::cache(&counters, &usage));
    lines.extend(maintenance(shared, &counters));
    lines
}

fn general(shared: &Shared) -> Vec<Statistic> {
    let mut lines = counted(shared);
    lines.extend(WITHOUT_CAUSE.map(|name| Statistic::new(name, 0)));
    if shared.options.extended.lru_maintainer {
        lines.extend(WITHOUT_CAUSE_SEGMENTED.map(|name| Statistic::new(name, 0)));
    } else {
        lines.retain(|line| !SEGMENTED.contains(&line.name()));
    }
    if !shared.options.extended.maxconns_fast {
        lines.retain(|line| line.name() != "rejected_connections");
    }
    lines
}

fn maintenance(shared: &Shared, counters: &Counters) -> Vec<Statistic> {
    let mut lines = Vec::new();
    if shared.options.extended.idle_timeout > 0 {
        let kicks = shared.connections.idle_kicks.load(Relaxed);
        lines.push(Statistic::new("idle_kicks", kicks));
    }
    if shared.crawler.is_on() {
        let running = u8::from(shared.crawler.is_running());
        lines.push(Statistic::new("lru_crawler_running", running));
        lines.push(Statistic::new(
            "lru_crawler_starts",
            shared.crawler.starts(),
        ));
    }
    if shared.options.extended.lru_maintainer {
        lines.push(Statistic::new(
            "lru_maintainer_juggles",
            counters.maintenance_runs,
        ));
    }
    lines
}

fn process(shared: &Shared) -> Vec<Statistic> {
    let mut lines = vec![
        Statistic::new("pid", std::process::id()),
        Statistic::new("uptime", shared.clock.uptime()),
        Statistic::new("time", shared.clock.now()),
        Statistic::new("version", PROTOCOL_VERSION),
        Statistic::new("libevent", "none: mio"),
        Statistic::new("pointer_size", usize::BITS),
    ];
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        lines.push(Statistic::new("rusage_user", seconds(usage.user_time())));
        lines.push(Statistic::new(
            "rusage_system",
            seconds(usage.system_time()),
        ));
    }
    lines
}

fn connections(shared: &Shared) -> Vec<Statistic> {
    let traffic = |counter: fn(&Traffic) -> &Tally| -> u64 {
        shared
            .traffic
            .iter()
            .map(|worker| counter(worker).get())
            .sum()
    };
    let counters = &shared.connections;
    vec![
        Statistic::new("max_connections", shared.options.conn_limit),
        Statistic::new("curr_connections", counters.open.load(Relaxed)),
        Statistic::new("total_connections", counters.total.load(Relaxed)),
        Statistic::new("rejected_connections", counters.rejected.load(Relaxed)),
        Statistic::new("connection_structures", counters.open.load(Relaxed)),
        Statistic::new("bytes_read", traffic(|worker| &worker.bytes_read)),
        Statistic::new("bytes_written", traffic(|worker| &worker.bytes_written)),
        Statistic::new(
            "accepting_conns",
            u8::from(!counters.not_accepting.load(Relaxed)),
        ),
        Statistic::new("listen_disabled_num", counters.accept_stops.load(Relaxed)),
        Statistic::new(
            "time_in_listen_disabled_us",
            counters.accept_stopped_microseconds.load(Relaxed),
        ),
        Statistic::new("threads", shared.options.threads),
        Statistic::new("conn_yields", traffic(|worker| &worker.yields)),
        Statistic::new("auth_cmds", traffic(|worker| &worker.authentications)),
        Statistic::new(
            "auth_errors",
            traffic(|worker| &worker.authentication_failures),
        ),
    ]
}

/// All shards added up, one lock at a time.
fn total(shared: &Shared) -> (Counters, Usage) {
    let mut counters = Counters::default();
    let mut usage = Usage::default();
    for number in 0..shared.shards() {
        let shard = shared.lock(number);
        counters += shard.counters();
        usage += shard.usage();
    }
    (counters, usage)
}

fn seconds(time: TimeVal) -> String {
    format!("{}.{:06}", time.tv_sec(), time.tv_usec())
}
