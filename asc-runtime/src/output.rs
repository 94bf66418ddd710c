//! What a handler says.

use core::fmt;

#[cfg(any(asc, feature = "page"))]
use core::ptr::NonNull;

use crate::address::Address;
#[cfg(any(asc, feature = "page"))]
use crate::engine::output::{State, asc_output_write, create, destroy};
#[cfg(any(asc, feature = "page"))]
use crate::engine::sys::{handler_active, in_effect};

/// Bytes that handlers append and that can be read once both runs have said the same.
///
/// Handlers get it by `&mut`; after the handler has returned, [`bytes`](Self::bytes) holds
/// everything since the last [`clear`](Self::clear), so the replies of several requests can be sent
/// at once. In hardened builds the bytes carry a CRC32C that only two equal runs can have produced.
///
/// ```
/// use asc_runtime::Output;
///
/// let mut reply = Output::new();
/// reply.write(b"STORED\r\n");
/// assert_eq!(reply.bytes(), b"STORED\r\n");
/// reply.clear();
/// assert!(reply.bytes().is_empty());
/// ```
pub struct Output {
    #[cfg(any(asc, feature = "page"))]
    state: NonNull<State>,
    #[cfg(not(any(asc, feature = "page")))]
    bytes: Vec<u8>,
    #[cfg(not(any(asc, feature = "page")))]
    address: Address,
}

#[cfg(any(asc, feature = "page"))]
impl Output {
    /// An empty output.
    ///
    /// Not inside a handler: an output outlives the handler that writes to it.
    pub fn new() -> Self {
        refuse_inside("created");
        Self { state: create() }
    }

    /// Appends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        // SAFETY: our own state and a live slice.
        unsafe { asc_output_write(self.state.as_ptr(), bytes.as_ptr(), bytes.len()) };
    }

    /// The verified bytes. Not inside a handler: what was said is not part of its state.
    pub fn bytes(&self) -> &[u8] {
        refuse_inside("read");
        // SAFETY: the state lives as long as `self`.
        unsafe { self.state.as_ref() }.bytes()
    }

    /// Seals what will be written until the next [`clear`](Self::clear) for one request and one
    /// peer. Not inside a handler.
    ///
    /// # Panics
    /// If the output is not empty: its bytes are sealed for somebody else.
    pub fn address(&mut self, address: Address) {
        refuse_inside("addressed");
        // SAFETY: as above, and exclusively ours.
        let state = unsafe { self.state.as_mut() };
        demand_empty(state.bytes());
        state.set_address(address);
    }

    /// The verified bytes, if they are for `address`; an output that was never addressed is for the
    /// default one. Ends the process with an incident if they are for somebody else. Not inside a
    /// handler.
    pub fn bytes_for(&self, address: Address) -> &[u8] {
        refuse_inside("read");
        // SAFETY: as above.
        unsafe { self.state.as_ref() }.bytes_for(address)
    }

    /// CRC32C of [`bytes`](Self::bytes), as the runs computed it while writing.
    pub fn checksum(&self) -> u32 {
        refuse_inside("read");
        // SAFETY: as above.
        unsafe { self.state.as_ref() }.demand_checksum()
    }

    /// Empties it, and forgets its address. Not inside a handler.
    pub fn clear(&mut self) {
        refuse_inside("cleared");
        // SAFETY: as above, and exclusively ours.
        unsafe { self.state.as_mut() }.clear();
    }
}

#[cfg(any(asc, feature = "page"))]
fn refuse_inside(what: &str) {
    if handler_active() || in_effect() {
        crate::refuse::refuse(format_args!(
            "an `Output` is {what} inside a handler: handlers only write to outputs; do this \
             before or after"
        ));
    }
}

#[cfg(any(asc, feature = "page"))]
impl Drop for Output {
    fn drop(&mut self) {
        refuse_inside("dropped");
        // SAFETY: made by `create`, dropped once.
        unsafe { destroy(self.state) };
    }
}

#[cfg(any(asc, feature = "page"))]
// SAFETY: an output is plain memory that its owner alone reaches.
unsafe impl Send for Output {}
#[cfg(any(asc, feature = "page"))]
// SAFETY: shared references only read.
unsafe impl Sync for Output {}

#[cfg(not(any(asc, feature = "page")))]
impl Output {
    /// An empty output.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            address: Address::new(0, 0),
        }
    }

    /// Appends `bytes`.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Says for which request and which peer the following bytes are.
    ///
    /// # Panics
    /// If the output is not empty: its bytes are for somebody else.
    pub fn address(&mut self, address: Address) {
        demand_empty(&self.bytes);
        self.address = address;
    }

    /// The bytes, which are for `address`.
    ///
    /// # Panics
    /// If they are for somebody else.
    pub fn bytes_for(&self, address: Address) -> &[u8] {
        assert_eq!(
            self.address, address,
            "an output is for another request or peer: send it there"
        );
        &self.bytes
    }

    /// CRC32C of [`bytes`](Self::bytes).
    pub fn checksum(&self) -> u32 {
        crate::checksum::append(0, &self.bytes)
    }

    /// Empties it, and forgets its address.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.address = Address::default();
    }
}

fn demand_empty(bytes: &[u8]) {
    assert!(
        bytes.is_empty(),
        "an output is addressed while it holds bytes: send and clear it first"
    );
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Output").finish_non_exhaustive()
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}
