//! Clients that send and do not read.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use crate::running_server::RunningServer;

const VALUE_BYTES: usize = 500_000;
const REPLY_BYTES: usize = "VALUE big 0 500000\r\n\r\nEND\r\n".len() + VALUE_BYTES;

/// Resident memory of a process.
fn resident_bytes(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("resident memory");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

#[test]
fn a_client_that_does_not_read_does_not_fill_the_memory() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    let mut set = format!("set big 0 0 {VALUE_BYTES}\r\n").into_bytes();
    set.resize(set.len() + VALUE_BYTES, b'v');
    client.ask([&set[..], b"\r\n"].concat(), "STORED\r\n");
    client.ask("get missing\r\n", "END\r\n");
    let before = resident_bytes(server.pid());

    let mut slow = server.connect();
    slow.send(format!("get{}\r\n", " big".repeat(400)));
    slow.send("get big\r\n".repeat(400));
    let mut quick = server.connect();
    for _ in 0..50 {
        quick.ask("get missing\r\n", "END\r\n");
        std::thread::sleep(Duration::from_millis(5));
    }
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(
        grown < 40 * VALUE_BYTES,
        "400 MB are waiting, the process grew by {grown}"
    );

    let part = REPLY_BYTES - "END\r\n".len();
    expect_bytes(
        &mut slow.stream,
        400 * part + "END\r\n".len() + 400 * REPLY_BYTES,
    );
    slow.ask("get missing\r\n", "END\r\n");
}

#[test]
fn a_client_that_only_sends_is_made_to_wait() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.ask(
        format!("set key 0 0 1000\r\n{}\r\n", "v".repeat(1000)),
        "STORED\r\n",
    );
    client
        .stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    let requests = "get key\r\n".repeat(1000);
    let mut sent = 0;
    let refused = loop {
        match client
            .stream
            .write(&requests.as_bytes()[sent % requests.len()..])
        {
            Ok(count) => sent += count,
            Err(error) => break error.kind(),
        }
        assert!(sent < 100 << 20, "the server takes requests without end");
    };
    assert!(
        matches!(refused, ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{refused}"
    );
    let complete = sent / "get key\r\n".len();
    expect_bytes(
        &mut client.stream,
        complete * ("VALUE key 0 1000\r\n\r\nEND\r\n".len() + 1000),
    );
}

fn expect_bytes(stream: &mut impl Read, mut expected: usize) {
    let mut buffer = vec![0; 1 << 16];
    while expected > 0 {
        let wanted = expected.min(buffer.len());
        let count = stream
            .read(&mut buffer[..wanted])
            .expect("the server goes on sending");
        assert!(count > 0, "closed with {expected} bytes to come");
        expected -= count;
    }
}
