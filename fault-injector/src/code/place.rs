//! Which function and source line an instruction belongs to, and whose code it is.
//!
//! The zone follows the innermost inlined function that is not the standard library's: what
//! the runtime inlined of `core` is the runtime's, what a handler inlined is the application's. Code
//! without debug information, which is assembly, goes by its symbol.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use addr2line::Loader;

use super::image::Image;
use crate::failure::{Failure, Result};
use crate::results::Zone;
use crate::tracer::maps::Mapping;

/// Crates that only the runtime calls.
const RUNTIME_PATHS: [&str; 3] = ["asc-runtime/src/", "/crc-fast-", "/memmap2-"];
const RUNTIME_SYMBOLS: [&str; 6] = [
    "asc_runtime::",
    "crc_fast::",
    "memmap2::",
    "__asan_",
    "__tsan_",
    "__wrap_",
];
/// How functions of the runtime that are assembly begin; those of a target are markers.
const RUNTIME_ASSEMBLY: &str = "asc_";
const MARKER: &str = "asc_target_";
const STANDARD_LIBRARY: &str = "/library/";
/// What the expansion of `#[asc_handler]` calls, which is inlined around the handler's body or not.
const HANDLER_SYMBOLS: [&str; 2] = ["asc_runtime::run_twice::", "asc_runtime::run_once::"];
const HANDLER_SOURCES: [&str; 2] = ["asc-runtime/src/run_twice", "asc-runtime/src/run_once"];

/// Where an instruction lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to its object.
    pub address: u64,
    /// Function with offset.
    pub symbol: String,
    /// `file:line`, or nothing.
    pub line: String,
    /// Whose code it is.
    pub zone: Zone,
    /// Whether it belongs to the call of a handler: a frame of what `#[asc_handler]` expands to is
    /// around it.
    pub handler: bool,
}

impl Place {
    /// The symbol without its offset.
    pub fn function(&self) -> &str {
        self.symbol
            .rsplit_once('+')
            .map_or(&self.symbol, |(name, _)| name)
    }
}

/// Names addresses of one target.
pub struct Atlas {
    program: PathBuf,
    base: u64,
    image: Image,
    lines: Loader,
    maps: Vec<Mapping>,
    libraries: HashMap<String, Option<Image>>,
}

impl std::fmt::Debug for Atlas {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Atlas")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Atlas {
    /// An atlas of `program`, loaded as `maps` say.
    pub fn new(program: &Path, maps: Vec<Mapping>) -> Result<Self> {
        let base = base_of(program, &maps)?;
        let lines = Loader::new(program)
            .map_err(|error| Failure::file("debug information", program, error))?;
        Ok(Self {
            program: program.to_owned(),
            base,
            image: Image::read(program)?,
            lines,
            maps,
            libraries: HashMap::new(),
        })
    }

    /// Where the program is loaded.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The program's symbols.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Names an address.
    pub fn place(&mut self, address: u64) -> Place {
        let holding = crate::tracer::maps::holding(&self.maps, address).cloned();
        match holding {
            Some(mapping) if Path::new(&mapping.name) == self.program => {
                self.in_program(address - self.base)
            }
            Some(mapping) => self.in_library(address, &mapping.name),
            None => outside(address, "?"),
        }
    }

    fn in_program(&self, address: u64) -> Place {
        let function = self.image.function(address);
        let name = function.as_ref().map_or("?", |(name, _)| name.as_str());
        let (line, zone) = self.source(address);
        Place {
            address,
            symbol: with_offset(&function),
            line: line.unwrap_or_default(),
            zone: zone.unwrap_or_else(|| zone_of_symbol(name)),
            handler: HANDLER_SYMBOLS.iter().any(|part| name.starts_with(part))
                || self.has_handler_frame(address),
        }
    }

    fn has_handler_frame(&self, address: u64) -> bool {
        let Ok(mut frames) = self.lines.find_frames(address) else {
            return false;
        };
        while let Ok(Some(frame)) = frames.next() {
            let file = frame.location.and_then(|location| location.file);
            if file.is_some_and(|file| HANDLER_SOURCES.iter().any(|part| file.contains(part))) {
                return true;
            }
        }
        false
    }

    /// Line and zone of the innermost frame that is not the standard library's.
    fn source(&self, address: u64) -> (Option<String>, Option<Zone>) {
        let Ok(mut frames) = self.lines.find_frames(address) else {
            return (None, None);
        };
        let mut innermost = None;
        while let Ok(Some(frame)) = frames.next() {
            let Some(location) = frame.location else {
                continue;
            };
            let (Some(file), line) = (location.file, location.line.unwrap_or(0)) else {
                continue;
            };
            let named = format!("{}:{line}", short(file));
            if file.contains(STANDARD_LIBRARY) {
                innermost.get_or_insert(named);
                continue;
            }
            let runtime = RUNTIME_PATHS.iter().any(|path| file.contains(path));
            let zone = if runtime {
                Zone::Runtime
            } else {
                Zone::Application
            };
            return (Some(named), Some(zone));
        }
        (innermost, None)
    }

    fn in_library(&mut self, address: u64, name: &str) -> Place {
        let base = self
            .maps
            .iter()
            .filter(|mapping| mapping.name == name)
            .map(|mapping| mapping.start - mapping.offset)
            .min()
            .unwrap_or(0);
        let image = self
            .libraries
            .entry(name.to_owned())
            .or_insert_with(|| Image::read(Path::new(name)).ok());
        let function = image
            .as_ref()
            .and_then(|image| image.function(address - base));
        match function {
            Some(_) => Place {
                address: address - base,
                symbol: with_offset(&function),
                line: String::new(),
                zone: Zone::Libc,
                handler: false,
            },
            None => outside(address - base, name.rsplit('/').next().unwrap_or(name)),
        }
    }
}

/// The load address of `program`.
pub fn base_of(program: &Path, maps: &[Mapping]) -> Result<u64> {
    maps.iter()
        .filter(|mapping| Path::new(&mapping.name) == program)
        .map(|mapping| mapping.start - mapping.offset)
        .min()
        .ok_or_else(|| {
            Failure::new(
                format!("{} to be mapped", program.display()),
                "nothing of it",
                "do not replace the program's file while a campaign runs; build it again",
            )
        })
}

fn outside(address: u64, name: &str) -> Place {
    Place {
        address,
        symbol: format!("{name}+{address:#x}"),
        line: String::new(),
        zone: Zone::Libc,
        handler: false,
    }
}

fn with_offset(function: &Option<(String, u64)>) -> String {
    match function {
        Some((name, offset)) => format!("{name}+{offset:#x}"),
        None => "?".to_owned(),
    }
}

fn zone_of_symbol(name: &str) -> Zone {
    let assembly =
        name.starts_with(RUNTIME_ASSEMBLY) && !name.starts_with(MARKER) && !name.contains("::");
    if assembly || RUNTIME_SYMBOLS.iter().any(|part| name.contains(part)) {
        Zone::Runtime
    } else {
        Zone::Application
    }
}

/// A source file's name without what differs from checkout to checkout.
fn short(file: &str) -> &str {
    for border in ["/library/", "/registry/src/"] {
        if let Some(at) = file.find(border) {
            let rest = &file[at + border.len()..];
            return match border {
                "/library/" => &file[at + 1..],
                _ => rest.split_once('/').map_or(rest, |(_, rest)| rest),
            };
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let stripped = root.and_then(|root| Path::new(file).strip_prefix(root).ok());
    stripped.and_then(Path::to_str).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_symbol() {
        assert_eq!(zone_of_symbol("__asan_store8_noabort"), Zone::Runtime);
        assert_eq!(
            zone_of_symbol("asc_runtime::hardened::gate::pass"),
            Zone::Runtime
        );
        assert_eq!(
            zone_of_symbol("asc_memcached::cache::Shard::get"),
            Zone::Application
        );
        assert_eq!(zone_of_symbol("asc_target_begin"), Zone::Application);
        assert_eq!(zone_of_symbol("asc_log_8"), Zone::Runtime);
    }

    #[test]
    fn file_names_do_not_depend_on_the_checkout() {
        assert_eq!(
            short("/rustc/abc/library/core/src/ptr/mod.rs"),
            "library/core/src/ptr/mod.rs"
        );
        assert_eq!(
            short("/h/.cargo/registry/src/index-1/slab-0.4/src/lib.rs"),
            "slab-0.4/src/lib.rs"
        );
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
        assert_eq!(short(own), "fault-injector/src/lib.rs");
    }
}
