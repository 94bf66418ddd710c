//! What may be chosen about line codes, read from the environment at the first protected allocation.
//!
//! | variable | values | without it |
//! |---|---|---|
//! | `ASC_LINE_BYTES` | a power of two from 64 to 4,096 | 128 |
//! | `ASC_ROT` | `correct`, `stop` | `correct` |
//! | `ASC_SCRUB_MIB_PER_SECOND` | a number; 0 for no scrubber | 0 |

use core::ffi::CStr;
use std::sync::OnceLock;

use crate::refuse::refuse;

/// Length of a line unless it is set; see `README.md` for the measurements.
const LINE_BYTES: usize = 128;

/// What happens to a line with a single flipped bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rot {
    /// The bit is flipped back, and one line on standard error says so.
    Correct,
    /// It is a fault like every other.
    Stop,
}

/// The settings of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) line_bytes: usize,
    pub(crate) rot: Rot,
    pub(crate) scrub_bytes_per_second: u64,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// The settings. Allocates nothing, because an allocator asks.
pub(crate) fn settings() -> &'static Settings {
    SETTINGS.get_or_init(|| Settings {
        line_bytes: number(c"ASC_LINE_BYTES", LINE_BYTES as u64) as usize,
        rot: match text(c"ASC_ROT") {
            None | Some("correct") => Rot::Correct,
            Some("stop") => Rot::Stop,
            Some(other) => refuse(format_args!(
                "ASC_ROT is `correct` or `stop`, not `{other}`"
            )),
        },
        scrub_bytes_per_second: number(c"ASC_SCRUB_MIB_PER_SECOND", 0) << 20,
    })
}

fn number(name: &CStr, default: u64) -> u64 {
    let Some(text) = text(name) else {
        return default;
    };
    match text.parse() {
        Ok(number) if number < 1 << 40 => number,
        _ => refuse(format_args!(
            "{} is a whole number, not `{text}`",
            name.to_string_lossy()
        )),
    }
}

fn text(name: &CStr) -> Option<&'static str> {
    // SAFETY: a C string.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a C string of the environment, which hardened programs do not change before the first
    // protected allocation.
    let value = unsafe { CStr::from_ptr(value) };
    value.to_str().ok().filter(|value| !value.is_empty())
}
