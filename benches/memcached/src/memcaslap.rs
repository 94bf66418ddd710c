//! A foreign generator confirms: memcaslap of libmemcached-tools.

use std::process::Command;

use crate::failure::Failure;
use crate::options::Options;
use crate::server::Server;
use crate::summary::{MemcaslapRow, Spread, Summary};

const PROGRAM: &str = "memcaslap";
/// memcaslap waits for ever for a window that it cannot fill; short runs need few keys.
const WINDOW_KEYS: &str = "1k";

/// Lets it drive each server in turn, with values of the first length, if it was asked for.
pub(crate) fn confirm(options: &Options, summary: &mut Summary) -> Result<(), Failure> {
    if !options.memcaslap {
        return Ok(());
    }
    let servers = options
        .servers
        .iter()
        .map(|contender| Server::start(contender, options.threads[0], None))
        .collect::<Result<Vec<_>, _>>()?;
    let value_bytes = options.value_bytes[0];
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..options.rounds {
        for (server, rates) in servers.iter().zip(&mut rounds) {
            rates.push(run(options, server, value_bytes)?);
        }
    }
    for (server, rates) in servers.iter().zip(&rounds) {
        let ratios = rates
            .iter()
            .zip(&rounds[0])
            .map(|(rate, first)| rate / first);
        let spreads = Spread::of(rates.iter().copied()).zip(Spread::of(ratios));
        summary
            .memcaslap
            .extend(spreads.map(|(operations_per_second, ratio)| MemcaslapRow {
                server: server.name.clone(),
                value_bytes,
                operations_per_second,
                ratio,
            }));
    }
    Ok(())
}

/// Operations per second.
fn run(options: &Options, server: &Server, value_bytes: u32) -> Result<f64, Failure> {
    let output = Command::new(PROGRAM)
        .args(["-s", &server.address.to_string(), "-T", "1"])
        .args(["-c", &options.connections.to_string(), "-w", WINDOW_KEYS])
        .args(["-X", &value_bytes.to_string()])
        .args(["-t", &format!("{}s", options.seconds.ceil())])
        .output()
        .map_err(|error| {
            Failure::new(
                format!("run {PROGRAM}"),
                error,
                "install it (Debian: apt-get install libmemcached-tools) or leave --memcaslap away",
            )
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    rate_of(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        Failure::server(&server.name, format!("{PROGRAM} says {text}{errors}"))
    })
}

/// The number behind `TPS: ` in the last line.
fn rate_of(text: &str) -> Option<f64> {
    let (_, rest) = text.rsplit_once("TPS: ")?;
    let rate = rest.split_whitespace().next()?.parse().ok()?;
    (f64::is_finite(rate) && rate > 0.0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_rate_is_read() {
        let text =
            "TPS: 1 Net_rate: 1M/s\n\nRun time: 2.0s Ops: 80000 TPS: 39990 Net_rate: 8.9M/s\n";
        assert_eq!(rate_of(text), Some(39990.0));
        for text in ["", "TPS: ", "TPS: x", "TPS: 0 ", "TPS: nan "] {
            assert_eq!(rate_of(text), None, "{text}");
        }
    }
}
