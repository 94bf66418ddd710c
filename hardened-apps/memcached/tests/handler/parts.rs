//! Requests that take more than one handler.

use asc_memcached::cache::retrieval::retrieve_from_all;
use asc_memcached::{Disposition, Shard, ShardLimits};
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
fn keys_that_are_looked_up_together_are_served_one_after_the_other() {
    for shards in [1, 2] {
        let mut cache = Cache::new(shards, ShardLimits::default());
        cache.execute(b"set dead 0 1 1\r\nd\r\n");
        cache.execute(b"set live 0 0 1\r\nl\r\n");
        cache.now += 5;
        let request = format!("get{}\r\n", " live dead dead live".repeat(10));
        let answer = cache.execute(request.as_bytes());
        let expected = "VALUE live 0 1\r\nl\r\n".repeat(20) + "END\r\n";
        assert_eq!(String::from_utf8_lossy(&answer.bytes), expected);
        let counters = cache.shards.iter().map(Shard::counters);
        let (expired, misses) = counters.fold((0, 0), |(expired, misses), it| {
            (expired + it.get_expired, misses + it.get_misses)
        });
        assert_eq!((expired, misses), (1, 20));
    }
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

/// What all shards together answer.
fn retrieve_together(cache: &mut Cache, request: &str) -> (Disposition, String) {
    let mut shards: Vec<&mut Shard> = cache.shards.iter_mut().collect();
    let mut output = Output::new();
    let input = Input::seal(request.as_bytes());
    let disposition = retrieve_from_all(&mut shards, cache.now, &input, &mut output);
    let reply = String::from_utf8_lossy(output.bytes()).into_owned();
    (disposition, reply)
}

#[test]
fn all_shards_together_answer_like_one_after_the_other() {
    let mut cache = Cache::new(3, ShardLimits::default());
    let mut keys = String::new();
    for number in 0..50 {
        let request = format!("set key{number} 7 0 1\r\n{}\r\n", number % 10);
        cache.execute(request.as_bytes());
        keys += &format!(" key{number} missing{number}");
    }
    let too_long = format!(" key1 {}", "k".repeat(251));
    for keys in [&keys, " missing", " key1", " key1 ", &too_long] {
        for name in ["get", "gets"] {
            let request = format!("{name}{keys}\r\n");
            let expected = cache.execute(request.as_bytes());
            let (disposition, reply) = retrieve_together(&mut cache, &request);
            assert_eq!(disposition, Disposition::Done);
            assert_eq!(reply, String::from_utf8_lossy(&expected.bytes), "{request}");
        }
    }
    let counters = cache.shards.iter().map(Shard::counters);
    let reads: u64 = counters.map(|it| it.get_hits + it.get_misses).sum();
    assert_eq!(reads, 2 * 2 * (100 + 3));
}

#[test]
fn all_shards_together_leave_other_requests_to_one() {
    let mut cache = Cache::new(2, ShardLimits::default());
    for request in ["get\r\n", "gat 1 a b\r\n", "set a 0 0 1\r\nx\r\n", "mn\r\n"] {
        let (disposition, reply) = retrieve_together(&mut cache, request);
        assert_eq!(disposition, Disposition::Continue { shard: 0, at: 0 });
        assert!(reply.is_empty());
    }
}

#[test]
fn all_shards_together_stop_before_a_reply_grows_too_large() {
    let mut cache = Cache::new(2, ShardLimits::default());
    let value = "v".repeat(30_000);
    for key in ["a", "b", "c"] {
        cache.execute(format!("set {key} 0 0 30000\r\n{value}\r\n").as_bytes());
    }
    let request = "get a b c a b c\r\n";
    let (disposition, first) = retrieve_together(&mut cache, request);
    let Disposition::Continue { shard: 0, at: 10 } = disposition else {
        panic!("{disposition:?}");
    };
    assert!((60_000..100_000).contains(&first.len()));
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
