//! Tests of the command line.

use super::*;

fn parse(arguments: &str) -> Result<Options, String> {
    let arguments = ["asc-memcached"]
        .into_iter()
        .chain(arguments.split_whitespace());
    let options = Options::try_parse_from(arguments).map_err(|error| error.to_string())?;
    options.validated().map_err(|failure| failure.to_string())
}

#[test]
fn memcacheds_flags_in_memcacheds_spellings() {
    let options = parse(
        "-p11212 -l 127.0.0.1,::1 -l localhost:1 -t 2 -m 128 -c 9 -U 0 -u nobody -vv -R 5 -C -b 7 \
         -B ascii -I 2m -F -X -W -M -k -r -L -A -d -P /pid -f 1.5 -n 64 -D / -a 777 -s /socket",
    )
    .expect("these are valid");
    assert_eq!(
        (options.tcp_port(), options.threads, options.conn_limit),
        (11212, 2, 9)
    );
    assert_eq!(options.listen, ["127.0.0.1", "::1", "localhost:1"]);
    assert_eq!(
        (options.verbose, options.user.as_deref()),
        (2, Some("nobody"))
    );
    assert_eq!((options.item_bytes, options.unix_mask), (2 << 20, 0o777));
    let limits = options.shard_limits();
    assert!(!limits.cas && !limits.evict && !limits.flush);
    assert_eq!(
        (limits.classes.smallest_bytes, limits.classes.factor),
        (64, 1.5)
    );
    let long = parse(
        "--port=1 --memory-limit=2 --threads 1 --conn-limit=3 --udp-port=0 --verbose --daemon",
    );
    assert_eq!(long.expect("these are valid").memory_bytes(), 2 << 20);
    assert_eq!(parse("-p -1").expect("valid").tcp_port(), -1);
}

#[test]
fn the_last_of_several_flags_counts() {
    let options = parse("-t 1 -u root -t 3 -u nobody").expect("these are valid");
    assert_eq!(
        (options.threads, options.user.as_deref()),
        (3, Some("nobody"))
    );
}

#[test]
fn the_defaults_are_memcacheds() {
    let options = parse("").expect("no argument is required");
    assert_eq!((options.tcp_port(), options.threads), (11211, 4));
    assert_eq!((options.memory_limit, options.conn_limit), (64, 1024));
    assert_eq!(parse("-U 7").expect("valid").tcp_port(), 7);
    assert_eq!((options.udp_port, options.item_bytes), (0, 1 << 20));
    assert!(options.extended.lru_maintainer && options.extended.lru_crawler);
}

#[test]
fn a_shard_holds_many_of_the_largest_items() {
    let shards = |arguments| parse(arguments).expect("valid").shards();
    assert_eq!(shards("-m 64 -t 4"), 1);
    assert_eq!(shards("-m 128 -t 4"), 2);
    assert_eq!(shards("-m 1024 -t 4"), 4);
    assert_eq!(shards("-m 1024 -t 4 -I 8m"), 2);
}

#[test]
fn what_is_not_supported_is_refused() {
    for arguments in [
        "-t 0",
        "-c 0",
        "-m 0",
        "-p 70000",
        "-o fast",
        "-S",
        "-Z",
        "-Y /file -U 1",
        "-e /file",
        "-B http",
        "-I 1000",
        "-I 33m",
        "-f 1",
        "-b 0",
        "extra",
    ] {
        assert!(parse(arguments).is_err(), "{arguments}");
    }
    let message = parse("-S").expect_err("not there");
    assert!(
        message.contains("-S") && message.contains("SASL"),
        "{message}"
    );
}

#[test]
fn a_policy_is_one_that_a_cache_can_follow() {
    assert_eq!(parse("").map(|it| it.on_fault), Ok(OnFault::Abort));
    let retry = parse("--on-fault retry(3)").map(|it| it.on_fault);
    assert_eq!(retry, Ok(OnFault::Retry(3)));
    for (policy, word) in [
        ("drop", "waits"),
        ("retry(0)", "retry(n)"),
        ("x", "retry(n)"),
    ] {
        let message = parse(&format!("--on-fault {policy}")).expect_err("not valid");
        assert!(message.contains(word), "{message}");
    }
}
