//! Walking over all items: to remove dead ones that nobody asks for, or to write all down.
//!
//! A walk goes through the slots in order and a bounded part of it is one handler, so that
//! clients are served in between. Items that come or go meanwhile may be met or missed.

use asc_runtime::{Input, Output, asc_handler};

use super::classes::CLASSES_MAX;
use super::disposition::Disposition;
use super::expiry;
use super::item::marks;
use super::shard::{Shard, answered};
use super::slots::{Slot, SlotId};
use crate::protocol::{ClassSelection, reply};

/// Slots that one handler looks at while it writes items down.
const SLOTS_PER_DUMP: usize = 512;

impl Shard {
    /// Looks at up to `count` slots from number `from` on and removes dead items of the selected
    /// classes. Returns where to go on, `None` at the end.
    #[asc_handler]
    pub fn crawl(
        &mut self,
        now: u32,
        from: usize,
        count: usize,
        selection: ClassSelection,
    ) -> Option<usize> {
        self.flush.advance(now);
        let end = self.entries.slots().min(from + count);
        let mut checked = [0_u32; CLASSES_MAX];
        for number in from..end {
            if let Some(id) = self.entries.occupied(number) {
                let class = usize::from(self.entries.slot(id).class);
                if selection.contains(class) {
                    checked[class] += 1;
                    self.crawl_item(now, id, class);
                }
            }
        }
        for (class, checked) in checked
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
        {
            self.class_counters[class].crawler_items_checked += u64::from(checked);
        }
        (end < self.entries.slots()).then_some(end)
    }

    /// Writes items down, from slot `at` on, in answer to `lru_crawler metadump`.
    #[asc_handler]
    pub fn dump(
        &mut self,
        now: u32,
        request: &Input<'_>,
        at: usize,
        output: &mut Output,
    ) -> Disposition {
        self.flush.advance(now);
        let Some(selection) = ClassSelection::of_dump(request.bytes()) else {
            return answered(output, reply::BAD_CLASS);
        };
        let end = self.entries.slots().min(at + SLOTS_PER_DUMP);
        for number in at..end {
            if let Some(id) = self.entries.occupied(number) {
                let slot = self.entries.slot(id);
                if selection.contains(slot.class.into()) && !self.is_dead(now, &slot.item) {
                    output.write(self.dump_line(slot).as_bytes());
                }
            }
        }
        if end < self.entries.slots() {
            return self.pause(end);
        }
        match self.next_shard() {
            Some(shard) => Disposition::Continue { shard, at: 0 },
            None => answered(output, reply::END),
        }
    }

    fn crawl_item(&mut self, now: u32, id: SlotId, class: usize) {
        let item = self.entries.item(id);
        if self.is_dead(now, item) {
            let unfetched = u64::from(item.marks & marks::FETCHED == 0);
            self.class_counters[class].crawler_reclaimed += 1;
            self.class_counters[class].expired_unfetched += unfetched;
            self.counters.expired_unfetched += unfetched;
            self.entries.remove(id);
        }
    }

    fn dump_line(&self, slot: &Slot) -> String {
        let item = &slot.item;
        let expires = match item.expires_at {
            expiry::NEVER => -1,
            time => i64::from(time),
        };
        let fetched = item.marks & marks::FETCHED != 0;
        format!(
            "key={} exp={expires} la={} cas={} fetch={} cls={} size={}\n",
            escaped(item.key()),
            slot.moved_at,
            self.visible_cas(item),
            if fetched { "yes" } else { "no" },
            slot.class,
            item.stock_bytes(self.entries.header_bytes()),
        )
    }
}

/// The key as in a URI.
fn escaped(key: &[u8]) -> String {
    let mut text = String::with_capacity(3 * key.len());
    for &byte in key {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped() {
        assert_eq!(escaped(b"a-B_9.~"), "a-B_9.~");
        assert_eq!(escaped(b"a/b\xff%"), "a%2Fb%FF%25");
    }
}
