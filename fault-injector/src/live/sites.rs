//! The instructions that a worker's servers have been seen to execute.
//!
//! Without address randomisation they lie at the same addresses in every life.

use std::collections::HashMap;
use std::path::Path;

use nix::unistd::Pid;

use crate::code::place::Atlas;
use crate::failure::Result;
use crate::profile::{Piece, Site};
use crate::tracer::{Tracee, maps};

/// Instructions by address.
#[derive(Debug)]
pub struct Sites {
    atlas: Atlas,
    known: HashMap<u64, Site>,
}

impl Sites {
    /// Those of `program`, as `process` has it loaded.
    pub fn new(program: &Path, process: Pid) -> Result<Self> {
        Ok(Self {
            atlas: Atlas::new(program, maps::of(process)?)?,
            known: HashMap::new(),
        })
    }

    /// The address of what lies at `offset` in the program.
    pub fn loaded(&self, offset: u64) -> u64 {
        self.atlas.base() + offset
    }

    /// The program's text, as loaded.
    pub fn text(&self) -> Piece {
        let (start, length) = self.atlas.image().text;
        Piece {
            address: self.loaded(start),
            length,
        }
    }

    /// The instruction at `address`.
    pub fn at(&mut self, tracee: &Tracee, address: u64) -> Result<&Site> {
        use std::collections::hash_map::Entry;
        match self.known.entry(address) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Site::read(tracee, address, &mut self.atlas)?)),
        }
    }
}
