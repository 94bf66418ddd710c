//! `ms` and `ma`.

use asc_runtime::Output;

use super::arithmetic::{Delta, NumberLine, Unchanged};
use super::expiry;
use super::item::{Item, Parts, marks};
use super::meta::return_words;
use super::meta_line::MetaLine;
use super::placement::KeyHash;
use super::shard::Shard;
use super::slots::SlotId;
use super::storage::{CRLF, Change, Outcome};
use crate::protocol::meta::Request;
use crate::protocol::{Direction, StoreMode, reply};

impl Shard {
    pub(super) fn meta_set(
        &mut self,
        now: u32,
        hash: KeyHash,
        request: &Request<'_>,
        data: &[u8],
        output: &mut Output,
    ) -> Result<(), &'static [u8]> {
        let flags = &request.flags;
        let mode = store_mode(request)?;
        // An opaque that is too long must stop the command before it changes anything.
        return_words(request, &mut MetaLine::new(b""))?;
        let length = request.data_length().unwrap_or_default();
        if !self.allows(request.key.bytes(), flags.client_flags, length) {
            self.refuse_as_too_large(now, hash, request.key.bytes(), true);
            return Err(reply::TOO_LARGE);
        }
        self.counters.cmd_set += 1;
        if data.len() != length + CRLF.len() || !data.ends_with(CRLF) {
            return Err(reply::BAD_DATA_CHUNK);
        }
        let change = Change {
            mode,
            key: request.key.bytes(),
            flags: flags.client_flags,
            expires_at: flags
                .exptime
                .map_or(expiry::NEVER, |t| expiry::expires_at(t, now)),
            data,
            end: b"",
            extend_only: flags.compare.unwrap_or_default(),
            may_be_stale: flags.invalidate,
            marks: if request.key.is_binary() {
                marks::BINARY_KEY
            } else {
                0
            },
        };
        let outcome = self.apply(now, hash, &change);
        self.answer_set(outcome, request, hash, output)
    }

    fn answer_set(
        &self,
        outcome: Outcome,
        request: &Request<'_>,
        hash: KeyHash,
        output: &mut Output,
    ) -> Result<(), &'static [u8]> {
        let (status, cas) = match outcome {
            Outcome::Stored => (&b"HD"[..], self.cas_of(hash, request.key.bytes())),
            Outcome::Exists => (&b"EX"[..], 0),
            Outcome::NotFound => (&b"NF"[..], 0),
            Outcome::NotStored => (&b"NS"[..], 0),
            Outcome::NoMemory => return Err(reply::NO_MEMORY_STORING),
            Outcome::BadChecksum => return Err(reply::BAD_CHECKSUM),
        };
        if request.flags.quiet && outcome == Outcome::Stored {
            return Ok(());
        }
        let mut line = MetaLine::new(status);
        for word in request.words.clone() {
            match word[0] {
                b'O' => line.opaque(word)?,
                b'k' => line.key(&request.key),
                b'c' => line.flag_with(b'c', cas),
                _ => {}
            }
        }
        line.finish(output);
        Ok(())
    }

    /// The unique identifier that clients see of the item with this key.
    pub(super) fn cas_of(&self, hash: KeyHash, key: &[u8]) -> u64 {
        let id = self.entries.find(hash.low(), key);
        id.map_or(0, |id| self.visible_cas(self.entries.item(id)))
    }

    pub(super) fn meta_arithmetic(
        &mut self,
        now: u32,
        hash: KeyHash,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Result<(), &'static [u8]> {
        let flags = &request.flags;
        let direction = match flags.mode {
            None | Some(b'I' | b'+') => Direction::Increment,
            Some(b'D' | b'-') => Direction::Decrement,
            Some(_) => return Err(reply::BAD_META_ARITHMETIC_MODE),
        };
        let delta = Delta {
            key: request.key.bytes(),
            direction,
            delta: flags.delta.unwrap_or(1),
            only: flags.compare.unwrap_or_default(),
        };
        match self.add_delta(now, hash, &delta) {
            Ok((id, number)) => {
                let line = self.describe_number(now, id, request, &number, false)?;
                if !flags.quiet {
                    line.finish(output);
                }
                Ok(())
            }
            Err(Unchanged::NotFound) if flags.vivify.is_some() => {
                let number = NumberLine::new(flags.initial);
                let id = self.create_number(now, hash, request.key.bytes(), expiry::NEVER, &number);
                let id = id.ok_or(reply::NO_MEMORY_ALLOCATING)?;
                self.describe_number(now, id, request, &number, true)?
                    .finish(output);
                Ok(())
            }
            Err(Unchanged::NotFound) => {
                self.count_arithmetic_miss(direction);
                answer_unchanged(b"NF", request, output)
            }
            Err(Unchanged::Different) => answer_unchanged(b"EX", request, output),
            Err(Unchanged::NonNumeric) => Err(reply::NON_NUMERIC),
            Err(Unchanged::NoMemory) => Err(reply::NO_MEMORY_INCREMENTING),
            Err(Unchanged::BadChecksum) => Err(reply::BAD_CHECKSUM),
        }
    }

    /// A new item that holds a number.
    pub(super) fn create_number(
        &mut self,
        now: u32,
        hash: KeyHash,
        key: &[u8],
        expires_at: u32,
        number: &NumberLine,
    ) -> Option<SlotId> {
        let parts = Parts {
            key,
            flags: 0,
            head: b"",
            tail: number.line(),
            end: b"",
        };
        let item = Item::new(&parts, self.next_cas, now, expires_at);
        match self.put(now, hash, None, item) {
            Outcome::Stored => self.entries.find(hash.low(), key),
            _ => None,
        }
    }

    fn describe_number(
        &mut self,
        now: u32,
        id: SlotId,
        request: &Request<'_>,
        number: &NumberLine,
        created: bool,
    ) -> Result<MetaLine, &'static [u8]> {
        let flags = &request.flags;
        let mut line = if flags.value {
            MetaLine::value(number.digits().len())
        } else {
            MetaLine::new(b"HD")
        };
        for word in request.words.clone() {
            match (word[0], flags.exptime, flags.vivify) {
                (b'T', Some(exptime), _) => {
                    self.entries.item_mut(id).expires_at = expiry::expires_at(exptime, now);
                }
                (b'N', _, Some(exptime)) if created => {
                    self.entries.item_mut(id).expires_at = expiry::expires_at(exptime, now);
                }
                (b'c', ..) => line.flag_with(b'c', self.visible_cas(self.entries.item(id))),
                (b't', ..) => line.seconds_left(self.entries.item(id), now),
                (b'O', ..) => line.opaque(word)?,
                (b'k', ..) => line.key(&request.key),
                _ => {}
            }
        }
        if flags.value {
            line.append(CRLF);
            line.append(number.digits());
        }
        Ok(line)
    }
}

fn store_mode(request: &Request<'_>) -> Result<StoreMode, &'static [u8]> {
    let swap = |otherwise| request.flags.compare.map_or(otherwise, StoreMode::Cas);
    match request.flags.mode {
        None | Some(b'S') => Ok(swap(StoreMode::Set)),
        Some(b'R') => Ok(swap(StoreMode::Replace)),
        Some(b'E') => Ok(StoreMode::Add),
        Some(b'A') => Ok(StoreMode::Append),
        Some(b'P') => Ok(StoreMode::Prepend),
        Some(_) => Err(reply::BAD_META_SET_MODE),
    }
}

fn answer_unchanged(
    status: &[u8],
    request: &Request<'_>,
    output: &mut Output,
) -> Result<(), &'static [u8]> {
    let mut line = MetaLine::new(status);
    return_words(request, &mut line)?;
    line.finish(output);
    Ok(())
}
