//! Lives as they might be told, and what they must be judged.

use super::*;

const NONCE: u64 = 77;

fn golden() -> Golden {
    let replies = [&b"one"[..], b"two", b"three"];
    Golden {
        replies: replies
            .map(|bytes| (bytes.to_vec(), crc32c(bytes)))
            .to_vec(),
        digest: 5,
        nonce: NONCE,
    }
}

fn said(records: &[(u32, &[u8], u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(index, content, checksum) in records {
        let length = content.len() as u32;
        let head = RecordHead {
            index,
            length,
            checksum,
        };
        bytes.extend(head.encode());
        bytes.extend(content);
    }
    bytes
}

fn end_of_life(digest: u64) -> Vec<u8> {
    let content = [digest.to_le_bytes(), NONCE.to_le_bytes()].concat();
    said(&[(SERVED, b"", 0), (FINISHED, &content, 0)])
}

fn right(from: u32) -> Vec<u8> {
    let golden = golden();
    let replies = golden.replies.iter().zip(0..).skip(from as usize);
    replies
        .flat_map(|((bytes, checksum), index)| said(&[(index, bytes, *checksum)]))
        .collect()
}

fn ended(stop: Stop) -> End {
    End {
        stop,
        signals: Vec::new(),
        hung: false,
    }
}

fn judged(messages: &[u8], stop: Stop) -> Outcome {
    golden().judge(1, messages, &ended(stop), b"").outcome
}

#[test]
fn a_whole_right_life_is_masked_and_a_wrong_state_is_not() {
    let good = Stop::Exited(0);
    assert_eq!(
        judged(&[right(1), end_of_life(5)].concat(), good),
        Outcome::Masked
    );
    assert_eq!(
        judged(&[right(1), end_of_life(6)].concat(), good),
        Outcome::LatentSdc
    );
    let served = said(&[(SERVED, b"", 0)]);
    let dead = Stop::Killed(Signal::SIGSEGV);
    assert_eq!(
        judged(&[right(1), served].concat(), dead),
        Outcome::LatentSdc
    );
    // An end that does not give the nonce back was jumped to.
    let forged = said(&[(SERVED, b"", 0), (FINISHED, &[0; 16], 0)]);
    assert_eq!(
        judged(&[right(1), forged].concat(), good),
        Outcome::LatentSdc
    );
}

#[test]
fn a_wrong_reply_counts_whatever_comes_after_it() {
    for stop in [
        Stop::Exited(0),
        Stop::Exited(EXIT_FAULT),
        Stop::Killed(Signal::SIGSEGV),
    ] {
        let valid = said(&[(1, b"TWO", crc32c(b"TWO"))]);
        assert_eq!(judged(&valid, stop), Outcome::Sdc);
        let invalid = said(&[(1, b"TWO", crc32c(b"two"))]);
        assert_eq!(judged(&invalid, stop), Outcome::CaughtAtReceiver);
        let wrong_place = said(&[(2, b"three", crc32c(b"three"))]);
        assert_eq!(judged(&wrong_place, stop), Outcome::Sdc);
    }
    let twice = [right(1), right(2)].concat();
    assert_eq!(judged(&twice, Stop::Exited(0)), Outcome::Sdc);
}

#[test]
fn an_early_end_is_told_by_its_status() {
    let cases = [
        (Stop::Exited(0), Outcome::Crashed),
        (Stop::Exited(101), Outcome::Crashed),
        (Stop::Exited(EXIT_FAULT), Outcome::Detected),
        (Stop::Exited(EXIT_REFUSED), Outcome::Detected),
        (Stop::Killed(Signal::SIGILL), Outcome::Crashed),
    ];
    for (stop, outcome) in cases {
        assert_eq!(judged(b"", stop), outcome);
    }
    let hung = End {
        stop: Stop::Killed(Signal::SIGKILL),
        signals: Vec::new(),
        hung: true,
    };
    assert_eq!(golden().judge(1, b"", &hung, b"").outcome, Outcome::Hung);
}

#[test]
fn a_detection_names_its_stage() {
    let line = br#"{"asc_incident":1,"stage":"compare","reason":"the sums differ"}"#;
    let verdict = golden().judge(1, &right(1)[..19], &ended(Stop::Exited(EXIT_FAULT)), line);
    assert_eq!(verdict.outcome, Outcome::Detected);
    assert_eq!(verdict.detail, "compare: the sums differ");
    assert_eq!(verdict.replies, 1);
}

#[test]
fn a_right_life_with_an_incident_was_corrected() {
    let line =
        br#"{"asc_incident":2,"stage":"rollback","reason":"a byte differs","action":"retry"}"#;
    let whole = [right(1), end_of_life(5)].concat();
    let end = ended(Stop::Exited(0));
    let verdict = golden().judge(1, &whole, &end, line);
    assert_eq!(verdict.outcome, Outcome::Corrected);
    assert_eq!(verdict.detail, "rollback: a byte differs");
    let wrong_state = [right(1), end_of_life(6)].concat();
    let verdict = golden().judge(1, &wrong_state, &end, line);
    assert_eq!(verdict.outcome, Outcome::LatentSdc);
}

#[test]
fn a_right_life_with_a_bit_flipped_back_was_corrected() {
    let line = br#"{"asc_correction":1,"stage":"integrity","reason":"a bit had flipped","bit":3}"#;
    let whole = [right(1), end_of_life(5)].concat();
    let verdict = golden().judge(1, &whole, &ended(Stop::Exited(0)), line);
    assert_eq!(verdict.outcome, Outcome::Corrected);
    assert_eq!(verdict.detail, "integrity: a bit had flipped");
}

#[test]
fn what_only_the_last_scrub_has_found_is_told_apart() {
    let said = |lines: [&str; 2]| {
        let errors = format!("{}\n{}\n", lines[0], lines[1]);
        unnoticed(&[], errors.as_bytes())
    };
    let line = r#"{"asc_correction":1,"stage":"integrity","reason":"a bit had flipped","bit":3}"#;
    let by_handler = "integrity: a bit had flipped".to_owned();
    let by_scrub = format!("{by_handler} (last scrub)");
    assert_eq!(said([line, LAST_SCRUB]), (Outcome::Corrected, by_handler));
    assert_eq!(said([LAST_SCRUB, line]), (Outcome::Corrected, by_scrub));
    assert_eq!(said([LAST_SCRUB, ""]), (Outcome::Masked, String::new()));
}

#[test]
fn only_a_whole_life_is_golden() {
    let whole = [right(0), end_of_life(5)].concat();
    assert_eq!(read_golden(&whole, NONCE), Some(golden()));
    assert_eq!(read_golden(&whole, NONCE + 1), None);
    assert_eq!(read_golden(&whole[..whole.len() - 1], NONCE), None);
}
