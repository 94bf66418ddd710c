//! The symbols of one object file.

use std::fs;
use std::ops::Range;
use std::path::Path;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

use crate::failure::{Failure, Result};

/// One object file's symbols and text, by addresses relative to where the object is loaded.
#[derive(Debug)]
pub struct Image {
    functions: Vec<Function>,
    /// Start and length of `.text`.
    pub text: (u64, u64),
    /// Where a runtime with line codes says which memory they cover; see [`LINES`].
    pub lines: Option<u64>,
}

/// The symbol of asc-runtime's words about line codes. The first is the address of what they cover, the
/// second 0 until they are started.
pub const LINES: &str = "asc_lines";

#[derive(Debug)]
struct Function {
    start: u64,
    length: u64,
    name: String,
}

impl Image {
    /// Reads the object file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Failure::file("a program", path, error))?;
        let file = object::File::parse(&*bytes)
            .map_err(|error| Failure::file("an ELF program", path, error))?;
        let mut functions: Vec<Function> = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| {
                Some(Function {
                    start: symbol.address(),
                    length: symbol.size(),
                    name: symbol.name().ok()?.to_owned(),
                })
            })
            .collect();
        functions.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        let text = file
            .section_by_name(".text")
            .map_or((0, 0), |section| (section.address(), section.size()));
        let lines = file
            .symbols()
            .find(|symbol| symbol.name() == Ok(LINES))
            .map(|symbol| symbol.address());
        Ok(Self {
            functions,
            text,
            lines,
        })
    }

    /// The address of the only function with this unmangled name.
    pub fn only(&self, name: &str) -> Result<u64> {
        let mut starts: Vec<u64> = self
            .functions
            .iter()
            .filter(|function| function.name == name)
            .map(|function| function.start)
            .collect();
        starts.dedup();
        match starts[..] {
            [start] => Ok(start),
            _ => Err(Failure::new(
                format!("exactly one function `{name}` in the target"),
                format!("{}", starts.len()),
                "the target's `main` must return `fault_injector::target::serve::<T>()`, and the \
                 program must not be stripped",
            )),
        }
    }

    /// The address of the only function whose demangled path is `path` or ends with it.
    pub fn entry(&self, path: &str) -> Result<u64> {
        let tail = format!("::{path}");
        let mut found: Vec<(u64, String)> = self
            .functions
            .iter()
            .map(|function| (function.start, demangled(&function.name)))
            .filter(|(_, name)| name == path || name.ends_with(&tail))
            .collect();
        found.dedup();
        match &found[..] {
            [(start, _)] => Ok(*start),
            _ => {
                let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
                Err(Failure::new(
                    format!("exactly one function `{path}` in the server"),
                    match names.is_empty() {
                        true => "none: it may be inlined".to_owned(),
                        false => names.join(", "),
                    },
                    "name a function with --entry as `nm -C` shows it in both builds",
                ))
            }
        }
    }

    /// Where the functions lie whose demangled names contain one of `parts`.
    pub fn functions_within(&self, parts: &'static [&str]) -> impl Iterator<Item = Range<u64>> {
        self.functions
            .iter()
            .filter(|function| {
                let name = demangled(&function.name);
                parts.iter().any(|part| name.contains(part))
            })
            .map(|function| function.start..function.start + function.length)
    }

    /// The function that holds `address`, demangled, and the offset into it.
    pub fn function(&self, address: u64) -> Option<(String, u64)> {
        let after = self
            .functions
            .partition_point(|function| function.start <= address);
        // Symbols that share a start: the first one with a length that reaches.
        let start = self.functions[..after].last()?.start;
        let first = self
            .functions
            .partition_point(|function| function.start < start);
        let offset = address - start;
        self.functions[first..after]
            .iter()
            .find(|function| offset < function.length.max(1) || function.length == 0)
            .map(|function| (demangled(&function.name), offset))
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
