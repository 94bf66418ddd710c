//! Several workers over several shards.

use std::thread;

use crate::running_server::RunningServer;

#[test]
fn a_multiget_over_four_shards_keeps_its_order() {
    let server = RunningServer::start(&["-t", "4", "-m", "256"]);
    let mut client = server.connect();
    let mut keys = String::new();
    let mut expected = String::new();
    for number in (0..300).rev() {
        client.ask(
            format!("set key{number} 0 0 3\r\n{number:03}\r\n"),
            "STORED\r\n",
        );
        keys += &format!(" key{number}");
        expected += &format!("VALUE key{number} 0 3\r\n{number:03}\r\n");
    }
    client.ask(format!("get{keys}\r\n"), expected + "END\r\n");
    client.ask("flush_all\r\n", "OK\r\n");
    client.ask(format!("get{keys}\r\n"), "END\r\n");
}

#[test]
fn a_multiget_from_few_shards_is_one_handler() {
    let server = RunningServer::start(&["-t", "2", "-m", "256", "-o", "no_modern"]);
    let mut client = server.connect();
    let mut keys = String::new();
    let mut expected = String::new();
    for number in 0..40 {
        client.ask(format!("set key{number} 0 0 1\r\nx\r\n"), "STORED\r\n");
        keys += &format!(" key{number}");
        expected += &format!("VALUE key{number} 0 1\r\nx\r\n");
    }
    let before = client.statistic("asc", "asc_handlers");
    client.ask(format!("get{keys}\r\n"), expected + "END\r\n");
    let after = client.statistic("asc", "asc_handlers");
    // The multiget; the answer to the first question, and the second question.
    assert_eq!(after - before, 3);
}

#[test]
fn concurrent_increments_are_all_counted() {
    const THREADS: usize = 8;
    const INCREMENTS: usize = 500;
    let server = RunningServer::start(&["-t", "4", "-m", "256"]);
    server.connect().ask("set sum 0 0 1\r\n0\r\n", "STORED\r\n");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut client = server.connect();
                client.send("incr sum 1 noreply\r\nget sum\r\n".repeat(INCREMENTS));
                for _ in 0..INCREMENTS {
                    assert!(client.read_until_end().starts_with("VALUE sum 0 "));
                }
            });
        }
    });
    let total = THREADS * INCREMENTS;
    server.connect().ask(
        "get sum\r\n",
        format!("VALUE sum 0 4\r\n{total}\r\nEND\r\n"),
    );
}

#[test]
fn concurrent_cas_loses_no_update() {
    const THREADS: usize = 4;
    const UPDATES: u64 = 100;
    let server = RunningServer::start(&["-t", "2", "-m", "128"]);
    server.connect().ask("set sum 0 0 1\r\n0\r\n", "STORED\r\n");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut client = server.connect();
                let mut done = 0;
                while done < UPDATES {
                    client.send("gets sum\r\n");
                    let reply = client.read_until_end();
                    let mut words = reply.split_whitespace().skip(3);
                    let (_, cas) = (words.next(), words.next().expect("an identifier"));
                    let sum: u64 = words
                        .next()
                        .and_then(|sum| sum.parse().ok())
                        .expect("a sum");
                    let sum = (sum + 1).to_string();
                    client.send(format!(
                        "cas sum 0 0 {} {cas}\r\n{sum}\r\nget none\r\n",
                        sum.len()
                    ));
                    done += u64::from(client.read_until_end().starts_with("STORED"));
                }
            });
        }
    });
    let total = THREADS as u64 * UPDATES;
    server.connect().ask(
        "get sum\r\n",
        format!("VALUE sum 0 3\r\n{total}\r\nEND\r\n"),
    );
}
