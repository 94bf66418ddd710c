//! Where the numbers of `stats` come from.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::shared::{Shared, Traffic};
use crate::PROTOCOL_VERSION;
use crate::cache::counters::Counters;
use crate::cache::shard::Usage;
use crate::protocol::StatisticsKind;
use crate::statistics::{self, Statistic};

/// Gathers what `kind` asks for.
pub(super) fn gather(shared: &Shared, kind: StatisticsKind) -> Vec<Statistic> {
    match kind {
        StatisticsKind::General => general(shared),
        StatisticsKind::Settings => settings(shared),
        StatisticsKind::Asc => statistics::hardening(),
        StatisticsKind::Slabs => slabs(shared),
        StatisticsKind::Sizes => vec![Statistic::new("sizes_status", "disabled")],
        StatisticsKind::Items | StatisticsKind::Reset => Vec::new(),
    }
}

/// Resets what `stats reset` resets outside of the shards.
pub(super) fn reset(shared: &Shared) {
    shared.connections.reset();
    shared.traffic.iter().for_each(Traffic::reset);
}

fn general(shared: &Shared) -> Vec<Statistic> {
    let (counters, usage) = total(shared);
    let mut lines = process(shared);
    lines.extend(connections(shared));
    lines.extend(statistics::cache(&counters, &usage));
    lines.extend(statistics::hardening());
    lines
}

fn process(shared: &Shared) -> Vec<Statistic> {
    let mut lines = vec![
        Statistic::new("pid", std::process::id()),
        Statistic::new("uptime", shared.clock.uptime()),
        Statistic::new("time", shared.clock.now()),
        Statistic::new("version", PROTOCOL_VERSION),
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
    let traffic = |counter: fn(&Traffic) -> &AtomicU64| -> u64 {
        shared
            .traffic
            .iter()
            .map(|worker| counter(worker).load(Relaxed))
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
        Statistic::new("accepting_conns", 1),
        Statistic::new("threads", shared.options.threads),
        Statistic::new("conn_yields", traffic(|worker| &worker.yields)),
    ]
}

fn settings(shared: &Shared) -> Vec<Statistic> {
    let options = &shared.options;
    let interfaces = options.listen.join(",");
    vec![
        Statistic::new("maxbytes", options.memory_bytes()),
        Statistic::new("maxconns", options.conn_limit),
        Statistic::new("tcpport", options.port),
        Statistic::new("udpport", options.udp_port),
        Statistic::new(
            "inter",
            if interfaces.is_empty() {
                "NULL"
            } else {
                &interfaces
            },
        ),
        Statistic::new("verbosity", shared.log.level()),
        Statistic::new("evictions", "on"),
        Statistic::new("domain_socket", "NULL"),
        Statistic::new("shutdown_command", "no"),
        Statistic::new("num_threads", options.threads),
        Statistic::new("cas_enabled", "yes"),
        Statistic::new("binding_protocol", "ascii"),
        Statistic::new("auth_enabled_sasl", "no"),
        Statistic::new("auth_enabled_ascii", "no"),
        Statistic::new("item_size_max", shared.item_bytes_max),
        Statistic::new("maxconns_fast", "yes"),
        Statistic::new("flush_enabled", "yes"),
        Statistic::new("dump_enabled", "no"),
        Statistic::new("hash_algorithm", "foldhash"),
        Statistic::new("lru_segmented", "no"),
        Statistic::new("idle_timeout", 0),
        Statistic::new("ssl_enabled", "no"),
    ]
}

fn slabs(shared: &Shared) -> Vec<Statistic> {
    let (_, usage) = total(shared);
    vec![
        Statistic::new("active_slabs", 0),
        Statistic::new("total_malloced", usage.bytes),
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
