//! What `stats asc` says about the work done.

use crate::running_server::{Client, RunningServer, expected_mode};

/// Executions of each handler's body in a build of this mode.
fn runs_per_handler(mode: &str) -> u64 {
    match mode {
        "plain" => 1,
        "hardened" | "page" => 2,
        other => panic!("asc_mode {other}"),
    }
}

fn handlers(client: &mut Client) -> u64 {
    client.statistic("asc", "asc_handlers")
}

#[test]
fn stats_asc_has_exactly_its_lines() {
    let server = RunningServer::start(&["-t", "1", "-o", "no_modern"]);
    let mut client = server.connect();
    client.ask("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let statistics = client.statistics("asc");
    let names: Vec<&str> = statistics.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
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
        "asc_scrub_bytes",
        "asc_checksum_failures",
    ];
    assert_eq!(names, expected);
    assert_eq!(statistics[0].1, expected_mode());
    assert_eq!(statistics[3].1, "0");
}

#[test]
fn every_request_is_a_handler_and_every_handler_has_its_runs() {
    let server = RunningServer::start(&["-t", "1", "-o", "no_modern"]);
    let mut client = server.connect();
    let before = handlers(&mut client);
    let requests: [(&str, &str); 12] = [
        ("set a 0 0 1\r\n1\r\n", "STORED\r\n"),
        ("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"),
        ("get a b c\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"),
        ("incr a 1\r\n", "2\r\n"),
        ("touch a 0\r\n", "TOUCHED\r\n"),
        ("gat 0 a\r\n", "VALUE a 0 1\r\n2\r\nEND\r\n"),
        ("append a 0 0 1\r\nx\r\n", "STORED\r\n"),
        ("delete a\r\n", "DELETED\r\n"),
        ("flush_all\r\n", "OK\r\n"),
        ("version\r\n", "VERSION 1.6.18-asc\r\n"),
        ("verbosity 0\r\n", "OK\r\n"),
        ("bogus\r\n", "ERROR\r\n"),
    ];
    for (request, reply) in requests {
        client.ask(request, reply);
    }
    // The first `stats asc` wrote its own answer after it had read the number: one handler. The
    // second one was understood before: one more.
    assert_eq!(handlers(&mut client) - before, requests.len() as u64 + 2);

    let statistics = client.statistics("asc");
    let value = |index: usize| statistics[index].1.parse::<u64>().expect("a number");
    assert_eq!(value(2), value(1) * runs_per_handler(&statistics[0].1));
    assert_eq!(value(3), 0);
}

#[test]
fn the_log_is_measured_where_handlers_run_twice() {
    let server = RunningServer::start(&["-t", "1", "-o", "no_modern"]);
    let mut client = server.connect();
    client.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    let log_bytes = client.statistic("asc", "asc_log_bytes_max");
    assert_eq!(log_bytes > 0, expected_mode() != "plain", "{log_bytes}");
}

#[test]
fn general_statistics_count_what_happened() {
    let server = RunningServer::start(&["-t", "3"]);
    let mut client = server.connect();
    for number in 0..60 {
        client.ask(format!("set key{number} 0 0 1\r\nx\r\n"), "STORED\r\n");
    }
    client.ask(
        "get key0 key1 missing\r\n",
        "VALUE key0 0 1\r\nx\r\nVALUE key1 0 1\r\nx\r\nEND\r\n",
    );
    client.ask("touch key5 0\r\n", "TOUCHED\r\n");
    client.ask("delete key9\r\n", "DELETED\r\n");
    let expected = [
        ("cmd_get", 3),
        ("cmd_set", 60),
        ("get_hits", 2),
        ("get_misses", 1),
        ("cmd_touch", 1),
        ("touch_hits", 1),
        ("delete_hits", 1),
        ("curr_items", 59),
        ("total_items", 60),
        ("threads", 3),
        ("curr_connections", 1),
        ("cmd_flush", 0),
        ("evictions", 0),
    ];
    for (name, value) in expected {
        assert_eq!(client.statistic("", name), value, "{name}");
    }
    assert!(client.statistic("", "bytes_read") > 60 * 20);
    client.ask("stats reset\r\n", "RESET\r\n");
    for (name, value) in [
        ("cmd_get", 0),
        ("cmd_set", 0),
        ("curr_items", 59),
        ("total_items", 0),
    ] {
        assert_eq!(client.statistic("", name), value, "{name} after reset");
    }
    assert_eq!(client.statistic("settings", "num_threads"), 3);
    assert_eq!(client.statistic("settings", "item_size_max"), 1 << 20);
}
