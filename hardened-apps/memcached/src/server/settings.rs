//! `stats settings`.

use std::sync::atomic::Ordering::Relaxed;

use super::shared::Shared;
use crate::statistics::Statistic;

/// The settings that memcached shows, in its order. Where there is nothing that could be set
/// differently the value says so.
pub(super) fn gather(shared: &Shared) -> Vec<Statistic> {
    let mut lines = network(shared);
    lines.extend(limits(shared));
    lines.extend(memory(shared));
    lines
}

fn network(shared: &Shared) -> Vec<Statistic> {
    let options = &shared.options;
    let interfaces = if options.listen.is_empty() {
        "NULL".into()
    } else {
        options.listen.join(",")
    };
    let path = options.unix_socket.as_ref();
    vec![
        Statistic::new("maxbytes", shared.memory_bytes.load(Relaxed)),
        Statistic::new("maxconns", options.conn_limit),
        Statistic::new("tcpport", options.tcp_port()),
        Statistic::new("udpport", options.udp_port),
        Statistic::new("inter", interfaces),
        Statistic::new("verbosity", shared.log.level()),
        Statistic::new("evictions", if options.no_evictions { "off" } else { "on" }),
        Statistic::new(
            "domain_socket",
            path.map_or("NULL".into(), |path| path.display().to_string()),
        ),
        Statistic::new("umask", format!("{:o}", options.unix_mask)),
        Statistic::new("shutdown_command", yes(options.shutdown)),
    ]
}

fn limits(shared: &Shared) -> Vec<Statistic> {
    let options = &shared.options;
    vec![
        Statistic::new("growth_factor", format!("{:.2}", options.growth_factor)),
        Statistic::new("chunk_size", options.min_size),
        Statistic::new("num_threads", options.threads),
        Statistic::new("num_threads_per_udp", 1),
        Statistic::new("stat_key_prefix", char::from(options.delimiter)),
        Statistic::new("detail_enabled", yes(shared.details.load(Relaxed))),
        Statistic::new("reqs_per_event", options.requests_per_event.unwrap_or(20)),
        Statistic::new("cas_enabled", yes(!options.no_cas)),
        Statistic::new("tcp_backlog", options.backlog),
        Statistic::new("binding_protocol", options.binding.name()),
        Statistic::new("auth_enabled_sasl", "no"),
        Statistic::new(
            "auth_enabled_ascii",
            options
                .auth_file
                .as_ref()
                .map_or("no".into(), |path| path.display().to_string()),
        ),
        Statistic::new("item_size_max", options.item_bytes),
        Statistic::new("maxconns_fast", yes(options.extended.maxconns_fast)),
        Statistic::new("slab_reassign", "no"),
        Statistic::new("slab_automove", 0),
        Statistic::new("slab_chunk_max", options.largest_class()),
    ]
}

fn memory(shared: &Shared) -> Vec<Statistic> {
    let options = &shared.options;
    let extended = &options.extended;
    let crawler = &shared.crawler;
    let tuning = shared.tuning();
    vec![
        Statistic::new("lru_crawler", yes(crawler.is_on())),
        Statistic::new(
            "lru_crawler_sleep",
            crawler.sleep_microseconds.load(Relaxed),
        ),
        Statistic::new("lru_crawler_tocrawl", crawler.to_crawl.load(Relaxed)),
        Statistic::new("flush_enabled", yes(!options.no_flush)),
        Statistic::new("dump_enabled", yes(!options.no_dump)),
        Statistic::new("hash_algorithm", "foldhash"),
        Statistic::new("lru_maintainer_thread", yes(extended.lru_maintainer)),
        Statistic::new("lru_segmented", yes(tuning.segmented)),
        Statistic::new("hot_lru_pct", tuning.hot_percent),
        Statistic::new("warm_lru_pct", tuning.warm_percent),
        Statistic::new("hot_max_factor", format!("{:.2}", tuning.hot_age_factor)),
        Statistic::new("warm_max_factor", format!("{:.2}", tuning.warm_age_factor)),
        Statistic::new("temp_lru", yes(tuning.temporary_seconds.is_some())),
        Statistic::new("temporary_ttl", tuning.temporary_seconds.unwrap_or(61)),
        Statistic::new("idle_timeout", extended.idle_timeout),
        Statistic::new("track_sizes", yes(extended.track_sizes)),
        Statistic::new("inline_ascii_response", "no"),
        Statistic::new("ssl_enabled", "no"),
        Statistic::new("memory_file", "(null)"),
    ]
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
