//! Meta commands, over handlers.

use asc_memcached::ShardLimits;

use crate::driver::Cache;

/// Runs requests, each with the reply that memcached 1.6.18 gives.
#[track_caller]
fn converse(shards: u16, conversation: &[(&str, &str)]) {
    let mut cache = Cache::new(shards, ShardLimits::default());
    for (request, reply) in conversation {
        let answer = cache.execute(request.as_bytes());
        assert_eq!(String::from_utf8_lossy(&answer.bytes), *reply, "{request}");
    }
}

#[test]
fn a_client_that_finds_nothing_wins_and_others_wait() {
    converse(
        1,
        &[
            ("mg lease s c v N30\r\n", "VA 0 s0 c1 W\r\n\r\n"),
            ("mg lease s c v N30\r\n", "VA 0 s0 c1 Z\r\n\r\n"),
            ("ms lease 2 C9\r\nno\r\n", "EX\r\n"),
            ("ms lease 3 C1 T0\r\nyes\r\n", "HD\r\n"),
            ("mg lease v t\r\n", "VA 3 t-1\r\nyes\r\n"),
        ],
    );
}

#[test]
fn a_stale_item_is_renewed_by_one() {
    converse(
        1,
        &[
            ("ms key 5 T100\r\nfirst\r\n", "HD\r\n"),
            ("md key I T30\r\n", "HD\r\n"),
            ("mg key v c t\r\n", "VA 5 c2 t30 X W\r\nfirst\r\n"),
            ("mg key v c\r\n", "VA 5 c2 Z X\r\nfirst\r\n"),
            ("ms key 5 C1 I\r\nolder\r\n", "HD\r\n"),
            ("mg key v c t\r\n", "VA 5 c3 t30 Z X\r\nolder\r\n"),
            ("ms key 5 C3\r\nfresh\r\n", "HD\r\n"),
            ("mg key v\r\n", "VA 5\r\nfresh\r\n"),
        ],
    );
}

#[test]
fn binary_keys_belong_to_the_shard_of_their_bytes() {
    converse(
        3,
        &[
            ("ms Zm9v 3 b k\r\nbar\r\n", "HD kZm9v b\r\n"),
            ("mg Zm9v v\r\n", "EN\r\n"),
            ("mg Zm9v b v k\r\n", "VA 3 kZm9v b\r\nbar\r\n"),
            ("get foo\r\n", "VALUE foo 0 3\r\nbar\r\nEND\r\n"),
            ("md Zm9v b k Oq\r\n", "HD kZm9v b Oq\r\n"),
            ("mg Zm9v b k Oq\r\n", "EN kZm9v b Oq\r\n"),
        ],
    );
}

#[test]
fn arithmetic_creates_counts_and_compares() {
    converse(
        1,
        &[
            ("ma n\r\n", "NF\r\n"),
            ("ma n N0 J13 v c\r\n", "VA 2 c1\r\n13\r\n"),
            ("ma n D30 v\r\n", "VA 2\r\n43\r\n"),
            (
                "ma n MD D50 v t T100 t\r\n",
                "CLIENT_ERROR invalid or duplicate flag\r\n",
            ),
            ("ma n MD D50 v T100 t\r\n", "VA 1 t100\r\n0\r\n"),
            ("ma n C99\r\n", "EX\r\n"),
            ("ma n q\r\n", ""),
            (
                "ma n MX\r\n",
                "CLIENT_ERROR invalid mode for ma M token\r\n",
            ),
        ],
    );
}

#[test]
fn quiet_commands_say_only_what_is_not_expected() {
    converse(
        1,
        &[
            ("mg key q v\r\n", ""),
            ("ms key 1 q\r\nx\r\n", ""),
            ("mg key q v\r\n", "VA 1\r\nx\r\n"),
            ("ms key 1 q ME\r\nx\r\n", "NS\r\n"),
            ("md key q\r\n", ""),
            ("md key q\r\n", "NF\r\n"),
            ("mn\r\n", "MN\r\n"),
        ],
    );
}
