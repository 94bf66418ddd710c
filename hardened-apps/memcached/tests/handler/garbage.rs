//! Whatever arrives, the handler answers or the connection is closed.

use asc_memcached::ShardLimits;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::driver::{Answer, Cache};

const PROPER: &[&[u8]] = &[
    b"set key 5 0 10\r\n0123456789\r\n",
    b"cas key 5 0 2 1\r\nab\r\n",
    b"append key 0 0 1 noreply\r\nx\r\n",
    b"gets key other key\r\n",
    b"gat 100 key\r\n",
    b"incr key 18446744073709551615\r\n",
    b"delete key 0\r\n",
    b"touch key -1\r\n",
    b"flush_all 10\r\n",
    b"verbosity 1\r\n",
    b"stats settings\r\n",
    b"set key 0 0 1048576\r\n",
];

/// A reply, silence that was asked for, statistics, or the end.
fn is_answered(answer: &Answer, request_may_be_silent: bool) -> bool {
    let replied = answer.bytes.ends_with(b"\r\n");
    replied || answer.closes || answer.statistics || request_may_be_silent
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let silent = bytes.windows(7).any(|window| window == b"noreply");
    for shards in [1, 2] {
        let mut cache = Cache::new(shards, ShardLimits::default());
        for answer in cache.converse(bytes) {
            prop_assert!(
                is_answered(&answer, silent),
                "{:?} to {}",
                answer,
                bytes.escape_ascii()
            );
        }
    }
    Ok(())
}

/// Bytes that mean something in the protocol are frequent.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        2 => any::<u8>(),
        2 => prop::sample::select(b" \r\n\t\0-+0159".to_vec()),
        1 => prop::sample::select(b"getsadcrinopyu_fl".to_vec()),
    ]
}

/// Proper requests in which some bytes are changed, added or removed.
fn broken_requests() -> impl Strategy<Value = Vec<u8>> {
    let requests = vec(prop::sample::select(PROPER.to_vec()), 1..6);
    let damage = vec((any::<prop::sample::Index>(), 0..3_u8, byte()), 0..8);
    (requests, damage).prop_map(|(requests, damage)| {
        let mut bytes = requests.concat();
        for (place, kind, byte) in damage {
            let place = place.index(bytes.len() + 1);
            match kind {
                0 if place < bytes.len() => bytes[place] = byte,
                1 if place < bytes.len() => drop(bytes.remove(place)),
                _ => bytes.insert(place, byte),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_answered(bytes in vec(byte(), 0..300)) {
        check(&bytes)?;
    }

    #[test]
    fn broken_requests_are_answered(bytes in broken_requests()) {
        check(&bytes)?;
    }

    #[test]
    fn unframed_bytes_do_no_harm(bytes in vec(byte(), 0..100), at in 0..200_usize) {
        let mut cache = Cache::new(1, ShardLimits::default());
        cache.execute(&bytes);
        let mut output = asc_runtime::Output::new();
        cache.shards[0].resume(cache.now, &asc_runtime::Input::seal(&bytes), at, &mut output);
        cache.shards[0].follow(cache.now, &asc_runtime::Input::seal(&bytes));
    }
}

#[test]
fn every_kind_of_line_gets_its_error() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"\r\n", b"ERROR\r\n"),
        (b"x\r\n", b"ERROR\r\n"),
        (b"get\r\n", b"ERROR\r\n"),
        (b"set a 0 0\r\n", b"ERROR\r\n"),
        (b"set a 0 0 1 2 3 4\r\n", b"ERROR\r\n"),
        (
            b"set a b 0 1\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (
            b"set a 0 0 -1\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (
            b"cas a 0 0 1 x\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (b"set a 0 0 1\r\nxyz", b"CLIENT_ERROR bad data chunk\r\n"),
        (b"gat x a\r\n", b"CLIENT_ERROR invalid exptime argument\r\n"),
        (
            b"touch a x\r\n",
            b"CLIENT_ERROR invalid exptime argument\r\n",
        ),
        (
            b"incr a x\r\n",
            b"CLIENT_ERROR invalid numeric delta argument\r\n",
        ),
        (
            b"flush_all x\r\n",
            b"CLIENT_ERROR invalid exptime argument\r\n",
        ),
        (
            b"verbosity x\r\n",
            b"CLIENT_ERROR bad command line format\r\n",
        ),
        (
            b"delete a 1\r\n",
            b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
        ),
        (b"stats nonsense\r\n", b"ERROR\r\n"),
        (
            b"stats detail\r\n",
            b"CLIENT_ERROR usage: stats detail on|off|dump\r\n",
        ),
    ];
    for (request, reply) in cases {
        let answers = Cache::new(1, ShardLimits::default()).converse(request);
        let first = answers
            .first()
            .map(|answer| answer.bytes.escape_ascii().to_string());
        let expected = reply.escape_ascii().to_string();
        assert_eq!(first, Some(expected), "{}", request.escape_ascii());
    }
}

#[test]
fn a_long_key_is_refused_by_every_command() {
    let key = "k".repeat(251);
    let refused = b"CLIENT_ERROR bad command line format\r\n";
    let commands = [
        "get KEY",
        "gets a KEY",
        "gat 0 KEY",
        "delete KEY",
        "incr KEY 1",
        "decr KEY 1",
        "touch KEY 0",
        "set KEY 0 0 1",
        "cas KEY 0 0 1 1",
        "append KEY 0 0 1",
    ];
    let mut cache = Cache::new(2, ShardLimits::default());
    cache.execute(b"set a 0 0 1\r\nx\r\n");
    for command in commands {
        let request = format!("{}\r\n", command.replace("KEY", &key));
        let answer = cache.execute(request.as_bytes());
        assert_eq!(
            answer.bytes.escape_ascii().to_string(),
            refused.escape_ascii().to_string()
        );
    }
}
