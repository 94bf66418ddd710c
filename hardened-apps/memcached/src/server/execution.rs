//! Calls the handlers for one request.
//!
//! Each call is a handler on one shard with that shard locked around it, so that both of its runs
//! have the shard to themselves.

use asc_runtime::{Input, Output};

use super::administration::{self, Administered};
use super::shared::Shared;
use super::{details, gathering};
use crate::cache::disposition::Disposition;
use crate::cache::retrieval::retrieve_from_all;
use crate::protocol::frame::Protocol;
use crate::protocol::{Command, Words, binary, split_request};
use crate::statistics::{write_statistics, write_statistics_binary};

/// With more shards, retrievals from all of them at once would be in each other's way.
const SHARDS_TOGETHER_MAX: usize = 4;

/// The next handler of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    shard: u16,
    at: usize,
    /// Whether items are being written down.
    dump: bool,
}

/// The first handler of a dump.
const DUMP_START: Position = Position {
    shard: 0,
    at: 0,
    dump: true,
};

/// A request that goes on after its output was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    position: Position,
    /// Of the request as it was sealed first.
    checksum: u32,
}

/// A request and how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) request: &'a [u8],
    pub(super) protocol: Protocol,
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
    call: Call<'_>,
    pause: Option<Pause>,
    output: &mut Output,
    output_bytes_max: usize,
) -> Progress {
    let input = Input::seal(call.request);
    let checksum = input.checksum();
    if pause.is_some_and(|pause| pause.checksum != checksum) {
        shared.log.warn(format_args!(
            "a request changed while it waited for its peer to read"
        ));
        return Progress::Closing;
    }
    let mut position = pause.map_or_else(|| begin(shared, call), |pause| pause.position);
    let mut together = pause.is_none() && spans_shards(shared, call);
    loop {
        let disposition = if together {
            together = false;
            let mut shards = shared.lock_all();
            retrieve_from_all(&mut shards, now, &input, output)
        } else {
            run(shared, now, call.protocol, &input, position, output)
        };
        position = match disposition {
            Disposition::Continue { shard, at } => Position {
                shard,
                at: at as usize,
                ..position
            },
            Disposition::Administer => match administration::execute(shared, now, &input, output) {
                Administered::Done => return Progress::Finished,
                Administered::Closing => return Progress::Closing,
                Administered::Dump => DUMP_START,
            },
            disposition => {
                return finish(
                    shared,
                    now,
                    call.protocol,
                    &input,
                    position.shard,
                    disposition,
                    output,
                );
            }
        };
        if output.bytes().len() >= output_bytes_max {
            return Progress::Paused(Pause { position, checksum });
        }
    }
}

/// Whether a retrieval is better served by all shards together: one handler instead of up to one for
/// each key, but one that keeps all other workers waiting.
fn spans_shards(shared: &Shared, call: Call<'_>) -> bool {
    let shards = usize::from(shared.shards());
    (2..=SHARDS_TOGETHER_MAX).contains(&shards)
        && call.protocol == Protocol::Text
        && call.request.starts_with(b"get")
        // The name, and a key for each shard.
        && Words::new(call.request).nth(shards).is_some()
}

/// The shard to try first. It decides itself whether it is the right one.
fn begin(shared: &Shared, call: Call<'_>) -> Position {
    let shard = match (shared.shards(), call.protocol) {
        (1, _) => 0,
        (_, Protocol::Text) => {
            first_key(split_request(call.request).0).map_or(0, |key| shared.shard_of(key))
        }
        (_, Protocol::Binary) => {
            binary::Request::parse(call.request).map_or(0, |request| shared.shard_of(request.key))
        }
    };
    Position {
        shard,
        at: 0,
        dump: false,
    }
}

/// The first key of a command line, if it has keys.
fn first_key(line: &[u8]) -> Option<&[u8]> {
    let mut words = Words::new(line);
    match words.next()? {
        b"get" | b"gets" | b"set" => words.next(),
        _ => Command::parse(line).ok()?.first_key(),
    }
}

fn run(
    shared: &Shared,
    now: u32,
    protocol: Protocol,
    input: &Input<'_>,
    position: Position,
    output: &mut Output,
) -> Disposition {
    let mut shard = shared.lock(position.shard);
    match (protocol, position.at) {
        (Protocol::Text, at) if position.dump => shard.dump(now, input, at, output),
        (Protocol::Text, 0) => shard.handle(now, input, output),
        (Protocol::Text, at) => shard.resume(now, input, at, output),
        (Protocol::Binary, _) => shard.handle_binary(now, input, output),
    }
}

fn finish(
    shared: &Shared,
    now: u32,
    protocol: Protocol,
    input: &Input<'_>,
    answered_by: u16,
    disposition: Disposition,
    output: &mut Output,
) -> Progress {
    match disposition {
        Disposition::Close => return Progress::Closing,
        Disposition::Everywhere => follow(shared, now, protocol, input, answered_by),
        Disposition::EverywhereReset => {
            follow(shared, now, protocol, input, answered_by);
            gathering::reset(shared);
        }
        Disposition::Verbosity(level) => shared.log.set_level(level),
        Disposition::Statistics(kind) => {
            let lines = gathering::gather(shared, now, kind);
            match protocol {
                Protocol::Text => write_statistics(&lines, output),
                Protocol::Binary => write_statistics_binary(input, &lines, output),
            }
        }
        Disposition::Details => details::execute(shared, input, protocol, output),
        Disposition::Done | Disposition::Administer | Disposition::Continue { .. } => {}
    }
    Progress::Finished
}

fn follow(shared: &Shared, now: u32, protocol: Protocol, input: &Input<'_>, answered_by: u16) {
    for number in (0..shared.shards()).filter(|number| *number != answered_by) {
        let mut shard = shared.lock(number);
        match protocol {
            Protocol::Text => shard.follow(now, input),
            Protocol::Binary => shard.follow_binary(now, input),
        }
    }
}
