//! Progress on stderr: a bar on a terminal, one line elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `bytes` bytes of bitcode.
pub(super) fn bar(bytes: u64) -> ProgressBar {
    const MESSAGE: &str = "instrumenting the standard library (once per toolchain)";
    if !std::io::stderr().is_terminal() {
        eprintln!("cargo asc: {MESSAGE}");
    }
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent}% {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes)
        .with_style(style)
        .with_message(MESSAGE)
}
