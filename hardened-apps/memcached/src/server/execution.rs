//! Calls the handlers for one request.
//!
//! Each call is a handler on one shard with that shard locked around it, so that both of its runs
//! have the shard to themselves.

use asc_runtime::{Input, Output};

use super::gathering;
use super::shared::Shared;
use crate::cache::disposition::Disposition;
use crate::protocol::{Command, split_request};
use crate::statistics::write_statistics;

/// The next handler of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    shard: u32,
    at: usize,
}

/// A request that goes on after its output was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    position: Position,
    /// Of the request as it was sealed first.
    checksum: u32,
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Finished,
    /// The output is full: send it, then continue.
    Paused(Pause),
    /// Send the output and close the connection.
    Closing,
}

/// Executes `request`, or the rest of it after a pause.
pub(super) fn execute(
    shared: &Shared,
    now: u32,
    request: &[u8],
    pause: Option<Pause>,
    output: &mut Output,
    output_bytes_max: usize,
) -> Progress {
    let input = Input::seal(request);
    let checksum = input.checksum();
    if pause.is_some_and(|pause| pause.checksum != checksum) {
        shared.log.warn(format_args!(
            "a request changed while it waited for its peer to read"
        ));
        return Progress::Closing;
    }
    let mut position = pause.map_or_else(|| begin(shared, request), |pause| pause.position);
    loop {
        let disposition = call(shared, now, &input, position, output);
        let Disposition::Continue { shard, at } = disposition else {
            return finish(shared, now, &input, position.shard, disposition, output);
        };
        position = Position { shard, at };
        if output.bytes().len() >= output_bytes_max {
            return Progress::Paused(Pause { position, checksum });
        }
    }
}

/// The shard to try first. It decides itself whether it is the right one.
fn begin(shared: &Shared, request: &[u8]) -> Position {
    let first_key = match shared.shards() {
        1 => None,
        _ => Command::parse(split_request(request).0)
            .ok()
            .and_then(|command| command.first_key()),
    };
    Position {
        shard: first_key.map_or(0, |key| shared.shard_of(key)),
        at: 0,
    }
}

fn call(
    shared: &Shared,
    now: u32,
    input: &Input<'_>,
    position: Position,
    output: &mut Output,
) -> Disposition {
    let mut shard = shared.lock(position.shard);
    match position.at {
        0 => shard.handle(now, input, output),
        at => shard.resume(now, input, at, output),
    }
}

fn finish(
    shared: &Shared,
    now: u32,
    input: &Input<'_>,
    answered_by: u32,
    disposition: Disposition,
    output: &mut Output,
) -> Progress {
    match disposition {
        Disposition::Close => return Progress::Closing,
        Disposition::Everywhere => follow(shared, now, input, answered_by),
        Disposition::EverywhereReset => {
            follow(shared, now, input, answered_by);
            gathering::reset(shared);
        }
        Disposition::Verbosity(level) => shared.log.set_level(level),
        Disposition::Statistics(kind) => {
            write_statistics(&gathering::gather(shared, kind), output);
        }
        Disposition::Done | Disposition::Continue { .. } => {}
    }
    Progress::Finished
}

fn follow(shared: &Shared, now: u32, input: &Input<'_>, answered_by: u32) {
    for number in (0..shared.shards()).filter(|number| *number != answered_by) {
        shared.lock(number).follow(now, input);
    }
}
