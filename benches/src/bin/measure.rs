//! Times one workload, a batch for each line on standard input.
//!
//! `measure cache VALUE_BYTES` or `measure outside`. Says `ready MODE` and sizes once it is set up; then
//! answers every line, which holds a number of operations, with nanoseconds per operation.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use asc_benches::cache::Cache;
use asc_benches::outside;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["cache", value_bytes] => match value_bytes.parse() {
            Ok(value_bytes) => {
                let mut cache = Cache::filled(value_bytes);
                answer(|operations| cache.run(operations))
            }
            Err(error) => Err(io::Error::other(format!(
                "value bytes `{value_bytes}`: {error}"
            ))),
        },
        ["outside"] => answer(outside::run),
        _ => Err(io::Error::other(
            "usage: measure cache VALUE_BYTES | measure outside",
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
        println!("{spent:.2} {}", asc_runtime::statistics().log_bytes_max);
        io::stdout().flush()?;
    }
    Ok(())
}
