//! The program whose runtime is struck: a few handlers that use everything the runtime records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use asc_hardened_tests::arguments;
use asc_hardened_tests::digest::digest;
use asc_runtime::{Input, Output, after_commit, asc_handler, effect};

/// Handlers per victim; the middle one is struck.
pub(crate) const HANDLERS: u64 = 5;

static SHARED: AtomicU64 = AtomicU64::new(0);
static TOLD: AtomicU64 = AtomicU64::new(0);

struct State {
    words: [u64; 12],
    map: BTreeMap<u64, String>,
    bytes: Vec<u8>,
    old: Option<Box<[u64; 5]>>,
    /// Nothing is done that cannot be undone, so that the handler can be tried again.
    is_undoable: bool,
}

#[asc_handler]
fn handler(state: &mut State, request: &Input<'_>, reply: &mut Output) -> u64 {
    let number = request
        .bytes()
        .iter()
        .map(|&byte| u64::from(byte))
        .sum::<u64>();
    let _elapsed = Instant::now();
    let asked = if state.is_undoable {
        vec![number; 3]
    } else {
        effect(|| vec![number; 3])
    };
    for (index, word) in state.words.iter_mut().enumerate() {
        *word = word.wrapping_mul(3).wrapping_add(number + index as u64);
    }
    state.map.insert(number, format!("number {number}"));
    state.bytes.extend_from_slice(&[number as u8; 150]);
    state.bytes.rotate_left(7);
    state.old = Some(Box::new([number; 5]));
    state.bytes.extend(asked.iter().map(|&word| word as u8));
    let shared = if state.is_undoable {
        SHARED.load(Ordering::SeqCst)
    } else {
        SHARED.fetch_add(number, Ordering::SeqCst)
    };
    after_commit(move || {
        TOLD.fetch_add(asked[2] * 3, Ordering::SeqCst);
    });
    reply.write(b"VALUE ");
    reply.write(&state.words[3].to_le_bytes());
    state.words[11] ^ shared
}

/// Runs the handlers from a fresh state; what they did and said, in one word, or nothing if the
/// receiver of the replies has noticed damage.
pub(crate) fn run(before: impl Fn(u64)) -> Option<u64> {
    SHARED.store(0, Ordering::SeqCst);
    TOLD.store(0, Ordering::SeqCst);
    let mut state = State {
        words: [1; 12],
        map: BTreeMap::new(),
        bytes: vec![1; 99],
        old: None,
        is_undoable: arguments::flag("undoable"),
    };
    let mut reply = Output::new();
    let mut results = Vec::new();
    for number in 0..HANDLERS {
        let bytes = [number as u8 + 1; 21];
        before(number);
        results.push(handler(&mut state, &Input::seal(&bytes), &mut reply));
        results.push(digest(reply.bytes()));
        if reply.checksum() != Input::seal(reply.bytes()).checksum() {
            return None;
        }
    }
    let shared = SHARED.load(Ordering::SeqCst);
    let told = TOLD.load(Ordering::SeqCst);
    let State {
        words,
        map,
        bytes,
        old,
        ..
    } = state;
    Some(digest(&(results, words, map, bytes, old, shared, told)))
}
