//! Times one workload, a batch for each line on standard input.
//!
//! `measure cache VALUE_BYTES [REST_MIB]` or `measure outside`; `REST_MIB` of protected memory lie beside the
//! cache, and no request touches them. Says `ready MODE` and sizes once it is set up; then answers every
//! line, which holds a number of operations, with nanoseconds per operation, the bytes of the largest log
//! and the bytes that the scrubber has verified so far.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use asc_benches::cache::Cache;
use asc_benches::outside;
use asc_runtime::protected;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["cache", value_bytes] => cache(value_bytes, "0"),
        ["cache", value_bytes, rest_mib] => cache(value_bytes, rest_mib),
        ["outside"] => answer(outside::run),
        _ => Err(io::Error::other(
            "usage: measure cache VALUE_BYTES [REST_MIB] | measure outside",
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn cache(value_bytes: &str, rest_mib: &str) -> io::Result<()> {
    let rest = rest(number(rest_mib)?);
    let mut cache = Cache::filled(number(value_bytes)?);
    let outcome = answer(|operations| cache.run(operations));
    drop(rest);
    outcome
}

fn number(text: &str) -> io::Result<usize> {
    text.parse()
        .map_err(|error| io::Error::other(format!("`{text}`: {error}")))
}

/// Protected memory that holds something.
fn rest(mib: usize) -> Vec<Vec<u8>> {
    let block = |number| protected(|| vec![number as u8 | 1; 1 << 20]);
    (0..mib).map(block).collect()
}

fn answer(mut run: impl FnMut(usize) -> Duration) -> io::Result<()> {
    let statistics = asc_runtime::statistics();
    println!(
        "ready {} {} {} {}",
        asc_runtime::mode().name(),
        statistics.log_bytes_max,
        statistics.integrity.code_bytes,
        statistics.integrity.protected_bytes,
    );
    for line in io::stdin().lock().lines() {
        let operations: usize = line?.trim().parse().map_err(io::Error::other)?;
        let spent = run(operations).as_nanos() as f64 / operations as f64;
        let statistics = asc_runtime::statistics();
        println!(
            "{spent:.2} {} {}",
            statistics.log_bytes_max, statistics.integrity.scrub_bytes
        );
        io::stdout().flush()?;
    }
    Ok(())
}
