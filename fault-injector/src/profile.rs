//! The golden walk: every instruction of every struck request, in order.
//!
//! 1. Each request is stepped from its first marker to its last.
//! 2. Every instruction met is decoded, named and put into a zone once.
//! 3. On the way it is noted what the runtime writes of its own, and when the reply begins.
//!
//! Two walks must be equal, or the target is not a function of its requests and no campaign
//! against it means anything.

mod heap;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;

use crate::code::facts::{Facts, INSTRUCTION_BYTES_MAX};
use crate::code::operands;
use crate::code::place::{Atlas, Place};
use crate::code::whereabouts::Whereabouts;
use crate::failure::{Failure, Result};
use crate::results::{Model, Zone};
use crate::tracer::Tracee;
use crate::tracer::launch::Launcher;
use crate::tracer::maps::{self, Mapping};
use crate::walk::{Markers, Walk};

/// Longest walk through one request: a minute of stepping.
const STEPS_MAX: usize = 5_000_000;

/// An instruction of the target.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its address in the process.
    pub address: u64,
    /// What it reads and writes.
    pub facts: Facts,
    /// Where it stands.
    pub place: Place,
}

impl Site {
    /// Decodes and names the instruction at `address`.
    pub fn read(tracee: &Tracee, address: u64, atlas: &mut Atlas) -> Result<Self> {
        let mut bytes = [0; INSTRUCTION_BYTES_MAX];
        tracee.read(address, &mut bytes)?;
        Ok(Self {
            address,
            facts: Facts::decode(address, &bytes)?,
            place: atlas.place(address),
        })
    }
}

/// A piece of the target's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Piece {
    /// First byte.
    pub address: u64,
    /// Bytes.
    pub length: u64,
}

/// One request, walked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestWalk {
    /// Its index in the trace.
    pub request: u32,
    /// The instructions as they were executed: indices of [`Profile::sites`].
    pub steps: Vec<u32>,
    /// The request's bytes.
    pub input: Piece,
    /// The reply's bytes.
    pub reply: Piece,
    /// The first step behind the seal of the request.
    pub sealed_at: u64,
    /// The first step behind the handler.
    pub replied_at: u64,
    /// The first step behind the first store to the reply's bytes.
    pub reply_begun_at: Option<u64>,
    /// Where the model `heap` strikes: all of the C library's heap, or what line codes cover.
    pub heap: Piece,
    /// Words that the runtime wrote in memory of its own.
    pub runtime_words: Vec<u64>,
    /// The steps that no handler executes, in order.
    pub outside: Vec<Range<u64>>,
}

/// The walks through all struck requests.
#[derive(Debug, Default)]
pub struct Profile {
    /// Every instruction met.
    pub sites: Vec<Site>,
    /// In the order of the trace.
    pub requests: Vec<RequestWalk>,
    /// The program's text, as loaded.
    pub text: Piece,
    /// Whether the target calls handlers made with `#[asc_handler]`: else nothing is around them.
    pub has_handlers: bool,
    known: HashMap<u64, u32>,
}

impl Profile {
    /// Walks through `requests`, twice each.
    pub fn take(
        launcher: &Launcher,
        markers: &Markers,
        requests: &[u32],
        mut progress: impl FnMut(),
    ) -> Result<Self> {
        let mut profile = Self::default();
        let mut atlas = None;
        for &request in requests {
            let first = profile.walk(launcher, markers, request, &mut atlas)?;
            let second = profile.walk(launcher, markers, request, &mut atlas)?;
            demand_equal(&profile, &first, &second)?;
            profile.requests.push(first);
            progress();
        }
        Ok(profile)
    }

    /// The zone of what a fault of this model strikes at a step. What strikes a moment and not an
    /// instruction is nobody's code.
    pub fn zone(&self, walk: &RequestWalk, step: u64, model: Model) -> Zone {
        let zone = self.sites[walk.steps[step as usize] as usize].place.zone;
        let around = self.has_handlers && model.strikes_one_instruction();
        let behind = walk.outside.partition_point(|part| part.end <= step);
        let outside = walk
            .outside
            .get(behind)
            .is_some_and(|part| part.contains(&step));
        zone.around(!(around && outside))
    }

    /// Instructions of all walks together.
    pub fn instructions(&self) -> u64 {
        self.requests
            .iter()
            .map(|walk| walk.steps.len() as u64)
            .sum()
    }

    fn walk(
        &mut self,
        launcher: &Launcher,
        markers: &Markers,
        request: u32,
        atlas: &mut Option<Atlas>,
    ) -> Result<RequestWalk> {
        let mut walk = Walk::to_request(launcher, markers, request)?;
        let maps = maps::of(walk.tracee().pid())?;
        let atlas = match atlas {
            Some(atlas) => atlas,
            None => atlas.insert(self.open_atlas(&markers.program, &maps)?),
        };
        let heap = heap::of(&walk, markers.lines, &maps)?;
        let mut recorder = Recorder::new(&walk, request, markers, &maps, heap);
        loop {
            let number = self.site(&walk, atlas)?;
            let site = &self.sites[number as usize];
            self.has_handlers |= site.place.handler;
            recorder.note(&walk, number, site)?;
            if walk.is_over() {
                return Ok(recorder.finish(&walk));
            }
            if recorder.walk.steps.len() > STEPS_MAX {
                return Err(too_long(request));
            }
            walk.advance(&self.sites[number as usize].facts)?;
        }
    }

    fn open_atlas(&mut self, program: &Path, maps: &[Mapping]) -> Result<Atlas> {
        let atlas = Atlas::new(program, maps.to_vec())?;
        let (start, length) = atlas.image().text;
        self.text = Piece {
            address: atlas.base() + start,
            length,
        };
        Ok(atlas)
    }

    /// The site at which the walk stands.
    fn site(&mut self, walk: &Walk, atlas: &mut Atlas) -> Result<u32> {
        let address = walk.registers().rip;
        if let Some(number) = self.known.get(&address) {
            return Ok(*number);
        }
        let number = self.sites.len() as u32;
        self.sites.push(Site::read(walk.tracee(), address, atlas)?);
        self.known.insert(address, number);
        Ok(number)
    }
}

/// Collects one walk.
struct Recorder<'a> {
    walk: RequestWalk,
    maps: &'a [Mapping],
    sealed: u64,
    replied: u64,
    stores: Vec<(u64, Piece)>,
    runtime_words: BTreeSet<u64>,
    whereabouts: Whereabouts,
}

impl<'a> Recorder<'a> {
    fn new(walk: &Walk, request: u32, markers: &Markers, maps: &'a [Mapping], heap: Piece) -> Self {
        let registers = walk.registers();
        Self {
            walk: RequestWalk {
                request,
                steps: Vec::new(),
                input: Piece {
                    address: registers.rsi,
                    length: registers.rdx,
                },
                reply: Piece::default(),
                sealed_at: 0,
                replied_at: 0,
                reply_begun_at: None,
                heap,
                runtime_words: Vec::new(),
                outside: Vec::new(),
            },
            maps,
            sealed: walk.base() + markers.sealed,
            replied: walk.base() + markers.replied,
            stores: Vec::new(),
            runtime_words: BTreeSet::new(),
            whereabouts: Whereabouts::default(),
        }
    }

    /// Notes the instruction before which the walk stands.
    fn note(&mut self, walk: &Walk, number: u32, site: &Site) -> Result<()> {
        let step = self.walk.steps.len() as u64;
        self.walk.steps.push(number);
        let stack = walk.registers().rsp;
        if !self.whereabouts.is_inside(walk.tracee(), stack, site)? {
            match self.walk.outside.last_mut().filter(|part| part.end == step) {
                Some(part) => part.end += 1,
                None => self.walk.outside.push(step..step + 1),
            }
        }
        if site.address == self.sealed {
            self.walk.sealed_at = step;
        }
        if site.address == self.replied {
            self.walk.replied_at = step;
        }
        for memory in &site.facts.memory_writes {
            if let Some(address) = operands::address(walk.registers(), memory) {
                let length = memory.memory_size().size() as u64;
                self.store(step, Piece { address, length }, site.place.zone);
            }
        }
        Ok(())
    }

    fn store(&mut self, step: u64, piece: Piece, zone: Zone) {
        self.stores.push((step, piece));
        if zone == Zone::Runtime && self.is_runtime_memory(piece.address) {
            let words = piece.address / 8..=(piece.address + piece.length - 1) / 8;
            self.runtime_words.extend(words.map(|word| word * 8));
        }
    }

    /// Anonymous mappings but heap and stack, where the runtime keeps everything; the undo of the
    /// application's own stores goes to the others.
    fn is_runtime_memory(&self, address: u64) -> bool {
        maps::holding(self.maps, address).is_some_and(|mapping| mapping.name.is_empty())
    }

    fn finish(mut self, walk: &Walk) -> RequestWalk {
        let registers = walk.registers();
        let reply = Piece {
            address: registers.rdi,
            length: registers.rsi,
        };
        self.walk.reply = reply;
        let end = reply.address + reply.length;
        self.walk.reply_begun_at = self
            .stores
            .iter()
            .find(|(_, store)| store.address < end && reply.address < store.address + store.length)
            .map(|(step, _)| step + 1)
            .filter(|step| *step < self.walk.replied_at);
        self.walk.runtime_words = self.runtime_words.into_iter().collect();
        self.walk
    }
}

fn demand_equal(profile: &Profile, first: &RequestWalk, second: &RequestWalk) -> Result<()> {
    if first == second {
        return Ok(());
    }
    let differing = first
        .steps
        .iter()
        .zip(&second.steps)
        .position(|(a, b)| a != b);
    let found = match differing {
        Some(step) => {
            let site = |walk: &RequestWalk| &profile.sites[walk.steps[step] as usize].place.symbol;
            format!("step {step} at {} and at {}", site(first), site(second))
        }
        None => format!("{} and {} steps", first.steps.len(), second.steps.len()),
    };
    Err(Failure::new(
        format!(
            "two fault-free walks through request {} to be equal",
            first.request
        ),
        found,
        "the target depends on something but its requests: clocks, addresses, random seeds, \
         other threads; make it a function of its requests",
    ))
}

fn too_long(request: u32) -> Failure {
    Failure::new(
        format!("request {request} to take at most {STEPS_MAX} instructions"),
        "more",
        "shorten the requests of the trace",
    )
}
