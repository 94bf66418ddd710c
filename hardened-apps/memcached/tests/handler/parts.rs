//! Requests that take more than one handler.

use asc_memcached::{Disposition, ShardLimits};
use asc_runtime::{Input, Output};

use crate::driver::Cache;

#[test]
fn a_retrieval_across_shards_keeps_the_order_of_its_keys() {
    let mut cache = Cache::new(3, ShardLimits::default());
    let mut request = "get".to_string();
    let mut expected = String::new();
    for number in 0..50 {
        let key = format!("key{number}");
        cache.execute(format!("set {key} 0 0 {}\r\n{key}\r\n", key.len()).as_bytes());
        request += &format!(" {key} missing{number}");
        expected += &format!("VALUE {key} 0 {}\r\n{key}\r\n", key.len());
    }
    cache.handlers = 0;
    let answer = cache.execute(format!("{request}\r\n").as_bytes());
    assert_eq!(String::from_utf8_lossy(&answer.bytes), expected + "END\r\n");
    assert!((2..=101).contains(&cache.handlers), "{}", cache.handlers);
    assert!(cache.shards.iter().all(|shard| shard.usage().items > 0));
}

#[test]
fn a_large_reply_is_written_in_bounded_parts() {
    let mut cache = Cache::new(1, ShardLimits::default());
    let mut request = b"set key 0 0 30000\r\n".to_vec();
    request.resize(request.len() + 30_000, b'v');
    request.extend(b"\r\n");
    cache.execute(&request);
    let request = format!("get{}\r\n", " key".repeat(100));
    let input = Input::seal(request.as_bytes());
    let mut output = Output::new();
    let mut total = 0;
    let mut disposition = cache.shards[0].handle(cache.now, &input, &mut output);
    while let Disposition::Continue { shard: 0, at } = disposition {
        let part = output.bytes().len();
        assert!((60_000..100_000).contains(&part), "{part}");
        total += part;
        output.clear();
        disposition = cache.shards[0].resume(cache.now, &input, at as usize, &mut output);
    }
    assert_eq!(disposition, Disposition::Done);
    assert_eq!(
        total + output.bytes().len(),
        100 * (30_000 + "VALUE key 0 30000\r\n\r\n".len()) + 5
    );
}

#[test]
fn a_shard_hands_foreign_keys_on_and_keeps_nothing_of_them() {
    let mut cache = Cache::new(2, ShardLimits::default());
    for number in 0..100 {
        let request = format!("set key{number} 0 0 1\r\nx\r\n");
        let input = Input::seal(request.as_bytes());
        let dispositions = [0, 1].map(|shard: usize| {
            let mut output = Output::new();
            let disposition = cache.shards[shard].handle(cache.now, &input, &mut output);
            assert_eq!(output.bytes().is_empty(), disposition != Disposition::Done);
            disposition
        });
        let owner = dispositions
            .iter()
            .position(|d| *d == Disposition::Done)
            .expect("an owner");
        let handed_on = Disposition::Continue {
            shard: owner as u16,
            at: 0,
        };
        assert_eq!(dispositions[1 - owner], handed_on);
    }
    assert_eq!(
        cache
            .shards
            .iter()
            .map(|shard| shard.usage().items)
            .sum::<u64>(),
        100
    );
}

#[test]
fn all_shards_follow_a_flush() {
    let mut cache = Cache::new(4, ShardLimits::default());
    for number in 0..40 {
        cache.execute(format!("set key{number} 0 0 1\r\nx\r\n").as_bytes());
    }
    cache.handlers = 0;
    assert_eq!(cache.execute(b"flush_all\r\n").bytes, b"OK\r\n");
    assert_eq!(cache.handlers, 4);
    for number in 0..40 {
        let answer = cache.execute(format!("get key{number}\r\n").as_bytes());
        assert_eq!(answer.bytes, b"END\r\n");
    }
    let flushed: u64 = cache
        .shards
        .iter()
        .map(|shard| shard.counters().get_flushed)
        .sum();
    assert_eq!(flushed, 40);
    cache.execute(b"stats reset\r\n");
    assert!(
        cache
            .shards
            .iter()
            .all(|shard| shard.counters().get_flushed == 0)
    );
}
