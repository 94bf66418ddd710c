//! The end of a session: codes follow, hot pages stay open, all others are closed.
//!
//! A hot page costs two comparisons in each session, a cold one a fault in each that writes to it. So a
//! page stays open when it was opened twice of late, and is closed when it was not changed for as long.

use core::sync::atomic::Ordering::Relaxed;

use super::records::{Entry, Records};
use super::session::release;
use super::{Pages, pages};
use crate::stop::stop;

/// A page that was opened in two of this many sessions becomes hot, and one that did not change in
/// as many is closed. Comparing an unchanged hot page costs a thirtieth of a fault, measured.
const RECENT_SESSIONS: u32 = 32;

/// What a session that ends knows about its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// [`Session::capture`] has marked what changed.
    Captured,
    /// A comparison with the old pages tells.
    Uncaptured,
    /// Nothing changed.
    Scrubbed,
}

/// Closes what need not stay open, and the gate.
pub(super) fn end(ending: Ending) {
    let Some(pages) = pages() else {
        return;
    };
    close_pages(pages, ending);
    if ending != Ending::Scrubbed {
        pages.return_memory(false);
        pages.records.sessions.fetch_add(1, Relaxed);
    }
    release(pages);
}

fn close_pages(pages: &Pages, ending: Ending) {
    let records = &pages.records;
    let (count, hot) = (records.count.load(Relaxed), records.hot.load(Relaxed));
    let (mut kept, mut closed) = (0, 0);
    for index in 0..count as usize {
        let entry = records.entry(index);
        let is_hot = index < hot as usize;
        let changed = has_changed(records, entry, is_hot, ending);
        if let Some(codes) = &pages.codes
            && changed
        {
            codes.follow(entry.page(), records.old(entry), records.current(entry));
        }
        let keep = match (is_hot, ending) {
            (_, Ending::Scrubbed) => is_hot,
            (true, _) => stays_hot(records, entry, changed),
            (false, _) => kept < pages.hot_pages_max && becomes_hot(records, entry),
        };
        if keep {
            records.swap(index, kept);
            kept += 1;
        } else {
            records.open(entry.page()).store(0, Relaxed);
            records.set_scratch(closed, entry.page());
            closed += 1;
        }
    }
    records.count.store(kept as u32, Relaxed);
    records.hot.store(kept as u32, Relaxed);
    records.for_each_run(closed, |page, length| {
        if !pages.guard.close(page, length) {
            stop(format_args!(
                "the system refused to close {length} pages: raise vm.max_map_count"
            ));
        }
    });
}

/// Whether a session may have changed a page: of a cold one, that it was opened says enough.
fn has_changed(records: &Records, entry: &Entry, is_hot: bool, ending: Ending) -> bool {
    match ending {
        Ending::Scrubbed => false,
        _ if !is_hot => true,
        Ending::Captured => entry.dirty.load(Relaxed) != 0,
        Ending::Uncaptured => !records.is_equal(records.current(entry), records.old(entry)),
    }
}

/// Brings a hot page's copy up to date; whether it changed recently.
fn stays_hot(records: &Records, entry: &Entry, changed: bool) -> bool {
    if changed {
        records.copy(records.current(entry), records.old(entry));
        entry.idle.store(0, Relaxed);
        return true;
    }
    entry.idle.fetch_add(1, Relaxed) < RECENT_SESSIONS
}

/// Whether a cold page was open recently too; if so, its copy is brought up to date.
fn becomes_hot(records: &Records, entry: &Entry) -> bool {
    let hot = records.was_open_recently(entry.page(), RECENT_SESSIONS);
    if hot {
        records.copy(records.current(entry), records.old(entry));
        entry.idle.store(0, Relaxed);
    }
    hot
}
