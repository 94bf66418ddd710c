//! The memory limit.

use asc_memcached::ShardLimits;

use crate::driver::Cache;

const LIMIT: usize = 1 << 20;

fn cache() -> Cache {
    Cache::new(
        1,
        ShardLimits {
            memory_bytes: LIMIT,
            item_bytes: 1 << 20,
            ..ShardLimits::default()
        },
    )
}

fn set(cache: &mut Cache, key: &str, bytes: usize, exptime: i32) {
    let mut request = format!("set {key} 0 {exptime} {bytes}\r\n").into_bytes();
    request.resize(request.len() + bytes, b'v');
    request.extend(b"\r\n");
    assert_eq!(cache.execute(&request).bytes, b"STORED\r\n");
}

fn has(cache: &mut Cache, key: &str) -> bool {
    cache
        .execute(format!("get {key}\r\n").as_bytes())
        .bytes
        .starts_with(b"VALUE")
}

#[test]
fn the_oldest_items_leave() {
    let mut cache = cache();
    for number in 0..5000 {
        set(&mut cache, &format!("key{number}"), 1000, 0);
        assert!(cache.shards[0].usage().bytes_used <= LIMIT as u64);
    }
    let kept = cache.shards[0].usage().items;
    assert!((700..=1000).contains(&kept), "{kept}");
    let kept = kept as usize;
    assert!(!has(&mut cache, &format!("key{}", 5000 - kept - 1)));
    assert!(has(&mut cache, &format!("key{}", 5000 - kept)));
    let counters = cache.shards[0].counters();
    assert_eq!(counters.evictions, 5000 - kept as u64);
    assert_eq!(counters.evicted_unfetched, counters.evictions);
}

#[test]
fn an_item_that_is_read_stays() {
    let mut cache = cache();
    set(&mut cache, "precious", 1000, 0);
    for number in 0..5000 {
        cache.now += 1;
        assert!(has(&mut cache, "precious"), "gone after {number}");
        set(&mut cache, &format!("key{number}"), 1000, 0);
    }
}

#[test]
fn an_item_that_is_overwritten_stays() {
    let mut cache = cache();
    for number in 0..3000 {
        set(&mut cache, "precious", 1000, 0);
        set(&mut cache, &format!("key{number}"), 1000, 0);
    }
    assert!(has(&mut cache, "precious"));
}

#[test]
fn one_large_item_displaces_many() {
    let mut cache = cache();
    for number in 0..2000 {
        set(&mut cache, &format!("key{number}"), 100, 0);
    }
    set(&mut cache, "large", 1_000_000, 0);
    assert!(has(&mut cache, "large"));
    assert!(cache.shards[0].usage().bytes_used <= LIMIT as u64);
    assert!(has(&mut cache, "key1999"));
    assert!(!has(&mut cache, "key0"));
}

#[test]
fn the_dead_are_reclaimed_and_not_evicted() {
    let mut cache = cache();
    for number in 0..500 {
        set(&mut cache, &format!("short{number}"), 1000, 5);
    }
    cache.now += 6;
    for number in 0..800 {
        set(&mut cache, &format!("long{number}"), 1000, 0);
    }
    let counters = cache.shards[0].counters();
    assert_eq!(counters.evictions, 0);
    assert!(counters.reclaimed > 300, "{}", counters.reclaimed);
}

#[test]
fn an_item_larger_than_the_memory_is_refused_and_nothing_else_leaves() {
    let mut cache = Cache::new(
        1,
        ShardLimits {
            memory_bytes: 10_000,
            item_bytes: 1 << 20,
            ..ShardLimits::default()
        },
    );
    set(&mut cache, "small", 100, 0);
    let mut request = b"set large 0 0 20000\r\n".to_vec();
    request.resize(request.len() + 20_000, b'v');
    request.extend(b"\r\n");
    let answer = cache.execute(&request);
    assert_eq!(
        answer.bytes,
        b"SERVER_ERROR out of memory storing object\r\n"
    );
    assert!(has(&mut cache, "small"));
}

#[test]
fn deleting_everything_gives_all_memory_back() {
    let mut cache = cache();
    for number in 0..300 {
        set(&mut cache, &format!("key{number}"), number * 3, 0);
        set(&mut cache, &format!("key{number}"), number * 2, 0);
    }
    for number in 0..300 {
        cache.execute(format!("delete key{number}\r\n").as_bytes());
    }
    let usage = cache.shards[0].usage();
    assert_eq!((usage.items, usage.bytes), (0, 0));
}
