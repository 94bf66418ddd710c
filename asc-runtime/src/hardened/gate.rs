//! Control-flow gates: no output leaves unless every stage ran, once, in order.
//!
//! The signature of a handler starts from its sequence number. Each stage adds its own constant
//! after checking that exactly its predecessors have added theirs; the body's entry and exit add
//! theirs in the assembly around the call. A run that was skipped, a comparison that was jumped
//! over or a stage that ran twice leaves a signature that the next gate refuses, and the final
//! value is what [`crate::run_twice::run`] demands before it returns to the application.
//! (Signature checking as in PASC, USENIX ATC'12, section 4.4.)

use crate::fault::{Fault, Stage};

use super::sys::ThreadWords;

/// Added where the body is entered. Fits a sign-extended 32-bit immediate.
pub(crate) const BODY_ENTERED: u32 = 0x3C6E_F35F;
/// Added where the body is left.
pub(crate) const BODY_LEFT: u32 = 0x1F83_D9AB;
/// Added when a message is dropped.
const OMITTED: u64 = 0xA24B_AED4_963E_E407;
const BODY: u64 = BODY_ENTERED as u64 + BODY_LEFT as u64;

/// The stages, in order. The body runs after `Begun` and after `RolledBack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Begun,
    Captured,
    RolledBack,
    Compared,
    Committed,
}

impl Gate {
    const fn step(self) -> u64 {
        match self {
            Gate::Begun => 0x9E37_79B9_7F4A_7C15,
            Gate::Captured => 0xBF58_476D_1CE4_E5B9,
            Gate::RolledBack => 0x94D0_49BB_1331_11EB,
            Gate::Compared => 0xD6E8_FEB8_6659_FD93,
            Gate::Committed => 0xA076_1D64_78BD_642F,
        }
    }

    /// The sum of everything before this stage.
    const fn before(self) -> u64 {
        match self {
            Gate::Begun => 0,
            Gate::Captured => Gate::Begun.after().wrapping_add(BODY),
            Gate::RolledBack => Gate::Captured.after(),
            Gate::Compared => Gate::RolledBack.after().wrapping_add(BODY),
            Gate::Committed => Gate::Compared.after(),
        }
    }

    const fn after(self) -> u64 {
        self.before().wrapping_add(self.step())
    }
}

/// The signature a handler starts with.
const fn seed(sequence: u64) -> u64 {
    sequence.wrapping_mul(0xE703_7ED1_A0B4_28DB) ^ 0x8EBC_6AF0_9C88_C6E3
}

/// Starts the signature of handler number `sequence`.
///
/// # Safety
/// `words` is the calling thread's.
pub(crate) unsafe fn open(words: *mut ThreadWords, sequence: u64) {
    // SAFETY: by contract.
    unsafe { (*words).signature = seed(sequence) };
}

/// Passes `gate` if all earlier stages were passed, exactly once.
///
/// # Safety
/// `words` is the calling thread's.
pub(crate) unsafe fn pass(words: *mut ThreadWords, sequence: u64, gate: Gate) -> Result<(), Fault> {
    // SAFETY: by contract.
    let found = unsafe { (*words).signature };
    let expected = seed(sequence).wrapping_add(gate.before());
    if found != expected {
        return Err(
            Fault::new(Stage::ControlFlow, "a stage was skipped or repeated")
                .values(expected, found),
        );
    }
    // SAFETY: by contract.
    unsafe { (*words).signature = found.wrapping_add(gate.step()) };
    Ok(())
}

/// Returns to where `gate` had just been passed, after a fault was detected behind it. The fault has
/// been dealt with; what follows is checked from there.
///
/// # Safety
/// `words` is the calling thread's.
pub(crate) unsafe fn rewind(words: *mut ThreadWords, sequence: u64, gate: Gate) {
    // SAFETY: by contract.
    unsafe { (*words).signature = seed(sequence).wrapping_add(gate.after()) };
}

/// Turns the signature of a handler that was just rolled back into the proof of an omission.
///
/// # Safety
/// `words` is the calling thread's.
pub(crate) unsafe fn omit(words: *mut ThreadWords, sequence: u64) -> Result<(), Fault> {
    // SAFETY: by contract.
    let found = unsafe { (*words).signature };
    let expected = seed(sequence).wrapping_add(Gate::RolledBack.after());
    if found != expected {
        return Err(Fault::new(
            Stage::ControlFlow,
            "a message was about to be dropped without being undone",
        )
        .values(expected, found));
    }
    // SAFETY: by contract.
    unsafe { (*words).signature = omission(sequence) };
    Ok(())
}

/// The signature that proves a handler whose message was dropped.
pub(crate) const fn omission(sequence: u64) -> u64 {
    seed(sequence)
        .wrapping_add(Gate::RolledBack.after())
        .wrapping_add(OMITTED)
}

/// The signature that proves a committed handler.
pub(crate) const fn receipt(sequence: u64) -> u64 {
    seed(sequence).wrapping_add(Gate::Committed.after())
}
