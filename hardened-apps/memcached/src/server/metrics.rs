//! Metrics for Prometheus, over HTTP.
//!
//! A thread of its own serves one scrape after the other. What it says is what `stats` says, and what the
//! runtime counts ([`asc_runtime::prometheus`]); nothing of it comes from inside a handler.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::failure::Failure;
use super::gathering;
use super::shared::Shared;
use super::termination::AbortOnPanic;
use crate::statistics::Statistic;

/// A scraper that is slower than this is hung up on: others wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// Before accepting again when that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;
const PATH: &str = "/metrics";

/// What can fall; everything else only grows.
const GAUGES: [&str; 14] = [
    "uptime",
    "time",
    "max_connections",
    "curr_connections",
    "connection_structures",
    "accepting_conns",
    "threads",
    "limit_maxbytes",
    "bytes",
    "curr_items",
    "hash_power_level",
    "hash_bytes",
    "hash_is_expanding",
    "lru_crawler_running",
];
/// Numbers that measure nothing.
const OMITTED: [&str; 2] = ["pid", "pointer_size"];

/// The socket that scrapers connect to.
#[derive(Debug)]
pub(super) struct Metrics(TcpListener);

impl Metrics {
    /// Listens.
    pub(super) fn open(address: SocketAddr) -> Result<Self, Failure> {
        TcpListener::bind(address).map(Self).map_err(|error| {
            Failure::system(&format!("serve metrics at {address} (--metrics)"), error)
        })
    }

    /// Serves on a thread of its own.
    pub(super) fn start(self, shared: &Arc<Shared>) -> Result<(), Failure> {
        let shared = Arc::clone(shared);
        let serve = move || {
            let _guard = AbortOnPanic;
            loop {
                match self.0.accept() {
                    // A scraper that goes away is its own business.
                    Ok((stream, _)) => drop(serve(stream, &shared)),
                    Err(_) => thread::sleep(ACCEPT_PAUSE),
                }
            }
        };
        thread::Builder::new()
            .name("metrics".into())
            .spawn(serve)
            .map_err(|error| Failure::system("start the metrics thread", error))?;
        Ok(())
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let status = loop {
        let mut part = [0; 1024];
        let count = stream.read(&mut part)?;
        request.extend_from_slice(&part[..count]);
        if let Some(status) = status_of(&request) {
            break status;
        }
        if count == 0 {
            return Ok(());
        }
    };
    let body = match status {
        "200 OK" => render(shared),
        other => format!("{other}: GET {PATH} is all there is\n"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// How a request is to be answered, once it is complete.
fn status_of(bytes: &[u8]) -> Option<&'static str> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() < REQUEST_BYTES_MAX => None,
        Ok(httparse::Status::Partial) => Some("431 Request Header Fields Too Large"),
        Err(_) => Some("400 Bad Request"),
        Ok(httparse::Status::Complete(_)) => Some(match (request.method, request.path) {
            (Some("GET"), Some(PATH)) => "200 OK",
            (Some("GET"), _) => "404 Not Found",
            _ => "405 Method Not Allowed",
        }),
    }
}

fn render(shared: &Shared) -> String {
    let mut text = String::new();
    for statistic in gathering::counted(shared) {
        render_one(&mut text, "memcached_", &statistic);
    }
    render_one(&mut text, "", &gathering::checksum_failures(shared));
    text.push_str(&asc_runtime::prometheus());
    text
}

/// A number as a metric; what is no number is left out.
fn render_one(text: &mut String, prefix: &str, statistic: &Statistic) {
    let (name, value) = (statistic.name(), statistic.value());
    if OMITTED.contains(&name) || value.parse::<f64>().is_err() {
        return;
    }
    let (kind, suffix) = if GAUGES.contains(&name) {
        ("gauge", "")
    } else {
        ("counter", "_total")
    };
    // A String takes everything.
    let _ = writeln!(text, "# TYPE {prefix}{name}{suffix} {kind}");
    let _ = writeln!(text, "{prefix}{name}{suffix} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let long = [
            &b"GET /metrics HTTP/1.1\r\nx: "[..],
            &[b'y'; REQUEST_BYTES_MAX],
        ]
        .concat();
        let cases: [(&[u8], Option<&str>); 7] = [
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Some("200 OK")),
            (b"GET /metrics HTTP/1.0\r\n\r\n", Some("200 OK")),
            (b"GET / HTTP/1.1\r\n\r\n", Some("404 Not Found")),
            (
                b"POST /metrics HTTP/1.1\r\n\r\n",
                Some("405 Method Not Allowed"),
            ),
            (b"\x80\x00\r\n\r\n", Some("400 Bad Request")),
            (b"GET /metrics HTTP/1.1\r\nHost", None),
            (&long, Some("431 Request Header Fields Too Large")),
        ];
        for (request, status) in cases {
            assert_eq!(status_of(request), status, "{}", request.escape_ascii());
        }
    }

    #[test]
    fn numbers_become_metrics() {
        let mut text = String::new();
        for statistic in [
            Statistic::new("cmd_get", 7),
            Statistic::new("curr_items", 3),
            Statistic::new("pid", 1),
            Statistic::new("version", "1.6.18"),
        ] {
            render_one(&mut text, "memcached_", &statistic);
        }
        assert_eq!(
            text,
            "# TYPE memcached_cmd_get_total counter\nmemcached_cmd_get_total 7\n\
             # TYPE memcached_curr_items gauge\nmemcached_curr_items 3\n"
        );
    }
}
