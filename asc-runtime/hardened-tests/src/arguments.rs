//! `name=value` arguments with defaults, printed so that a run can be repeated.

use std::process::exit;

/// Exit status for a wrong command line.
const EXIT_USAGE: i32 = 2;

/// The value of argument `name`, or `default`.
///
/// Exits with a message if the value is not a number.
pub fn number(name: &str, default: u64) -> u64 {
    let Some(text) = text(name) else {
        return default;
    };
    text.parse().unwrap_or_else(|error| {
        eprintln!("argument `{name}={text}`: {error}");
        exit(EXIT_USAGE)
    })
}

/// The value of argument `name`, if it was given.
pub fn text(name: &str) -> Option<String> {
    std::env::args().skip(1).find_map(|argument| {
        let value = argument.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.to_owned())
    })
}

/// Whether the bare argument `name` was given.
pub fn flag(name: &str) -> bool {
    std::env::args().skip(1).any(|argument| argument == name)
}
