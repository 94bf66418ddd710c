//! Judges what a struck copy did, from outside of it.
//!
//! In this order: a wrong reply that left (its checksum tells whether a receiver would notice), a
//! crash or a hang, a detection by the runtime, a wrong final state, nothing. A reply counts as left
//! when the target appended it to its messages, which it can only do by a system call: nothing that
//! happens later takes it back or changes it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::failure::{Failure, Result};
use crate::protocol::{FINISHED, LAST_SCRUB, RecordHead, SERVED};
use crate::results::Outcome;
use crate::trace::crc32c;
use crate::tracer::watchdog::Watchdog;
use crate::tracer::{Stop, Tracee};

/// Exit statuses of a protected process that stops itself.
const EXIT_FAULT: i32 = 86;
const EXIT_REFUSED: i32 = 87;
/// Signals that a copy may survive before it is given up.
const SIGNALS_MAX: usize = 64;
/// A right copy needs far less processor time than the first limit. One that exceeds it is struck once
/// more under the second, so that a long detour is not called a hang.
pub const TIME_LIMITS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(600)];

/// What a fault-free life says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// The replies with their checksums.
    pub replies: Vec<(Vec<u8>, u32)>,
    /// The digest of the final state.
    pub digest: u64,
    /// The nonce that only a whole life gives back.
    pub nonce: u64,
}

/// How a copy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its last stop.
    pub stop: Stop,
    /// Signals it got, the last of which may have ended it.
    pub signals: Vec<Signal>,
    /// Whether it had to be ended.
    pub hung: bool,
}

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its class.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
    /// Right replies that left behind the strike.
    pub replies: u32,
}

/// Lets a copy run to its end, or until it has used `limit` of processor time.
pub fn run_out(copy: &mut Tracee, watchdog: &Watchdog, limit: Duration) -> Result<End> {
    let mut signals = Vec::new();
    let (outcome, hung) = watchdog.watch(copy.pid(), limit, || -> Result<()> {
        if !copy.has_ended() {
            note(copy, &mut signals);
            copy.resume()?;
        }
        while !copy.has_ended() {
            if signals.len() > SIGNALS_MAX {
                return Ok(());
            }
            note(copy, &mut signals);
            match copy.stop() {
                Stop::Signal(signal) => copy.deliver(signal)?,
                _ => copy.resume()?,
            };
        }
        Ok(())
    });
    outcome?;
    Ok(End {
        stop: copy.stop(),
        signals,
        hung,
    })
}

/// The first stop of a copy is ours: it was made or stepped.
fn note(copy: &Tracee, signals: &mut Vec<Signal>) {
    if let Stop::Signal(signal) = copy.stop()
        && !(signals.is_empty() && matches!(signal, Signal::SIGTRAP | Signal::SIGSTOP))
    {
        signals.push(signal);
    }
}

/// Reads all that was appended from byte `from` on.
pub fn appended(file: &File, from: u64) -> Result<Vec<u8>> {
    let wanted = |error| Failure::system("to read what the target said", error);
    let end = file.metadata().map_err(wanted)?.len();
    let mut bytes = vec![0; end.saturating_sub(from) as usize];
    file.read_exact_at(&mut bytes, from).map_err(wanted)?;
    Ok(bytes)
}

/// Reads a fault-free life. `None` if it was not whole.
pub fn read_golden(messages: &[u8], nonce: u64) -> Option<Golden> {
    let mut rest = messages;
    let mut replies = Vec::new();
    loop {
        let (head, bytes) = next_record(&mut rest)?;
        match head.index {
            SERVED => break,
            index if index as usize == replies.len() => {
                replies.push((bytes.to_vec(), head.checksum));
            }
            _ => return None,
        }
    }
    let (head, bytes) = next_record(&mut rest)?;
    let (digest, given_back) = finish(head, bytes)?;
    (given_back == nonce && rest.is_empty()).then_some(Golden {
        replies,
        digest,
        nonce,
    })
}

impl Golden {
    /// Judges a copy that was struck in request `request`.
    pub fn judge(&self, request: u32, messages: &[u8], end: &End, errors: &[u8]) -> Verdict {
        let mut rest = messages;
        let mut replies = 0;
        for (index, golden) in self.replies.iter().enumerate().skip(request as usize) {
            if rest.is_empty() {
                let (outcome, detail) = ended_early(end, errors);
                return Verdict {
                    outcome,
                    detail,
                    replies,
                };
            }
            if let Some((outcome, detail)) = wrong_reply(index as u32, golden, &mut rest) {
                return Verdict {
                    outcome,
                    detail,
                    replies,
                };
            }
            replies += 1;
        }
        let (outcome, detail) = self.judge_state(rest, end, errors);
        Verdict {
            outcome,
            detail,
            replies,
        }
    }

    /// All replies were right.
    fn judge_state(&self, mut rest: &[u8], end: &End, errors: &[u8]) -> (Outcome, String) {
        let served = match next_record(&mut rest) {
            None if rest.is_empty() => return ended_early(end, errors),
            None => return (Outcome::Sdc, "garbage behind the last reply".to_owned()),
            Some((head, _)) => head.index == SERVED,
        };
        if !served {
            return (Outcome::Sdc, "a reply that nobody asked for".to_owned());
        }
        let finished = next_record(&mut rest).and_then(|(head, bytes)| finish(head, bytes));
        match finished {
            Some((digest, nonce)) if nonce == self.nonce && end.stop == Stop::Exited(0) => {
                if digest == self.digest {
                    unnoticed(&end.signals, errors)
                } else {
                    (Outcome::LatentSdc, "final state".to_owned())
                }
            }
            _ => match ended_early(end, errors) {
                (Outcome::Detected, detail) => (Outcome::Detected, detail),
                (_, detail) => (
                    Outcome::LatentSdc,
                    format!("state cannot be read: {detail}"),
                ),
            },
        }
    }
}

/// Nothing wrong left, and not everything right.
pub fn ended_early(end: &End, errors: &[u8]) -> (Outcome, String) {
    if end.hung {
        return (Outcome::Hung, "processor time".to_owned());
    }
    match end.stop {
        Stop::Exited(EXIT_FAULT) => {
            let incident = incident(errors);
            (
                Outcome::Detected,
                incident.unwrap_or_else(|| "no incident".to_owned()),
            )
        }
        Stop::Exited(EXIT_REFUSED) => (Outcome::Detected, "refused".to_owned()),
        Stop::Exited(status) => (Outcome::Crashed, format!("exit status {status}")),
        Stop::Killed(signal) => (Outcome::Crashed, signal.to_string()),
        stop => (Outcome::Crashed, format!("{stop:?}")),
    }
}

/// Judges the next record; `None` if it is the right reply.
fn wrong_reply(index: u32, golden: &(Vec<u8>, u32), rest: &mut &[u8]) -> Option<(Outcome, String)> {
    let Some((head, bytes)) = next_record(rest) else {
        return Some((
            Outcome::CaughtAtReceiver,
            format!("garbage for reply {index}"),
        ));
    };
    if (head.index, bytes, head.checksum) == (index, &golden.0[..], golden.1) {
        return None;
    }
    if crc32c(bytes) != head.checksum {
        return Some((Outcome::CaughtAtReceiver, format!("reply {index}")));
    }
    let detail = if head.index != index {
        format!("reply {} in place of {index}", head.index)
    } else if bytes.len() != golden.0.len() {
        format!(
            "reply {index}: {} bytes for {}",
            bytes.len(),
            golden.0.len()
        )
    } else {
        let at = bytes.iter().zip(&golden.0).position(|(a, b)| a != b);
        format!("reply {index}: byte {}", at.unwrap_or(0))
    };
    Some((Outcome::Sdc, detail))
}

/// Everything was right: because nothing happened, or because the runtime went on with the right state.
pub fn unnoticed(signals: &[Signal], errors: &[u8]) -> (Outcome, String) {
    if let Some(incident) = incident(errors) {
        return (Outcome::Corrected, incident);
    }
    let survived = signals.first().map(|signal| format!("survived {signal}"));
    (Outcome::Masked, survived.unwrap_or_default())
}

/// What marks the lines in which the runtime says what it has seen: a fault in a handler, and a bit that
/// had flipped in memory at rest.
const SEEN: [&str; 2] = ["asc_incident", "asc_correction"];

/// The stage and the reason that the first such line names, and whether that was found by the last scrub
/// only.
fn incident(errors: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(errors);
    let mut when = "";
    for line in text.lines() {
        if line.ends_with(LAST_SCRUB) {
            when = " (last scrub)";
        }
        if let Some(value) = seen(line) {
            let field = |name: &str| value[name].as_str().unwrap_or_default();
            return Some(format!("{}: {}{when}", field("stage"), field("reason")));
        }
    }
    None
}

/// A line by which the runtime says what it has seen.
pub fn seen(line: &str) -> Option<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    SEEN.iter()
        .any(|key| value.get(key).is_some())
        .then_some(value)
}

fn next_record<'a>(rest: &mut &'a [u8]) -> Option<(RecordHead, &'a [u8])> {
    let head = RecordHead::decode(rest)?;
    let end = RecordHead::BYTES + head.length as usize;
    let bytes = rest.get(RecordHead::BYTES..end)?;
    *rest = &rest[end..];
    Some((head, bytes))
}

fn finish(head: RecordHead, bytes: &[u8]) -> Option<(u64, u64)> {
    let (words, rest) = bytes.as_chunks::<8>();
    match (head.index, words, rest) {
        (FINISHED, [digest, nonce], []) => {
            Some((u64::from_le_bytes(*digest), u64::from_le_bytes(*nonce)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
