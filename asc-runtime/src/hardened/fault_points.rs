//! For tests: a call between the stages of every handler, with the runtime's own memory laid open.
//!
//! A test installs a callback with [`install`]. It may flip bits anywhere in the memory it is shown,
//! or have the next stage skipped, and then watches whether the runtime notices. Compiled in by the
//! feature `fault-points` only.

use std::sync::RwLock;

use super::context::Context;
use super::sys::{ThreadWords, thread_words};

/// A place between two stages; named after the stage that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Point {
    /// The first run has ended.
    FirstRun,
    /// Its results were read.
    Captured,
    /// Its stores were undone.
    RolledBack,
    /// The second run has ended.
    SecondRun,
    /// The runs were found equal.
    Compared,
}

/// What happens behind a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next stage, as always.
    Stage,
    /// The stage after the next.
    Skip,
}

/// A piece of the runtime's own memory.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Piece {
    /// What it holds.
    pub name: &'static str,
    /// Its first byte.
    pub address: usize,
    /// Its bytes; of a table, including those that are not in use.
    pub length: usize,
}

/// What a test installs.
pub type Callback = fn(Point, &[Piece]) -> Next;

static CALLBACK: RwLock<Option<Callback>> = RwLock::new(None);

/// Has `callback` called at every point of every handler from now on.
pub fn install(callback: Callback) {
    *CALLBACK
        .write()
        .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(callback);
}

/// Calls the callback; says whether the next stage follows.
pub(crate) fn reach(point: Point, context: &Context) -> bool {
    let callback = *CALLBACK
        .read()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    callback.is_none_or(|callback| callback(point, &pieces(context)) == Next::Stage)
}

fn pieces(context: &Context) -> Vec<Piece> {
    const LOG: [&str; 3] = ["undo entries", "undo arena", "repeat filter"];
    const EVENTS: [&str; 2] = ["events", "event arena"];
    const BLOCKS: [&str; 2] = ["blocks", "block arena"];
    let mut pieces = Vec::new();
    let mut add = |name, (address, length)| {
        pieces.push(Piece {
            name,
            address,
            length,
        })
    };
    add(
        "context",
        ((&raw const *context).addr(), size_of::<Context>()),
    );
    add(
        "thread words",
        (thread_words().addr(), size_of::<ThreadWords>()),
    );
    LOG.into_iter()
        .zip(context.log.ranges())
        .for_each(|(name, range)| add(name, range));
    EVENTS
        .into_iter()
        .zip(context.events.ranges())
        .for_each(|(name, range)| add(name, range));
    BLOCKS
        .into_iter()
        .zip(context.fresh.ranges())
        .for_each(|(name, range)| add(name, range));
    add("arguments", context.captured.range());
    context
        .outputs
        .ranges()
        .skip(1)
        .for_each(|range| add("output", range));
    pieces
}
