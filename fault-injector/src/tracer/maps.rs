//! What is mapped where in a target.

use std::fs;
use std::path::PathBuf;

use nix::unistd::Pid;

use crate::failure::{Failure, Result};

/// One mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Behind the last.
    pub end: u64,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether it can be executed.
    pub executable: bool,
    /// Where the file's part begins.
    pub offset: u64,
    /// The file, `[heap]`, `[stack]`, or nothing.
    pub name: String,
}

/// All mappings of a process.
pub fn of(pid: Pid) -> Result<Vec<Mapping>> {
    let path = PathBuf::from(format!("/proc/{pid}/maps"));
    let text =
        fs::read_to_string(&path).map_err(|error| Failure::file("its mappings", &path, error))?;
    Ok(text.lines().filter_map(parse).collect())
}

/// The mapping that holds `address`.
pub fn holding(maps: &[Mapping], address: u64) -> Option<&Mapping> {
    maps.iter()
        .find(|mapping| (mapping.start..mapping.end).contains(&address))
}

fn parse(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let offset = words.next()?;
    let name = words.nth(2).unwrap_or_default();
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        writable: rights.contains('w'),
        executable: rights.contains('x'),
        offset: u64::from_str_radix(offset, 16).ok()?,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_understood() {
        let line = "7ffff7c28000-7ffff7d9d000 r-xp 00028000 fe:00 1234    /lib/libc.so.6";
        let mapping = parse(line).unwrap();
        assert_eq!((mapping.start, mapping.offset), (0x7fff_f7c2_8000, 0x28000));
        assert!(mapping.executable && !mapping.writable);
        assert_eq!(mapping.name, "/lib/libc.so.6");
        assert_eq!(parse("7f-8f rw-p 0 00:00 0").unwrap().name, "");
        assert_eq!(parse("nonsense"), None);
    }
}
