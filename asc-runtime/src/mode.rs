//! How this program is protected.

/// How handlers of this process are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Built by `cargo asc`: every store is intercepted, every handler runs twice.
    Hardened,
    /// Built by plain cargo, page mode started: the processor's memory management sees what handlers
    /// write, every handler runs twice.
    Page,
    /// Built by plain cargo: handlers run once, unprotected, except those with `intercept = source`.
    Plain,
}

impl Mode {
    /// The name used in statistics: `hardened`, `page` or `plain`.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Hardened => "hardened",
            Mode::Page => "page",
            Mode::Plain => "plain",
        }
    }
}

/// How handlers of this process are protected.
pub fn mode() -> Mode {
    #[cfg(all(feature = "page", not(asc)))]
    if crate::paged::is_started() {
        return Mode::Page;
    }
    if cfg!(asc) {
        Mode::Hardened
    } else {
        Mode::Plain
    }
}

/// Whether every load is checked against a code of its line: in builds by `cargo asc` with `--integrity crc`.
///
/// A program that loads ahead of its needs, to spare itself waits for memory, spares nothing then.
///
/// ```
/// let keys_looked_up_together = if asc_runtime::checks_loads() { 1 } else { 16 };
/// # assert!(keys_looked_up_together > 0);
/// ```
pub const fn checks_loads() -> bool {
    cfg!(asc_crc)
}
