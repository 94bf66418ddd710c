//! What every run of a handler needs.
//!
//! Each run takes its own copy of what it is called with: a copy that went wrong would lead all runs to the same
//! wrong place, where they agree.

/// A handler's body: calls the closure in the cell and leaves its result there.
pub(crate) type Body = unsafe extern "C" fn(*mut ());

/// Where the caller expects the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultPlace {
    /// Its first byte.
    pub(crate) start: *mut u8,
    /// Its bytes; 0 when the body itself writes to the caller.
    pub(crate) bytes: usize,
}

/// A handler's call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// The body, and what it is called with.
    pub(crate) body: Body,
    pub(crate) cell: *mut (),
    pub(crate) place: ResultPlace,
    /// Whether the result can tell the caller of a dropped message.
    pub(crate) can_tell: bool,
}

impl Call {
    /// The body, for one run.
    pub(super) fn body(&self) -> Body {
        // SAFETY: a live field.
        unsafe { (&raw const self.body).read_volatile() }
    }

    /// What it is called with, for one run.
    pub(super) fn cell(&self) -> *mut () {
        // SAFETY: a live field.
        unsafe { (&raw const self.cell).read_volatile() }
    }

    /// Where the result goes, for one use.
    pub(super) fn result_start(&self) -> *mut u8 {
        // SAFETY: a live field.
        unsafe { (&raw const self.place.start).read_volatile() }
    }
}
