//! Which processor it was: core, model and microcode.
//!
//! Read without the heap, which may be what is corrupt.

use core::ffi::CStr;
use core::fmt::Write as _;

use crate::text::Text;

const CPUINFO: &CStr = c"/proc/cpuinfo";
/// Model and microcode stand in the first lines of the first processor.
const CPUINFO_BYTES: usize = 1024;

/// Longest name, in bytes; processors' own end at 48.
pub(crate) type Name = Text<64>;

/// The processor that the thread is running on. The model and the microcode are those of the
/// machine's first core.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processor {
    pub(crate) core: Option<u32>,
    pub(crate) model: Name,
    pub(crate) microcode: Name,
}

impl Processor {
    pub(crate) fn current() -> Self {
        let mut bytes = [0; CPUINFO_BYTES];
        let read = read_start(CPUINFO, &mut bytes);
        let text = read.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Self {
            core: core(),
            model: field(text, "model name"),
            microcode: field(text, "microcode"),
        }
    }
}

/// The core that the thread is running on.
pub(crate) fn core() -> Option<u32> {
    // SAFETY: takes no arguments.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// The value of a line `name : value`; empty if there is none.
fn field(text: &str, name: &str) -> Name {
    let mut value = Name::new();
    let found = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == name).then_some(value.trim())
    });
    // A text is cut and never fails.
    let _ = value.write_str(found.unwrap_or(""));
    value
}

/// The start of a file; empty if it cannot be read.
fn read_start<'a>(path: &CStr, bytes: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: a C string.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return &[];
    }
    // SAFETY: the buffer is live and that long.
    let read = unsafe { libc::read(file, bytes.as_mut_ptr().cast(), bytes.len()) };
    // SAFETY: opened above, closed once.
    unsafe { libc::close(file) };
    &bytes[..usize::try_from(read).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text =
            "processor\t: 0\nmodel\t\t: 1\nmodel name\t: A Processor: fast\nmicrocode\t: 0xb2\n";
        assert_eq!(field(text, "model name").as_str(), "A Processor: fast");
        assert_eq!(field(text, "microcode").as_str(), "0xb2");
        assert_eq!(field(text, "stepping").as_str(), "");
    }

    #[test]
    fn this_machine_has_a_core() {
        assert!(Processor::current().core.is_some());
    }
}
