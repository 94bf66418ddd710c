//! Bits that flip in protected memory while it rests, through the real runtime: builds with
//! `--integrity crc`.
//!
//! | first argument | what is shown |
//! |---|---|
//! | `single` | every bit of sampled lines and their codes, one at a time: corrected before a handler reads it, or beside what it writes |
//! | `several` | 2 and 3 bits, bursts of 2 to 32 bits: each life ends with an incident and says nothing wrong |
//! | `stop` | with `ASC_ROT=stop` a single bit ends it, too |
//! | `during` | a bit that rots beside what a handler writes, while it runs: found by the next one |
//! | `stray` | a store that no hook announced, beside what a handler writes: an incident |
//! | `wild` | stores from outside of handlers, copies, fills and atomics, followed by the codes |
//! | `shared` | threads in handlers and outside, all at work on the words of the same lines |
//! | `hook` | the panic hook stores to protected memory while a handler is in progress |
//! | `forks` | with `ASC_SCRUB_MIB_PER_SECOND` every child has codes that agree and a scrubber of its own |
//! | `scrubber` | with `ASC_SCRUB_MIB_PER_SECOND` flips are found that nobody reads |
//!
//! Arguments: `seed=N`, `lines=N` (sampled lines), `count=N`.

mod cases;
mod forks;
mod panics;
mod sharing;
mod state;

use std::process::ExitCode;

use asc_hardened_tests::arguments;

fn main() -> ExitCode {
    let seed = arguments::number("seed", 1);
    let lines = arguments::number("lines", 4) as usize;
    let count = arguments::number("count", 2_000);
    let mode = std::env::args().nth(1).unwrap_or_default();
    println!("rest {mode} seed={seed} lines={lines} count={count}");
    match mode.as_str() {
        "single" => cases::single(seed, lines),
        "several" => cases::several(seed, lines, count),
        "stop" => cases::stop(seed, count),
        "during" => cases::during(seed),
        "stray" => cases::stray(),
        "wild" => cases::wild(seed, count),
        "shared" => sharing::shared(seed, count),
        "hook" => panics::hook(),
        "forks" => forks::forks(seed, count),
        "scrubber" => cases::scrubber(seed, lines),
        _ => {
            eprintln!("a mode is wanted, see the source");
            return ExitCode::FAILURE;
        }
    }
    let integrity = asc_runtime::statistics().integrity;
    println!("{integrity:?}");
    assert_eq!(asc_runtime::statistics().faults, 0);
    ExitCode::SUCCESS
}
