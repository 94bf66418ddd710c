//! What Prometheus is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::running_server::{PATIENCE, RunningServer};

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}

/// The value of a metric.
#[track_caller]
fn metric(reply: &str, name: &str) -> f64 {
    let line = reply.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    let value = line.and_then(|line| line.rsplit(' ').next());
    let value = value.unwrap_or_else(|| panic!("no {name} in {reply}"));
    value.parse().expect("a number")
}

#[test]
fn a_scrape_tells_what_happened() {
    let address = free_address();
    let server = RunningServer::start(&["-t", "2", "--metrics", &address.to_string()]);
    let mut client = server.connect();
    client.ask("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client.ask("get a b\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    let reply = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    for (name, value) in [
        ("memcached_cmd_set_total", 1.0),
        ("memcached_get_hits_total", 1.0),
        ("memcached_get_misses_total", 1.0),
        ("memcached_curr_items", 1.0),
        ("memcached_curr_connections", 1.0),
        ("memcached_threads", 2.0),
    ] {
        assert_eq!(metric(body, name), value, "{name}");
    }
    assert!(metric(body, "asc_handlers_total") >= 2.0);
    assert!(metric(body, "asc_runs_total") >= metric(body, "asc_handlers_total"));
}

#[test]
fn whatever_else_is_asked_is_refused_and_the_next_scrape_is_served() {
    let address = free_address();
    let _server = RunningServer::start(&["--metrics", &address.to_string()]);
    let silent = TcpStream::connect(address).expect("a listener");
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("get a\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "200"),
    ] {
        let reply = ask(address, request);
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
    }
    drop(silent);
}

#[test]
fn an_address_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let output = std::process::Command::new(crate::running_server::BINARY)
        .args([
            "-l",
            "127.0.0.1",
            "-p",
            "-1",
            "-u",
            "root",
            "--metrics",
            &address,
        ])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(71), "{said}");
    assert!(
        said.contains(&address) && said.contains("--metrics"),
        "{said}"
    );
}
