//! `delete`, `touch`, `flush_all`: commands about the end of an item.

use asc_runtime::Output;

use super::details::Access;
use super::disposition::Disposition;
use super::expiry;
use super::shard::{Shard, answer_unless};
use crate::protocol::{Delete, Touch, reply};

impl Shard {
    #[inline(never)]
    pub(super) fn delete(
        &mut self,
        now: u32,
        request: &Delete<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        self.note_detail(request.key, Access::Delete);
        let text = if let Some(id) = self.find_live(now, hash, request.key) {
            self.entries.remove(id);
            self.counters.delete_hits += 1;
            reply::DELETED
        } else {
            self.counters.delete_misses += 1;
            reply::NOT_FOUND
        };
        answer_unless(request.noreply, output, text);
        Disposition::Done
    }

    #[inline(never)]
    pub(super) fn touch(
        &mut self,
        now: u32,
        request: &Touch<'_>,
        output: &mut Output,
    ) -> Disposition {
        let hash = match self.locate(request.key, 0) {
            Ok(hash) => hash,
            Err(elsewhere) => return elsewhere,
        };
        let text = if let Some(id) = self.find_live(now, hash, request.key) {
            self.entries.note_read(id, now);
            self.entries.item_mut(id).expires_at = expiry::expires_at(request.exptime, now);
            self.counters.touch_hits += 1;
            reply::TOUCHED
        } else {
            self.counters.touch_misses += 1;
            reply::NOT_FOUND
        };
        answer_unless(request.noreply, output, text);
        Disposition::Done
    }

    /// Flushes now, or after `delay`, which is read like an expiry time.
    #[inline(never)]
    pub(super) fn flush_all(&mut self, now: u32, delay: i32) {
        if delay > 0 {
            self.flush.at(expiry::expires_at(delay, now));
        } else {
            // memcached uses up a unique identifier for it, too.
            let cas = self.take_cas();
            self.flush.now(cas);
            if !self.settings.cas {
                self.flush.second(now);
            }
        }
    }
}
