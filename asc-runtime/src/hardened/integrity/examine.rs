//! A line that does not seem to agree with its code: is it rotten, or is a thread at work on it?
//!
//! 1. The line is copied and its code read; then the old bytes of all open stores take the place of what
//!    was copied ([`super::view`]).
//! 2. If the copy agrees with the code, all is well, whatever other threads did meanwhile: no mixture of two
//!    states agrees but by chance, one in 2^32.
//! 3. If a thread has changed its stage meanwhile, the copy may be such a mixture: once more. Where so many threads
//!    are at work that they never all stand still, the same copy so often in a row will do.
//! 4. Else it is rotten. A single flipped bit is located and flipped back, if that is allowed; the line is
//!    then examined again, and must agree. One line on standard error says so.
//! 5. Every other mismatch is a fault.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use asc_alloc::line_code::{Finding, Flip, LINE_BYTES_MAX};
use asc_alloc::lines::Lines;

use super::settings::{Rot, settings};
use super::view::View;
use super::yielding_lock::YieldingLock;
use crate::fault::{Fault, Stage};
use crate::hardened::context;

const ATTEMPTS_BETWEEN_YIELDS: u32 = 16;
/// A copy that was found as often in a row is no mixture: whoever makes one stores to the line, and would have
/// to be caught in the same moment each time.
const SAME_COPIES: u32 = 64;

/// Flips found and flipped back.
static CORRECTED: AtomicU64 = AtomicU64::new(0);
/// One thread corrects at a time: two would flip the same bit twice.
static CORRECTING: YieldingLock = YieldingLock::new();

/// A line as no open store has changed it, against its code.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Judged {
    mismatch: u32,
    stored: u32,
    /// No thread has changed its stage meanwhile.
    is_still: bool,
    /// Bytes that open stores cover, one bit each.
    open: [u64; LINE_BYTES_MAX / 64],
}

/// Whoever was correcting is not there any more.
pub(super) fn release_lock() {
    CORRECTING.unlock();
}

pub(crate) fn corrected_bits() -> u64 {
    CORRECTED.load(Relaxed)
}

/// Returns when the line is intact but for open stores, or was corrected.
#[cold]
pub(crate) fn settle(lines: &Lines, line: usize) -> Result<(), Fault> {
    if judge(lines, line, None, Some(0)).mismatch == 0 {
        return Ok(());
    }
    let _correcting = CORRECTING.hold();
    let judged = judge(lines, line, None, Some(0));
    if judged.mismatch == 0 {
        return Ok(());
    }
    match lines.finding(judged.mismatch) {
        Finding::OneBit(flip) if settings().rot == Rot::Correct && !judged.is_open(flip) => {
            correct(lines, line, flip)
        }
        finding => Err(rotten(lines, line, &judged, finding)),
    }
}

/// Whether a line agrees with its code once the calling thread's stores change that by `change`. Stores
/// of other threads may be open in it.
#[cold]
pub(crate) fn agrees_with(lines: &Lines, line: usize, change: u32) -> bool {
    let Some(own) = context::attached() else {
        return false;
    };
    judge(lines, line, Some(&own.log.view), Some(change)).mismatch == change
}

/// By what a line differs from its code because of the stores of the thread whose view is `own`.
pub(crate) fn change_by(lines: &Lines, line: usize, own: &View) -> u32 {
    judge(lines, line, Some(own), None).mismatch
}

/// Looks at a line until it is sure; stores of `own` are left as they are. The mismatch that is `expected` of
/// an intact line needs no further look.
fn judge(lines: &Lines, line: usize, own: Option<&View>, expected: Option<u32>) -> Judged {
    let (mut last, mut same_copies) = (None, 0);
    let mut attempts = 0_u32;
    loop {
        if let Some(judged) = try_judge(lines, line, own) {
            if judged.is_still || Some(judged.mismatch) == expected {
                return judged;
            }
            same_copies = if last == Some(judged) {
                same_copies + 1
            } else {
                1
            };
            last = Some(judged);
            if same_copies == SAME_COPIES {
                return judged;
            }
        }
        attempts += 1;
        if attempts.is_multiple_of(ATTEMPTS_BETWEEN_YIELDS) {
            // A thread may have been interrupted in the midst of a change.
            std::thread::yield_now();
        }
        core::hint::spin_loop();
    }
}

fn try_judge(lines: &Lines, line: usize, own: Option<&View>) -> Option<Judged> {
    let before = stages(lines, own)?;
    let stored = lines.stored(line).load(Relaxed);
    let start = lines.address_of(line);
    let mut buffer = Aligned([0; LINE_BYTES_MAX]);
    let copy = &mut buffer.0[..lines.line_bytes()];
    for (index, word) in copy.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let place = lines.pointer(start + index * 8).cast::<u64>();
        // SAFETY: a word of the arena, of which this line is committed; other threads may write it.
        *word = unsafe { place.read_volatile() }.to_ne_bytes();
    }
    let mut open = [0; LINE_BYTES_MAX / 64];
    for view in context::views().filter(|view| !is_same(own, view)) {
        view.undo(start, copy, &mut open);
    }
    // SAFETY: the copy is a line long.
    let remainder = unsafe { lines.remainder_of(copy.as_ptr()) };
    let after = stages(lines, own)?;
    let is_same_code = lines.stored(line).load(Relaxed) == stored;
    is_same_code.then_some(Judged {
        mismatch: remainder ^ stored,
        stored,
        is_still: after == before,
        open,
    })
}

/// All stages in one word, or `None` while codes are changing.
fn stages(lines: &Lines, own: Option<&View>) -> Option<u64> {
    let (begun, ended) = lines.changes();
    if begun != ended {
        return None;
    }
    context::views()
        .filter(|view| !is_same(own, view))
        .try_fold(begun, |sum, view| {
            Some(
                sum.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .wrapping_add(view.stage()?),
            )
        })
}

fn is_same(own: Option<&View>, view: &View) -> bool {
    own.is_some_and(|own| core::ptr::eq(own, view))
}

/// Flips a bit back and demands that the line agrees then.
fn correct(lines: &Lines, line: usize, flip: Flip) -> Result<(), Fault> {
    let address = match flip {
        Flip::Line { byte, bit } => {
            let address = lines.address_of(line) + byte;
            // SAFETY: a byte of a committed line; it is in no open store.
            unsafe { AtomicU8::from_ptr(lines.pointer(address)) }.fetch_xor(1 << bit, Relaxed);
            address
        }
        Flip::Code { bit } => {
            lines.stored(line).fetch_xor(1 << bit, Relaxed);
            lines.address_of(line)
        }
    };
    let judged = judge(lines, line, None, Some(0));
    if judged.mismatch != 0 {
        return Err(rotten(lines, line, &judged, lines.finding(judged.mismatch)));
    }
    CORRECTED.fetch_add(1, Relaxed);
    super::report::corrected(address, flip);
    Ok(())
}

fn rotten(lines: &Lines, line: usize, judged: &Judged, finding: Finding) -> Fault {
    let reason = match finding {
        Finding::OneBit(_) => "a bit of the protected heap has flipped",
        _ => "a line of the protected heap has rotted beyond correction",
    };
    Fault::new(Stage::Integrity, reason)
        .at(lines.address_of(line))
        .values(
            judged.stored.into(),
            (judged.stored ^ judged.mismatch).into(),
        )
}

impl Judged {
    /// Whether a flip lies in a byte that a store is changing: then it is the log that holds it.
    fn is_open(&self, flip: Flip) -> bool {
        match flip {
            Flip::Line { byte, .. } => self.open[byte / 64] >> (byte % 64) & 1 == 1,
            Flip::Code { .. } => false,
        }
    }
}

/// A copy that is read in words.
#[repr(align(64))]
struct Aligned([u8; LINE_BYTES_MAX]);
