//! `mg`, `md` and `me`.

use asc_runtime::Output;

use super::disposition::Disposition;
use super::expiry;
use super::item::{Item, Parts, marks};
use super::meta_line::MetaLine;
use super::placement::KeyHash;
use super::shard::{Shard, answered};
use super::slots::SlotId;
use super::storage::{CRLF, Outcome};
use crate::protocol::Words;
use crate::protocol::base64::{self, ENCODED_BYTES_MAX};
use crate::protocol::meta::{Request, Verb};
use crate::protocol::reply;

impl Shard {
    /// Executes a meta command.
    #[inline(never)]
    pub(super) fn meta(
        &mut self,
        now: u32,
        verb: Verb,
        words: Words<'_>,
        data: &[u8],
        output: &mut Output,
    ) -> Disposition {
        let request = match Request::parse(verb, words) {
            Ok(request) => request,
            Err(text) => return answered(output, text),
        };
        let hash = match self.locate(request.key.bytes(), 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        let done = match verb {
            Verb::Get => self.meta_get(now, hash, &request, output),
            Verb::Set => self.meta_set(now, hash, &request, data, output),
            Verb::Delete => self.meta_delete(now, hash, &request, output),
            Verb::Arithmetic => self.meta_arithmetic(now, hash, &request, output),
            Verb::Debug => {
                self.meta_debug(now, hash, &request, output);
                Ok(())
            }
        };
        if let Err(text) = done {
            output.write(text);
        }
        Disposition::Done
    }

    fn meta_get(
        &mut self,
        now: u32,
        hash: KeyHash,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Result<(), &'static [u8]> {
        let found = self.find_readable(now, hash, request.key.bytes());
        let created = found.is_none() && request.flags.vivify.is_some();
        let found = match found {
            None if created => self.vivify(now, hash, request),
            found => found,
        };
        let Some(id) = found else {
            self.counters.get_misses += 1;
            return answer_miss(request, output);
        };
        let line = self.describe(now, id, request, created);
        if !request.flags.no_update && (line.is_ok() || !request.looks_before_reading()) {
            self.entries.note_read(id, now);
        }
        let line = line?;
        let item = self.entries.item(id);
        line.finish(output);
        if request.flags.value {
            output.write(item.data_and_line_end());
        }
        match request.flags.exptime {
            Some(_) => self.counters.touch_hits += 1,
            None => self.counters.get_hits += 1,
        }
        Ok(())
    }

    /// An empty item for whoever wins it.
    fn vivify(&mut self, now: u32, hash: KeyHash, request: &Request<'_>) -> Option<SlotId> {
        let parts = Parts {
            key: request.key.bytes(),
            flags: self.flags_of_empty(request.key.bytes()),
            head: b"",
            tail: b"",
            end: CRLF,
        };
        let item = Item::new(&parts, self.next_cas, now, expiry::NEVER);
        match self.put(now, hash, None, item) {
            Outcome::Stored => self.entries.find(hash.low(), request.key.bytes()),
            _ => None,
        }
    }

    /// Does what the flags of `mg` ask for and tells what they want to know, in their order.
    fn describe(
        &mut self,
        now: u32,
        id: SlotId,
        request: &Request<'_>,
        created: bool,
    ) -> Result<MetaLine, &'static [u8]> {
        let mut line = if request.flags.value {
            MetaLine::value(self.entries.item(id).data().len())
        } else {
            MetaLine::new(b"HD")
        };
        let mut won = false;
        for word in request.words.clone() {
            let item = self.entries.item(id);
            match word[0] {
                b'T' | b'N' | b'R' => won |= self.renew(now, id, request, word[0], created),
                b's' => line.flag_with(b's', item.data().len()),
                b't' => line.seconds_left(item, now),
                b'c' => line.flag_with(b'c', self.visible_cas(item)),
                b'f' => line.flag_with(b'f', item.flags),
                b'l' => line.flag_with(b'l', self.age_of(now, id)),
                b'h' => line.flag_with(b'h', u8::from(item.marks & marks::FETCHED != 0)),
                b'O' => line.opaque(word)?,
                b'k' => line.key_of(item),
                _ => {}
            }
        }
        self.tell_who_won(id, won, &mut line);
        Ok(line)
    }

    /// A flag with a time; returns whether it makes the client the one to renew the item.
    fn renew(
        &mut self,
        now: u32,
        id: SlotId,
        request: &Request<'_>,
        letter: u8,
        created: bool,
    ) -> bool {
        let flags = &request.flags;
        let item = self.entries.item_mut(id);
        match (letter, flags.exptime, flags.vivify, flags.recache) {
            (b'T', Some(exptime), ..) => item.expires_at = expiry::expires_at(exptime, now),
            (b'N', _, Some(exptime), _) if created => {
                item.expires_at = expiry::expires_at(exptime, now);
                return true;
            }
            (b'R', .., Some(recache)) => {
                return item.marks & marks::TOKEN_SENT == 0
                    && !created
                    && item.expires_at != expiry::NEVER
                    && item.expires_at < expiry::expires_at(recache, now);
            }
            _ => {}
        }
        false
    }

    fn tell_who_won(&mut self, id: SlotId, mut won: bool, line: &mut MetaLine) {
        let item = self.entries.item_mut(id);
        let sent = item.marks & marks::TOKEN_SENT != 0;
        if sent {
            line.flag(b'Z');
        }
        if item.marks & marks::STALE != 0 {
            line.flag(b'X');
            won |= !sent;
        }
        if won {
            line.flag(b'W');
            item.marks |= marks::TOKEN_SENT;
        }
    }

    fn meta_delete(
        &mut self,
        now: u32,
        hash: KeyHash,
        request: &Request<'_>,
        output: &mut Output,
    ) -> Result<(), &'static [u8]> {
        let flags = &request.flags;
        let mut tail = MetaLine::new(b"");
        return_words(request, &mut tail)?;
        let status = match self.find_live(now, hash, request.key.bytes()) {
            None => {
                self.counters.delete_misses += 1;
                b"NF"
            }
            Some(id)
                if flags
                    .compare
                    .is_some_and(|cas| cas != self.visible_cas(self.entries.item(id))) =>
            {
                self.counters.delete_misses += 1;
                b"EX"
            }
            Some(id) if flags.invalidate => {
                self.invalidate(now, id, flags.exptime);
                b"HD"
            }
            Some(id) => {
                self.counters.delete_hits += 1;
                self.entries.remove(id);
                b"HD"
            }
        };
        if !(flags.quiet && status == b"HD") {
            output.write(status);
            tail.finish(output);
        }
        Ok(())
    }

    /// Marks the item as stale: the next client that reads it wins it.
    fn invalidate(&mut self, now: u32, id: SlotId, exptime: Option<i32>) {
        let cas = self.take_cas();
        let item = self.entries.item_mut(id);
        if let Some(exptime) = exptime {
            item.expires_at = expiry::expires_at(exptime, now);
        }
        item.marks = item.marks & !marks::TOKEN_SENT | marks::STALE;
        item.cas = cas;
    }

    fn meta_debug(&mut self, now: u32, hash: KeyHash, request: &Request<'_>, output: &mut Output) {
        self.counters.cmd_meta += 1;
        let Some(id) = self.find_live(now, hash, request.key.bytes()) else {
            output.write(reply::META_MISS);
            return;
        };
        let slot = self.entries.slot(id);
        let item = &slot.item;
        let mut line = MetaLine::new(b"ME ");
        if item.marks & marks::BINARY_KEY != 0 {
            let mut word = [0; ENCODED_BYTES_MAX];
            let length = base64::encode(item.key(), &mut word);
            line.append(&word[..length]);
        } else {
            line.append(item.key());
        }
        let expires = match expiry::seconds_left(item.expires_at, now) {
            _ if item.expires_at == expiry::NEVER => -1,
            left => -left,
        };
        let fetched = item.marks & marks::FETCHED != 0;
        let bytes = item.stock_bytes(self.entries.header_bytes());
        line.append(
            format!(
                " exp={expires} la={} cas={} fetch={} cls={} size={bytes}",
                self.age_of(now, id),
                self.visible_cas(item),
                if fetched { "yes" } else { "no" },
                slot.class,
            )
            .as_bytes(),
        );
        line.finish(output);
    }
}

/// `mg` found nothing.
fn answer_miss(request: &Request<'_>, output: &mut Output) -> Result<(), &'static [u8]> {
    let mut line = MetaLine::new(b"EN");
    return_words(request, &mut line)?;
    if !request.flags.quiet {
        line.finish(output);
    }
    Ok(())
}

/// What is returned even without an item: opaque and key.
pub(super) fn return_words(
    request: &Request<'_>,
    line: &mut MetaLine,
) -> Result<(), &'static [u8]> {
    for word in request.words.clone() {
        match word[0] {
            b'O' => line.opaque(word)?,
            b'k' => line.key(&request.key),
            _ => {}
        }
    }
    Ok(())
}
