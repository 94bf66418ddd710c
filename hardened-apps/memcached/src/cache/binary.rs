//! Requests of the binary protocol.

use asc_runtime::{Output, asc_handler};

use super::arithmetic::{Delta, NumberLine, Unchanged};
use super::binary_answer::{
    fail, fail_because, returns_key, succeed, success, write_failure, write_miss,
};
use super::details::Access;
use super::disposition::Disposition;
use super::expiry;
use super::shard::Shard;
use super::slots::SlotId;
use super::storage::{CRLF, Change, Outcome};
use crate::PROTOCOL_VERSION;
use crate::protocol::binary::{Operation, Request, ResponseHeader, Status};
use crate::protocol::{Direction, StatisticsKind, StoreMode};

/// The time in an `increment` that says not to create a missing number.
const DO_NOT_CREATE: u32 = u32::MAX;

impl Shard {
    /// Executes a request of the binary protocol; a value that is too large is not part of it.
    #[asc_handler]
    pub fn handle_binary(
        &mut self,
        now: u32,
        request: &asc_runtime::Input<'_>,
        output: &mut Output,
    ) -> Disposition {
        self.flush.advance(now);
        match Request::parse(request.bytes()) {
            Ok(request) => self.perform_binary(now, &request, output),
            Err((mistake, opcode, opaque)) => {
                write_failure(output, opcode, opaque, mistake.0, mistake.0.text());
                Disposition::Close
            }
        }
    }

    /// Does silently what another shard has answered, after [`Disposition::Everywhere`].
    #[asc_handler]
    pub fn follow_binary(&mut self, now: u32, request: &asc_runtime::Input<'_>) {
        self.flush.advance(now);
        match Request::parse(request.bytes()) {
            Ok(request) if request.operation == Operation::Flush => {
                self.flush_all(now, delay_of(&request));
            }
            Ok(request) if request.operation == Operation::Statistics => self.reset_counters(),
            _ => {}
        }
    }

    fn perform_binary(
        &mut self,
        now: u32,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Disposition {
        match request.operation {
            Operation::Get { .. } | Operation::GetAndTouch { .. } | Operation::Touch => {
                return self.get_binary(now, request, output);
            }
            Operation::Set
            | Operation::Add
            | Operation::Replace
            | Operation::Append
            | Operation::Prepend => return self.store_binary(now, request, output),
            Operation::Delete => return self.delete_binary(now, request, output),
            Operation::Increment | Operation::Decrement => {
                return self.arithmetic_binary(now, request, output);
            }
            Operation::Flush => return self.flush_binary(now, request, output),
            Operation::Statistics => return self.statistics_binary(request, output),
            Operation::Noop => succeed(output, request, 0),
            Operation::Version => {
                let header = success(request, 0, PROTOCOL_VERSION.len());
                output.write(&header.bytes());
                output.write(PROTOCOL_VERSION.as_bytes());
            }
            Operation::Quit => {
                if !request.quiet {
                    succeed(output, request, 0);
                }
                return Disposition::Close;
            }
            Operation::Unknown => fail(output, request, Status::UnknownCommand),
        }
        Disposition::Done
    }

    fn get_binary(&mut self, now: u32, request: &Request<'_>, output: &mut Output) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        let touches = !matches!(request.operation, Operation::Get { .. });
        let found = self.find_readable(now, hash, request.key);
        self.note_detail(
            request.key,
            Access::Get {
                hit: found.is_some(),
            },
        );
        let Some(id) = found else {
            self.count_binary_read(touches, false);
            if !request.quiet {
                write_miss(output, request);
            }
            return Disposition::Done;
        };
        self.count_binary_read(touches, true);
        self.entries.note_read(id, now);
        if touches {
            let expires_at = expiry::expires_at_unsigned(request.extra_u32(0), now);
            self.entries.item_mut(id).expires_at = expires_at;
        }
        self.write_item_binary(id, request, output);
        Disposition::Done
    }

    fn count_binary_read(&mut self, touches: bool, hit: bool) {
        match (touches, hit) {
            (true, true) => self.counters.touch_hits += 1,
            (true, false) => self.counters.touch_misses += 1,
            (false, true) => self.counters.get_hits += 1,
            (false, false) => self.counters.get_misses += 1,
        }
    }

    fn write_item_binary(&self, id: SlotId, request: &Request<'_>, output: &mut Output) {
        let item = self.entries.item(id);
        let key = if returns_key(request.operation) {
            request.key
        } else {
            b""
        };
        let data = match request.operation {
            Operation::Touch => b"",
            _ => item.data(),
        };
        let flags = item.flags.to_be_bytes();
        let header = ResponseHeader {
            extras_length: flags.len() as u8,
            key_length: key.len() as u16,
            ..success(
                request,
                self.visible_cas(item),
                flags.len() + key.len() + data.len(),
            )
        };
        output.write(&header.bytes());
        output.write(&flags);
        if !key.is_empty() {
            output.write(key);
        }
        if !data.is_empty() {
            output.write(data);
        }
    }

    fn store_binary(
        &mut self,
        now: u32,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        self.note_detail(request.key, Access::Set);
        let change = change_of(request, now);
        let is_whole = request.value.len() == request.value_length;
        if !is_whole || !self.allows(request.key, change.flags, request.value_length) {
            let replaces = request.operation == Operation::Set;
            self.refuse_as_too_large(now, hash, request.key, replaces);
            fail(output, request, Status::TooLarge);
            return Disposition::Done;
        }
        self.counters.cmd_set += 1;
        let status = match self.apply(now, hash, &change) {
            Outcome::Stored => {
                if !request.quiet {
                    succeed(output, request, self.cas_of(hash, request.key));
                }
                return Disposition::Done;
            }
            Outcome::Exists => Status::KeyExists,
            Outcome::NotFound => Status::KeyNotFound,
            Outcome::NotStored => match request.operation {
                Operation::Add => Status::KeyExists,
                Operation::Replace => Status::KeyNotFound,
                _ => Status::NotStored,
            },
            Outcome::BadChecksum => Status::InvalidArguments,
            Outcome::NoMemory => {
                fail_because(output, request, "Out of memory allocating item");
                return Disposition::Done;
            }
        };
        fail(output, request, status);
        Disposition::Done
    }

    fn delete_binary(
        &mut self,
        now: u32,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        self.note_detail(request.key, Access::Delete);
        match self.find_live(now, hash, request.key) {
            None => {
                self.counters.delete_misses += 1;
                fail(output, request, Status::KeyNotFound);
            }
            Some(id)
                if request.cas != 0 && request.cas != self.visible_cas(self.entries.item(id)) =>
            {
                fail(output, request, Status::KeyExists);
            }
            Some(id) => {
                self.counters.delete_hits += 1;
                self.entries.remove(id);
                if !request.quiet {
                    succeed(output, request, 0);
                }
            }
        }
        Disposition::Done
    }

    fn arithmetic_binary(
        &mut self,
        now: u32,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        let direction = match request.operation {
            Operation::Increment => Direction::Increment,
            _ => Direction::Decrement,
        };
        let delta = Delta {
            key: request.key,
            direction,
            delta: request.extra_u64(0),
            only: request.cas,
        };
        let (initial, exptime) = (request.extra_u64(8), request.extra_u32(16));
        match self.add_delta(now, hash, &delta) {
            Ok((id, number)) => self.write_number_binary(id, number.value, request, output),
            Err(Unchanged::NotFound) if exptime != DO_NOT_CREATE => {
                let number = NumberLine::new(initial);
                let expires_at = expiry::expires_at_unsigned(exptime, now);
                match self.create_number(now, hash, request.key, expires_at, &number) {
                    Some(id) => self.write_number_binary(id, initial, request, output),
                    None => fail_because(output, request, "Out of memory allocating new item"),
                }
            }
            Err(Unchanged::NotFound) => {
                self.count_arithmetic_miss(direction);
                fail(output, request, Status::KeyNotFound);
            }
            Err(Unchanged::Different) => fail(output, request, Status::KeyExists),
            Err(Unchanged::BadChecksum) => fail(output, request, Status::InvalidArguments),
            Err(Unchanged::NonNumeric) => fail(output, request, Status::NonNumeric),
            Err(Unchanged::NoMemory) => {
                fail_because(output, request, "Out of memory incrementing value");
            }
        }
        Disposition::Done
    }

    fn write_number_binary(
        &self,
        id: SlotId,
        value: u64,
        request: &Request<'_>,
        output: &mut Output,
    ) {
        if request.quiet {
            return;
        }
        let cas = self.visible_cas(self.entries.item(id));
        output.write(&success(request, cas, size_of::<u64>()).bytes());
        output.write(&value.to_be_bytes());
    }

    fn flush_binary(
        &mut self,
        now: u32,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Disposition {
        if !self.settings.flush {
            fail(output, request, Status::AuthenticationError);
            return Disposition::Done;
        }
        self.flush_all(now, delay_of(request));
        self.counters.cmd_flush += 1;
        if !request.quiet {
            succeed(output, request, 0);
        }
        Disposition::Everywhere
    }

    fn statistics_binary(&mut self, request: &Request<'_>, output: &mut Output) -> Disposition {
        let kind = match request.key {
            b"" => StatisticsKind::General,
            key if key.starts_with(b"reset") => {
                self.reset_counters();
                succeed(output, request, 0);
                return Disposition::EverywhereReset;
            }
            key if key.starts_with(b"settings") => StatisticsKind::Settings,
            b"detail on" | b"detail off" | b"detail dump" => return Disposition::Details,
            b"items" => StatisticsKind::Items,
            b"slabs" => StatisticsKind::Slabs,
            b"sizes" => StatisticsKind::Sizes,
            b"asc" => StatisticsKind::Asc,
            _ => {
                fail(output, request, Status::KeyNotFound);
                return Disposition::Done;
            }
        };
        Disposition::Statistics(kind)
    }
}

fn change_of<'a>(request: &Request<'a>, now: u32) -> Change<'a> {
    let mode = match (request.operation, request.cas) {
        (Operation::Append, _) => StoreMode::Append,
        (Operation::Prepend, _) => StoreMode::Prepend,
        (Operation::Set, 0) => StoreMode::Set,
        (Operation::Add, 0) => StoreMode::Add,
        (Operation::Replace, 0) => StoreMode::Replace,
        (_, cas) => StoreMode::Cas(cas),
    };
    Change {
        mode,
        key: request.key,
        flags: request.extra_u32(0),
        expires_at: expiry::expires_at_unsigned(request.extra_u32(4), now),
        data: request.value,
        end: CRLF,
        extend_only: request.cas,
        may_be_stale: false,
        marks: 0,
    }
}

/// The delay of a flush, as the text protocol would have it.
fn delay_of(request: &Request<'_>) -> i32 {
    i32::try_from(request.extra_u32(0)).unwrap_or(i32::MAX)
}
