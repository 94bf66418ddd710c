//! Long random sessions: the handler answers like the model.

use asc_memcached::ShardLimits;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::driver::{Cache, START};
use crate::model::{Model, Request};

const KEYS: u8 = 6;

fn exptime() -> impl Strategy<Value = i64> {
    let start = i64::from(START);
    prop_oneof![
        6 => Just(0),
        2 => 1..6_i64,
        1 => Just(-1),
        1 => Just(60 * 60 * 24 * 30),
        1 => start - 2..start + 30,
    ]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(any::<u8>(), 0..40),
        1 => vec(any::<u8>(), 1000..3000),
        2 => any::<u64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (0..120_u64).prop_map(|number| number.to_string().into_bytes()),
    ]
}

fn noreply() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.1)
}

fn request() -> impl Strategy<Value = Request> {
    let key = 0..KEYS;
    let verb = prop::sample::select(vec!["set", "set", "add", "replace", "append", "prepend"]);
    let get = (
        vec(key.clone(), 1..8),
        any::<bool>(),
        prop::option::weighted(0.2, exptime()),
    );
    let store = (
        verb,
        key.clone(),
        any::<u32>(),
        exptime(),
        data(),
        noreply(),
    );
    let delta = prop_oneof![0..12_u64, any::<u64>()];
    let arithmetic = (
        prop::sample::select(vec!["incr", "decr"]),
        key.clone(),
        delta,
        noreply(),
    );
    prop_oneof![
        5 => get.prop_map(|(keys, with_cas, exptime)| Request::Get { keys, with_cas, exptime }),
        6 => store.prop_map(|(verb, key, flags, exptime, data, noreply)| {
            Request::Store { verb, key, flags, exptime, data, noreply }
        }),
        2 => (key.clone(), any::<bool>(), data(), noreply()).prop_map(|(key, right, data, noreply)| {
            Request::Cas { key, right, data, noreply }
        }),
        1 => (key.clone(), noreply()).prop_map(|(key, noreply)| Request::Delete { key, noreply }),
        3 => arithmetic.prop_map(|(verb, key, delta, noreply)| {
            Request::Arithmetic { verb, key, delta, noreply }
        }),
        1 => (key, exptime(), noreply()).prop_map(|(key, exptime, noreply)| {
            Request::Touch { key, exptime, noreply }
        }),
        1 => (prop_oneof![Just(0_i64), Just(-1), 1..5_i64], noreply()).prop_map(|(delay, noreply)| {
            Request::FlushAll { delay, noreply }
        }),
        2 => (0..4_u32).prop_map(|seconds| Request::Wait { seconds }),
    ]
}

/// Runs the session on one cache and on the model.
fn compare(requests: &[Request], cache: &mut Cache) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for (number, request) in requests.iter().enumerate() {
        if let Request::Wait { seconds } = request {
            cache.now += seconds;
            continue;
        }
        let (bytes, expected) = model.execute(request, cache.now);
        let answer = cache.execute(&bytes);
        prop_assert_eq!(
            answer.bytes.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "request {}: {}",
            number,
            bytes.escape_ascii()
        );
        prop_assert!(!answer.closes);
    }
    Ok(())
}

/// Unique identifiers are numbered per shard, so that several shards number them differently.
fn without_identifiers(requests: &[Request]) -> Vec<Request> {
    let mut requests = requests.to_vec();
    requests.retain(|request| !matches!(request, Request::Cas { .. }));
    for request in &mut requests {
        if let Request::Get { with_cas, .. } = request {
            *with_cas = false;
        }
    }
    requests
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn one_shard_answers_like_the_model(requests in vec(request(), 1..200)) {
        compare(&requests, &mut Cache::new(1, ShardLimits::default()))?;
    }

    #[test]
    fn three_shards_answer_like_the_model(requests in vec(request(), 1..100)) {
        compare(&without_identifiers(&requests), &mut Cache::new(3, ShardLimits::default()))?;
    }

    #[test]
    fn pipelining_changes_no_reply(requests in vec(request(), 1..60)) {
        let mut model = Model::default();
        let mut cache = Cache::new(1, ShardLimits::default());
        let (sent, expected): (Vec<_>, Vec<_>) =
            requests.iter().map(|request| model.execute(request, START)).unzip();
        let replies: Vec<u8> =
            cache.converse(&sent.concat()).into_iter().flat_map(|answer| answer.bytes).collect();
        prop_assert_eq!(
            replies.escape_ascii().to_string(),
            expected.concat().escape_ascii().to_string()
        );
    }
}
