//! The segmented LRU and the crawler, over handlers.

use asc_memcached::cache::class_view::ClassView;
use asc_memcached::cache::eviction::LruTuning;
use asc_memcached::protocol::ClassSelection;
use asc_memcached::{KeyHasher, Placement, Shard, ShardLimits};

use crate::driver::{Cache, START};

const LIMIT: usize = 1 << 20;
const HOT: usize = 0;
const WARM: usize = 1;
const COLD: usize = 2;
const TEMPORARY: usize = 3;

fn cache(lru: LruTuning) -> Cache {
    Cache::new(
        1,
        ShardLimits {
            memory_bytes: LIMIT,
            lru,
            ..ShardLimits::default()
        },
    )
}

fn set(cache: &mut Cache, key: &str, exptime: i32) {
    let request = format!("set {key} 0 {exptime} 900\r\n{}\r\n", "v".repeat(900));
    assert_eq!(cache.execute(request.as_bytes()).bytes, b"STORED\r\n");
}

fn has(cache: &mut Cache, key: &str) -> bool {
    let answer = cache.execute(format!("get {key}\r\n").as_bytes());
    answer.bytes.starts_with(b"VALUE")
}

/// The only class that has items.
fn class(cache: &Cache) -> ClassView {
    let views = cache.shards[0].class_views(cache.now);
    let mut used = views.into_iter().filter(|view| view.items_total() > 0);
    let view = used.next().expect("a class with items");
    assert_eq!(used.next(), None);
    view
}

fn maintain(cache: &mut Cache) {
    while cache.shards[0].maintain(cache.now, 100) == 100 {}
    assert!(!cache.shards[0].is_maintenance_due(cache.now));
}

#[test]
fn items_go_from_hot_to_cold_and_when_read_twice_to_warm() {
    let mut cache = cache(LruTuning::default());
    for number in 0..10 {
        set(&mut cache, &format!("key{number}"), 0);
    }
    assert_eq!(class(&cache).items, [10, 0, 0, 0]);
    assert!(has(&mut cache, "key3") && has(&mut cache, "key3"));
    assert!(has(&mut cache, "key4"));
    cache.now += 1;
    maintain(&mut cache);
    let items = class(&cache).items;
    assert_eq!(
        (items[HOT], items[COLD], items[WARM] + items[COLD]),
        (0, 9, 10)
    );
    assert!(has(&mut cache, "key4"));
    assert_eq!(class(&cache).items[WARM], 2);
    assert_eq!(class(&cache).moves_to_warm, 2);
}

#[test]
fn a_scan_does_not_displace_what_is_read() {
    let mut cache = cache(LruTuning::default());
    for number in 0..100 {
        set(&mut cache, &format!("popular{number}"), 0);
    }
    for _ in 0..2 {
        for number in 0..100 {
            assert!(has(&mut cache, &format!("popular{number}")));
        }
    }
    for number in 0..20_000 {
        set(&mut cache, &format!("scanned{number}"), 0);
    }
    let kept = (0..100)
        .filter(|number| has(&mut cache, &format!("popular{number}")))
        .count();
    assert_eq!(kept, 100);
}

#[test]
fn temporary_items_are_not_evicted() {
    let mut cache = cache(LruTuning {
        temporary_seconds: Some(61),
        ..LruTuning::default()
    });
    set(&mut cache, "temporary", 30);
    for number in 0..5000 {
        set(&mut cache, &format!("key{number}"), 3600);
    }
    assert!(has(&mut cache, "temporary"));
    assert_eq!(class(&cache).items[TEMPORARY], 1);
    cache.now += 31;
    maintain(&mut cache);
    assert_eq!(class(&cache).items[TEMPORARY], 0);
    assert_eq!(class(&cache).counters.reclaimed, 1);
}

#[test]
fn the_crawler_removes_the_dead_in_steps() {
    let mut cache = cache(LruTuning::default());
    for number in 0..100 {
        set(&mut cache, &format!("long{number}"), 0);
        set(&mut cache, &format!("short{number}"), 10);
    }
    cache.now += 11;
    let other = ClassSelection::parse_list("1").expect("a class");
    let mut next = Some(0);
    while let Some(from) = next {
        next = cache.shards[0].crawl(cache.now, from, 7, other);
    }
    assert_eq!(cache.shards[0].usage().items, 200);
    let (mut next, mut steps) = (Some(0), 0);
    while let Some(from) = next {
        next = cache.shards[0].crawl(cache.now, from, 7, ClassSelection::ALL);
        steps += 1;
    }
    assert_eq!(steps, 200_usize.div_ceil(7));
    assert_eq!(cache.shards[0].usage().items, 100);
    let counters = class(&cache).counters;
    assert_eq!(
        (counters.crawler_reclaimed, counters.crawler_items_checked),
        (100, 200)
    );
}

#[test]
fn without_eviction_storing_fails_when_memory_is_full() {
    let placement = Placement::sole(KeyHasher::with_seed(1));
    let limits = ShardLimits {
        memory_bytes: 100_000,
        evict: false,
        ..ShardLimits::default()
    };
    let mut cache = Cache::new(1, limits);
    cache.shards[0] = Shard::new(limits, placement);
    let request = |number| format!("set key{number} 0 10 900\r\n{}\r\n", "v".repeat(900));
    let mut stored = 0;
    while cache.execute(request(stored).as_bytes()).bytes == b"STORED\r\n" {
        stored += 1;
    }
    assert!((80..100).contains(&stored), "{stored}");
    assert!(has(&mut cache, "key0"));
    assert_eq!(cache.execute(request(0).as_bytes()).bytes, b"STORED\r\n");
    cache.now = START + 11;
    assert_eq!(
        cache.execute(request(stored).as_bytes()).bytes,
        b"STORED\r\n"
    );
    assert_eq!(cache.shards[0].counters().evictions, 0);
}

#[test]
fn less_memory_evicts_at_once() {
    let mut cache = cache(LruTuning::default());
    for number in 0..500 {
        set(&mut cache, &format!("key{number}"), 0);
    }
    assert!(!cache.shards[0].limit_memory(cache.now, LIMIT / 4));
    let usage = cache.shards[0].usage();
    assert!(
        usage.bytes_used <= LIMIT as u64 / 4 && usage.items > 200,
        "{usage:?}"
    );
    assert!(has(&mut cache, "key499") && !has(&mut cache, "key0"));
}

#[test]
fn much_less_memory_takes_several_handlers() {
    let limits = ShardLimits::default();
    let mut cache = Cache::new(1, limits);
    for number in 0..40_000 {
        let request = format!("set {number} 0 0 1\r\nx\r\n");
        assert_eq!(cache.execute(request.as_bytes()).bytes, b"STORED\r\n");
    }
    let mut handlers = 1;
    while cache.shards[0].limit_memory(cache.now, 10_000) {
        handlers += 1;
    }
    assert_eq!(handlers, 3);
    assert!(cache.shards[0].usage().bytes_used <= 10_000);
}
