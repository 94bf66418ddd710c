//! Proof that interception is complete for a handler: every byte it changes is logged.
//!
//! [`audit`] calls a handler and, between its two runs, runs it once more between two looks at all
//! writable memory of the process: heap, globals, thread-local storage and the callers' frames.
//! After that run is rolled back, every byte must be what it was. A byte that differs was written
//! by something the compiler did not instrument: C code, inline assembly, a crate compiled without
//! the passes.
//!
//! What an output has reserved but not used holds nothing and is left out. Outputs that the handler
//! writes to are left out whole: the runtime compares them byte by byte itself.
//!
//! This module is there in builds by `cargo asc` alone, so tests that use it stand behind `#[cfg(asc)]`, which
//! `check-cfg = ["cfg(asc)"]` under `[lints.rust] unexpected_cfgs` declares.
//!
//! Other threads must be quiet meanwhile; a test that audits is best a program of its own.
//!
//! ```no_run
//! use asc_runtime::{asc_handler, audit};
//!
//! #[asc_handler]
//! fn push(list: &mut Vec<u32>) {
//!     list.push(7);
//! }
//!
//! let mut list = Vec::new();
//! let ((), report) = audit::audit(|| push(&mut list));
//! assert!(report.is_complete(), "{report}");
//! ```

use core::ffi::c_int;
use core::fmt;
use core::ptr::{self, NonNull};
use std::fs;
use std::path::Path;

use crate::__private::Handler;
use crate::hardened::context::{Context, attach};
use crate::hardened::effect::errno_location;
use crate::hardened::live_outputs;
use crate::hardened::mapping::Mapping;
use crate::hardened::memory::first_difference;
use crate::hardened::output::State;
use crate::incident::symbol;

/// Bytes of the area that the kernel keeps per thread (`struct rseq`).
const RSEQ_BYTES: usize = 32;
/// Differences kept at most; the rest is only counted.
const DIFFERENCES_MAX: usize = 1024;

/// One byte that changed although nothing was logged there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Where.
    pub address: usize,
    /// What it held before the run.
    pub before: u8,
    /// What it holds after the rollback.
    pub after: u8,
    /// The symbol with offset, or the kind of memory.
    pub symbol: String,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Handlers audited: 0 when the call reached none.
    pub handlers: u64,
    /// Bytes compared.
    pub bytes_compared: u64,
    /// Bytes that changed unlogged.
    pub bytes_differing: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Whether a handler was audited and every byte it changed was logged.
    pub const fn is_complete(&self) -> bool {
        self.handlers > 0 && self.bytes_differing == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} handlers audited, {} bytes compared, {} changed unlogged",
            self.handlers, self.bytes_compared, self.bytes_differing
        )?;
        for Difference {
            address,
            before,
            after,
            symbol,
        } in &self.differences
        {
            writeln!(
                formatter,
                "  {address:#x} {symbol}: {before:#04x} -> {after:#04x}"
            )?;
        }
        Ok(())
    }
}

/// Calls `handlers`, which calls one handler or several on this thread, and audits each.
pub fn audit<R>(handlers: impl FnOnce() -> R) -> (R, Report) {
    let mut audit = Audit::new();
    attach().audit = Some(NonNull::from(&mut audit));
    let result = handlers();
    attach().audit = None;
    (result, audit.report())
}

/// An audit in progress. It allocates nothing while memory is being compared.
#[derive(Debug)]
pub(crate) struct Audit {
    regions: Vec<Region>,
    copy: Mapping,
    found: Vec<(usize, u8, u8)>,
    handlers: u64,
    bytes_compared: u64,
    bytes_differing: u64,
}

/// A piece of writable memory, and where its copy begins.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: usize,
    end: usize,
    offset: usize,
}

impl Audit {
    fn new() -> Self {
        Self {
            regions: Vec::new(),
            copy: Mapping::new(1 << 20),
            found: Vec::with_capacity(DIFFERENCES_MAX),
            handlers: 0,
            bytes_compared: 0,
            bytes_differing: 0,
        }
    }

    /// Copies all writable memory.
    pub(crate) fn take_snapshot(&mut self) {
        self.handlers += 1;
        // The list and the copy are made of memory themselves: a copy that grew has moved, and the
        // list is made anew.
        loop {
            self.regions = writable_regions(&mut self.left_out());
            let bytes = self
                .regions
                .iter()
                .map(|region| region.end - region.start)
                .sum();
            if bytes <= self.copy.len() {
                break;
            }
            self.copy.grow(bytes);
        }
        let mut offset = 0;
        for region in &mut self.regions {
            region.offset = offset;
            let (source, length) = (region.start, region.end - region.start);
            if offset + length > self.copy.len() {
                region.end = region.start;
                continue;
            }
            let target = self.copy.base().wrapping_add(offset);
            // SAFETY: the kernel lists the region as mapped, readable and writable; the copy has
            // room.
            unsafe { target.copy_from(ptr::with_exposed_provenance(source), length) };
            offset += length;
        }
    }

    /// What need not be copied: the copy itself, what no output has used, and the codes of lines, of
    /// which there are many and no handler knows.
    fn left_out(&self) -> Vec<(usize, usize)> {
        let mut ranges = vec![self.copy.range()];
        // SAFETY: a listed output is mapped until it is removed from the list; other threads are
        // quiet, by the contract of `audit`.
        let reserve = |output: *const State| unsafe { State::reserve(&*output) };
        ranges.extend(live_outputs::all().into_iter().map(reserve));
        ranges.extend(crate::hardened::integrity::table_range());
        ranges
    }

    /// Compares memory with the copy; what lies between this thread's stack pointer and `frame`
    /// belongs to the runtime and the handler.
    pub(crate) fn compare(&mut self, context: &Context, frame: usize) {
        let fixed = self.uninstrumented(context, frame);
        let excluded = |address: usize| {
            let mut ranges = fixed
                .into_iter()
                .flatten()
                .chain(context.own_ranges())
                .chain(context.events.atomic_ranges());
            ranges.any(|(start, length)| (start..start + length).contains(&address))
        };
        for index in 0..self.regions.len() {
            let region = self.regions[index];
            self.bytes_compared += (region.end - region.start) as u64;
            let mut address = region.start;
            while let Some(different) = self.next_difference(region, address) {
                if !excluded(different) {
                    self.note(region, different);
                }
                address = different + 1;
            }
        }
    }

    /// Where memory changes without a store of the handler: start and length of each range.
    fn uninstrumented(&self, context: &Context, frame: usize) -> [Option<(usize, usize)>; 7] {
        let own = (ptr::from_ref(self).addr(), size_of::<Self>());
        let regions = (self.regions.as_ptr().addr(), size_of_val(&*self.regions));
        let found_bytes = DIFFERENCES_MAX * size_of::<(usize, u8, u8)>();
        let here = (&raw const frame).addr();
        let mut stacks = self.regions.iter();
        let stack = stacks.find(|region| (region.start..region.end).contains(&here));
        let handler = context.handler.map(ptr::from_ref);
        [
            Some(own),
            Some(regions),
            Some((self.found.as_ptr().addr(), found_bytes)),
            stack.map(|region| (region.start, frame - region.start)),
            handler.map(|handler| (handler.addr(), size_of::<Handler>())),
            // The C library sets errno without being part of the handler.
            Some((errno_location().addr(), size_of::<c_int>())),
            kernel_area(),
        ]
    }

    fn next_difference(&self, region: Region, from: usize) -> Option<usize> {
        let copy = self
            .copy
            .base()
            .wrapping_add(region.offset + from - region.start);
        let length = region.end - from;
        // SAFETY: the region is still mapped: a run that replays maps and unmaps nothing; its copy
        // holds as many bytes.
        let difference =
            unsafe { first_difference(copy, ptr::with_exposed_provenance(from), length) }?;
        Some(from + difference.offset)
    }

    fn note(&mut self, region: Region, address: usize) {
        self.bytes_differing += 1;
        if self.found.len() < DIFFERENCES_MAX {
            let copy = self
                .copy
                .base()
                .wrapping_add(region.offset + address - region.start);
            // SAFETY: `address` lies in the region, so its twin in the copy.
            let before = unsafe { copy.read() };
            // SAFETY: the region is still mapped, as for `next_difference`.
            let after = unsafe { ptr::with_exposed_provenance::<u8>(address).read() };
            self.found.push((address, before, after));
        }
    }

    fn report(self) -> Report {
        let differences = self.found.iter().map(|&(address, before, after)| {
            let mut name = String::new();
            // Writing to a string does not fail.
            let _ = symbol::with_name(address, |symbol, offset| {
                name = format!("{symbol}+{offset:#x}");
                Ok(())
            });
            Difference {
                address,
                before,
                after,
                symbol: name,
            }
        });
        Report {
            handlers: self.handlers,
            bytes_compared: self.bytes_compared,
            bytes_differing: self.bytes_differing,
            differences: differences.collect(),
        }
    }
}

/// The restartable-sequences area of this thread, where the kernel notes the current processor.
fn kernel_area() -> Option<(usize, usize)> {
    // SAFETY: a valid name; older C libraries do not have it and answer null.
    let offset = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()) };
    // SAFETY: where it exists it is a `ptrdiff_t` that never changes.
    let offset = unsafe { offset.cast::<isize>().as_ref() }?;
    // SAFETY: the thread's own identity is the address of its control block.
    let thread = unsafe { libc::pthread_self() } as usize;
    Some((thread.wrapping_add_signed(*offset), RSEQ_BYTES))
}

/// The process's private writable memory, without that of shared libraries, which are not
/// instrumented, and without the ranges that are left out (start and length each).
fn writable_regions(left_out: &mut [(usize, usize)]) -> Vec<Region> {
    left_out.sort_unstable();
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let program = fs::read_link("/proc/self/exe").unwrap_or_default();
    let mut regions = Vec::new();
    for (start, end) in maps.lines().filter_map(|line| own_range(line, &program)) {
        let offset = 0;
        let mut start = start;
        // Mappings side by side are listed as one: each range cuts its piece out.
        for &(cut_start, cut_length) in &*left_out {
            let cut_end = cut_start + cut_length;
            if cut_end <= start || cut_start >= end {
                continue;
            }
            let piece_end = cut_start.max(start);
            regions.push(Region {
                start,
                end: piece_end,
                offset,
            });
            start = cut_end.min(end);
        }
        regions.push(Region { start, end, offset });
    }
    regions.retain(|region| region.start < region.end);
    regions
}

/// Start and end of the memory that a line of `/proc/self/maps` describes, if it is private,
/// writable and the program's own.
fn own_range(line: &str, program: &Path) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, permissions) = (fields.next()?, fields.next()?);
    let name = fields.nth(3).unwrap_or("");
    let is_own =
        name.is_empty() || name == "[heap]" || name == "[stack]" || program.as_os_str() == name;
    let is_private_and_writable = permissions.starts_with("rw") && permissions.ends_with('p');
    let (start, end) = range.split_once('-')?;
    let parse = |text| usize::from_str_radix(text, 16).ok();
    (is_own && is_private_and_writable).then_some((parse(start)?, parse(end)?))
}
