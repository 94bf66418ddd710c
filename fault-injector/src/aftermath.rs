//! What a fault left in memory: the struck copy's last moment beside that of a healthy copy.
//!
//! 1. Both run until they are about to exit, where their memory can still be read.
//! 2. Heap, data and anonymous mappings are compared word by word; stacks are left out, since
//!    what lies below their pointers says nothing.
//!
//! This is how an escape is explained: `asc-inject replay --memory`.

use nix::sys::ptrace;
use nix::sys::signal::Signal;

use crate::failure::Result;
use crate::tracer::maps::{self, Mapping};
use crate::tracer::{Stop, Tracee};

/// Mappings larger than this are reserved, not used.
const MAPPING_BYTES_MAX: u64 = 64 << 20;
const WORD_BYTES: usize = 8;

/// The memory of a process, mapping by mapping.
#[derive(Debug)]
pub struct Memory {
    mappings: Vec<(Mapping, Vec<u8>)>,
}

/// A word that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub address: u64,
    /// In which mapping.
    pub mapping: String,
    /// What a healthy copy has there.
    pub right: u64,
    /// What the struck one has.
    pub found: u64,
}

impl Memory {
    /// Lets a copy run until it is about to end, and reads its memory. `None` if it was ended
    /// before it could be read.
    pub fn at_the_end(copy: &mut Tracee) -> Result<Option<Self>> {
        copy.stop_at_exit()?;
        copy.resume()?;
        loop {
            match copy.stop() {
                Stop::Event(nix::libc::PTRACE_EVENT_EXIT) => break,
                Stop::Exited(_) | Stop::Killed(_) => return Ok(None),
                Stop::Signal(signal) if signal != Signal::SIGSTOP => copy.deliver(signal)?,
                _ => copy.resume()?,
            };
        }
        let mut mappings = Vec::new();
        for mapping in maps::of(copy.pid())? {
            let length = mapping.end - mapping.start;
            let stack = mapping.name.starts_with("[stack");
            if !mapping.writable || stack || length > MAPPING_BYTES_MAX {
                continue;
            }
            let mut bytes = vec![0; length as usize];
            if copy.read(mapping.start, &mut bytes).is_ok() {
                mappings.push((mapping, bytes));
            }
        }
        Ok(Some(Self { mappings }))
    }

    /// Words in which `struck` differs from this.
    pub fn differences(&self, struck: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (mapping, right) in &self.mappings {
            let same = |(other, _): &&(Mapping, Vec<u8>)| other.start == mapping.start;
            let Some((_, found)) = struck.mappings.iter().find(same) else {
                continue;
            };
            let words = right
                .as_chunks::<WORD_BYTES>()
                .0
                .iter()
                .zip(found.as_chunks::<WORD_BYTES>().0);
            for (number, (right, found)) in words.enumerate().filter(|(_, (a, b))| a != b) {
                differences.push(Difference {
                    address: mapping.start + (number * WORD_BYTES) as u64,
                    mapping: mapping.name.clone(),
                    right: u64::from_le_bytes(*right),
                    found: u64::from_le_bytes(*found),
                });
            }
        }
        differences
    }
}

impl Tracee {
    /// Has it stop once more before it ends.
    fn stop_at_exit(&self) -> Result<()> {
        let options = ptrace::Options::PTRACE_O_EXITKILL | ptrace::Options::PTRACE_O_TRACEEXIT;
        ptrace::setoptions(self.pid(), options).map_err(|error| self.broken("set options", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_words_are_named() {
        let memory = |byte: u8| Memory {
            mappings: vec![(
                Mapping {
                    start: 0x1000,
                    end: 0x1010,
                    writable: true,
                    executable: false,
                    offset: 0,
                    name: "[heap]".to_owned(),
                },
                [[0; 8], [byte; 8]].concat(),
            )],
        };
        assert_eq!(memory(1).differences(&memory(1)), []);
        let differences = memory(1).differences(&memory(2));
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].address, 0x1008);
        assert_eq!(differences[0].found, 0x0202_0202_0202_0202);
    }
}
