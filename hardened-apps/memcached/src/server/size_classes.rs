//! `stats items` and `stats slabs`.

use super::shared::Shared;
use crate::cache::class_view::ClassView;
use crate::statistics::Statistic;

/// The counters of memcached that can only be 0 here: there are no slabs, nobody holds items.
const ZERO: u64 = 0;

/// `stats items`: the classes in use, with what their segments hold.
pub(super) fn items(shared: &Shared, now: u32) -> Vec<Statistic> {
    let maintained = shared.options.extended.lru_maintainer;
    let temporary = shared.tuning().temporary_seconds.is_some();
    let mut lines = Vec::new();
    for view in views(shared, now)
        .iter()
        .filter(|view| view.items_total() > 0)
    {
        let mut add = |name: &str, value: u64| {
            lines.push(Statistic::new(
                format!("items:{}:{name}", view.class),
                value,
            ));
        };
        let [hot, warm, cold, temp] = view.items;
        let counters = &view.counters;
        add("number", view.items_total());
        if maintained {
            add("number_hot", hot);
            add("number_warm", warm);
            add("number_cold", cold);
            if temporary {
                add("number_temp", temp);
            }
            add("age_hot", view.ages[0].into());
            add("age_warm", view.ages[1].into());
        }
        add("age", view.ages[2].into());
        add("mem_requested", view.bytes);
        add("evicted", counters.evicted);
        add("evicted_nonzero", counters.evicted_nonzero);
        add("evicted_time", counters.evicted_time.into());
        add("outofmemory", counters.out_of_memory);
        add("tailrepairs", ZERO);
        add("reclaimed", counters.reclaimed);
        add("expired_unfetched", counters.expired_unfetched);
        add("evicted_unfetched", counters.evicted_unfetched);
        if maintained {
            add("evicted_active", counters.evicted_active);
        }
        add("crawler_reclaimed", counters.crawler_reclaimed);
        add("crawler_items_checked", counters.crawler_items_checked);
        add("lrutail_reflocked", ZERO);
        if maintained {
            add("moves_to_cold", counters.moves_to_cold);
            add("moves_to_warm", view.moves_to_warm);
            add("moves_within_lru", counters.moves_within_lru);
            add("direct_reclaims", ZERO);
        }
    }
    lines
}

/// `stats slabs`: as many pages as the items of each class would fill.
pub(super) fn slabs(shared: &Shared, now: u32) -> Vec<Statistic> {
    let mut lines = Vec::new();
    let (mut active, mut malloced) = (0_u64, 0_u64);
    for view in views(shared, now).iter().filter(|view| view.used) {
        let mut add = |name: &str, value: u64| {
            lines.push(Statistic::new(format!("{}:{name}", view.class), value));
        };
        let chunks = view.pages() * view.chunks_per_page;
        add("chunk_size", view.chunk_bytes);
        add("chunks_per_page", view.chunks_per_page);
        add("total_pages", view.pages());
        add("total_chunks", chunks);
        add("used_chunks", view.chunks());
        add("free_chunks", chunks - view.chunks());
        add("free_chunks_end", ZERO);
        active += 1;
        malloced += view.pages() * ClassView::PAGE_BYTES;
    }
    lines.push(Statistic::new("active_slabs", active));
    lines.push(Statistic::new("total_malloced", malloced));
    lines
}

/// The classes of all shards added up.
fn views(shared: &Shared, now: u32) -> Vec<ClassView> {
    let mut sum = shared.lock(0).class_views(now);
    for shard in 1..shared.shards() {
        for (sum, view) in sum.iter_mut().zip(shared.lock(shard).class_views(now)) {
            sum.add(&view);
        }
    }
    sum
}
