//! Files that are no results, and campaigns that do not belong together.

use fault_injector::report::campaign::Campaign;
use fault_injector::report::{Report, ReportError};
use fault_injector::results::MaskKind;

use crate::{SEED, pair, read, synthetic};

fn refused(lines: &str) -> String {
    Campaign::from_lines("some.jsonl", lines.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn files_that_are_no_results_are_refused_with_line_and_way_out() {
    let good = synthetic::campaign("plain", 50, SEED).lines();
    let (header, records) = good.split_once('\n').unwrap();
    let first = records.lines().next().unwrap();
    let again = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let cases = [
        (String::new(), "some.jsonl: ", "an empty file"),
        ("hello\n".to_owned(), "some.jsonl:1: ", "a header as JSON"),
        (
            "{}\n".to_owned(),
            "some.jsonl:1: ",
            "a header of schema 1, got none",
        ),
        (
            again("\"schema\":1", "\"schema\":2"),
            "some.jsonl:1: ",
            "got schema 2",
        ),
        (
            again("\"kernel\"", "\"colonel\""),
            "some.jsonl:1: ",
            "missing field `kernel`",
        ),
        (
            good[..good.len() - 9].to_owned(),
            "some.jsonl:51: ",
            "the end of the file in its middle",
        ),
        (
            format!("{header}\n{first}\nnonsense\n"),
            "some.jsonl:3: ",
            "a record as JSON",
        ),
        (
            format!("{header}\n{first}\n\n{first}\n"),
            "some.jsonl:3: ",
            "a record as JSON",
        ),
        (
            format!("{header}\n{first}\n{first}\n"),
            "some.jsonl:3: ",
            "0 again",
        ),
        (
            again("\"id\":7,", "\"id\":50,"),
            "some.jsonl:9: ",
            "below the 50 planned",
        ),
        (
            again(
                "\"model\":\"register-read\",\"zone\":\"application\",\"address",
                "\"model\":\"stuck-at\",\"zone\":\"application\",\"address",
            ),
            "some.jsonl:2: ",
            "a stratum of the header, got stuck-at",
        ),
        (
            again("\"injections\":3}", "\"injections\":2}"),
            "some.jsonl:4: ",
            "got one more",
        ),
        (
            again("\"outcome\":\"", "\"outcome\":\"very-"),
            "some.jsonl:2: ",
            "unknown variant",
        ),
    ];
    for (lines, place, found) in cases {
        let error = refused(&lines);
        assert!(error.starts_with(place), "{error}");
        assert!(error.contains(found), "{error}");
        assert!(error.contains("\nto do: "), "{error}");
    }
    let truncated = refused(&good[..good.len() - 1]);
    assert!(truncated.contains("keep the first 50 lines"), "{truncated}");
    let error = Campaign::from_lines("some.jsonl", &b"\xff\xfe\n"[..]).unwrap_err();
    assert!(error.to_string().starts_with("some.jsonl:1: "));
    let endless = refused(&"x".repeat(2 << 20));
    assert!(
        endless.contains("a line of less than 1048576 bytes"),
        "{endless}"
    );
}

#[test]
fn campaigns_that_do_not_belong_together_are_refused() {
    let error = |result: Result<Report, ReportError>| result.unwrap_err().to_string();
    assert!(error(Report::new(None, None)).contains("give --plain FILE, --hardened FILE or both"));
    let (plain, mut hardened) = pair();
    let swapped = error(Report::new(Some(read(&hardened)), Some(read(&plain))));
    assert!(
        swapped.starts_with("hardened.jsonl:1: wanted a campaign against the plain build"),
        "{swapped}"
    );
    hardened.header.mask = MaskKind::Burst;
    let other = error(Report::new(Some(read(&plain)), Some(read(&hardened))));
    assert!(
        other.starts_with(
            "hardened.jsonl:1: wanted the same mask as in plain.jsonl: single, got burst"
        ),
        "{other}"
    );
    hardened.header.mask = MaskKind::Single;
    hardened.header.trace_crc += 1;
    let other = error(Report::new(Some(read(&plain)), Some(read(&hardened))));
    assert!(
        other.starts_with("hardened.jsonl:1: wanted the same as in plain.jsonl"),
        "{other}"
    );
}
