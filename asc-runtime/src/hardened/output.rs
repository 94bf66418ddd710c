//! Outputs inside handlers: the first run records, the second compares as it goes.
//!
//! The copy holds the first run's bytes; the checksum is taken from the second run's bytes as it says
//! them, in the same pass that compares them with the copy. So copy and checksum agree only if both runs
//! said the same, and a second checksum would add nothing to the full comparison. The first run does not
//! take it, because there the bytes are often still on their way from memory: waiting for them cost
//! 180 ns for a value of 4 KiB, where the second run pays 65.
//!
//! The bytes lie in memory of the runtime's own, behind what earlier handlers committed. They are
//! not logged word by word.
//!
//! # Invariants
//! - O1: a state lives at the start of its mapping from [`create`] to [`destroy`].
//! - O2: `length <= OUTPUT_BYTES_MAX` for every length kept here.

use core::ptr::{self, NonNull};

use memmap2::MmapOptions;

use crate::address::Address;
use crate::checksum;
use crate::fault::{Fault, Stage};
use crate::refuse::refuse;

use super::Returned;
use super::context::{Context, attached, current};
use super::gate;
use super::guarded::{Guarded, field};
use super::integrity;
use super::live_outputs;
use super::mapping::Mapping;
use super::memory::{Difference, first_difference};
use super::sys::{in_effect, private_entry};

/// Address space reserved for one output; memory is used as it is written.
const OUTPUT_BYTES_MAX: usize = 1 << 30;
/// The bytes begin here.
const HEADER_BYTES: usize = size_of::<State>().next_multiple_of(64);
const OUTPUTS_MIN: usize = 64;
/// In the place of a handler's number.
const OPEN: u64 = u64::MAX;

/// One output.
#[derive(Debug)]
pub(crate) struct State {
    /// Verified bytes.
    committed: Guarded<{ field::OUTPUT_COMMITTED }>,
    /// CRC32C of the verified bytes, plus the receipt of the handler that wrote the last of them,
    /// plus the address's sum.
    seal: u64,
    /// For whom the bytes are.
    address: Address,
    /// Number of that handler on its thread; 0 when the application wrote, [`OPEN`] while a handler
    /// writes.
    sealed_by: u64,
    /// Which run wrote last; see [`Context::run_number`].
    stamp: u64,
    /// Length in the run in progress.
    position: usize,
    /// Checksum of the second run, as far as it has come.
    checksum: Guarded<{ field::OUTPUT_CHECKSUM }>,
    /// Length after the first run.
    recorded: Guarded<{ field::OUTPUT_RECORDED }>,
    /// Checksum before the handler in progress.
    opened: Guarded<{ field::OUTPUT_OPENED }>,
    /// What `sealed_by` was before the handler in progress.
    opened_from: u64,
}

/// Maps an empty output.
pub(crate) fn create() -> NonNull<State> {
    let map = MmapOptions::new()
        .len(HEADER_BYTES + OUTPUT_BYTES_MAX)
        .no_reserve_swap()
        .map_anon();
    let Ok(mut map) = map else {
        refuse(format_args!(
            "no address space for an `Output`: raise the limit (ulimit -v)"
        ));
    };
    let state: NonNull<State> = NonNull::from(&mut *map).cast();
    core::mem::forget(map);
    // SAFETY: the mapping is aligned, large enough and ours alone.
    unsafe { state.write(State::new()) };
    live_outputs::add(state);
    state
}

/// Unmaps an output.
///
/// # Safety
/// `state` came from [`create`] and is not used again.
pub(crate) unsafe fn destroy(state: NonNull<State>) {
    live_outputs::remove(state);
    // SAFETY: the mapping made by `create`, whole (O1).
    unsafe { libc::munmap(state.as_ptr().cast(), HEADER_BYTES + OUTPUT_BYTES_MAX) };
}

private_entry! {
    /// Appends `length` bytes.
    pub(crate) fn asc_output_write(state: *mut State, bytes: *const u8, length: usize);
    outside = write_outside; inside = write_inside;
}

unsafe extern "C" fn write_outside(state: *mut State, bytes: *const u8, length: usize) {
    // SAFETY: called by `Output` with its own state.
    let state = unsafe { &mut *state };
    // SAFETY: called by `Output` with a live slice.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, length) };
    refuse_during_a_run();
    let committed = state.demand_committed();
    state.append(committed, bytes);
    state.commit(
        committed + length,
        checksum::append(state.demand_checksum(), bytes),
        0,
        0,
    );
}

/// A run that has lost its mark would say things at once that nobody compares.
fn refuse_during_a_run() {
    if in_effect() {
        refuse(format_args!(
            "an `effect` writes to an `Output`: return the bytes from the effect and write them in \
             the handler"
        ));
    }
    if let Some(context) = attached()
        && context.run != 0
    {
        stop(&Fault::new(
            Stage::ControlFlow,
            "a run writes to an output as if there were no handler",
        ));
    }
}

unsafe extern "C" fn write_inside(state: *mut State, bytes: *const u8, length: usize) -> Returned {
    let context = current();
    // SAFETY: as above.
    let output = unsafe { &mut *state };
    // SAFETY: as above.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, length) };
    integrity::check_range(context, bytes.as_ptr().addr(), length);
    let outcome = output.write(context, bytes);
    context.demand(outcome);
    Returned::NOTHING
}

impl State {
    const fn new() -> Self {
        Self {
            committed: Guarded::new(0),
            seal: 0,
            address: Address::new(0, 0),
            sealed_by: 0,
            stamp: 0,
            position: 0,
            checksum: Guarded::new(0),
            recorded: Guarded::new(0),
            opened: Guarded::new(0),
            opened_from: 0,
        }
    }

    fn write(&mut self, context: &mut Context, bytes: &[u8]) -> Result<(), Fault> {
        if self.stamp != context.run_number || !context.outputs.contains(self) {
            self.join(context)?;
        }
        if context.run == 1 {
            self.append(self.position, bytes);
        } else {
            self.checksum = Guarded::new(self.expect(bytes)?.into());
        }
        self.position += bytes.len();
        Ok(())
    }

    /// The first bytes of this run.
    fn join(&mut self, context: &mut Context) -> Result<(), Fault> {
        self.position = self.committed.get()? as usize;
        self.stamp = context.run_number;
        if context.run == 1 {
            self.open()?;
            context.outputs.add(self)?;
        } else if !context.outputs.contains(self) {
            return Err(Fault::new(
                Stage::Output,
                "only the second run writes to this output",
            ));
        }
        self.checksum = Guarded::new(self.opened.get()?);
        Ok(())
    }

    /// Breaks the seal: what the handler writes is unreadable until it is sealed again, so that a
    /// commit that forgot this output shows.
    fn open(&mut self) -> Result<(), Fault> {
        self.opened = Guarded::new(self.verified_checksum()?.into());
        self.opened_from = self.sealed_by;
        self.sealed_by = OPEN;
        Ok(())
    }

    /// Takes the handler's bytes back.
    const fn close(&mut self) {
        self.sealed_by = self.opened_from;
    }

    fn append(&mut self, position: usize, bytes: &[u8]) {
        if position + bytes.len() > OUTPUT_BYTES_MAX {
            refuse(format_args!(
                "an `Output` grew beyond {OUTPUT_BYTES_MAX} bytes: send and clear it"
            ));
        }
        let target = self.data().wrapping_add(position);
        // SAFETY: within the mapping (O1, just checked); the source is a live slice elsewhere.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
    }

    /// Demands that the second run says what the first said; returns the checksum with its bytes.
    fn expect(&self, bytes: &[u8]) -> Result<u32, Fault> {
        let recorded = self.recorded.get()? as usize;
        let end = self.position + bytes.len();
        if end > recorded {
            return Err(Fault::new(Stage::Output, "the second run writes more")
                .values(recorded as u64, end as u64));
        }
        let expected = self.data().wrapping_add(self.position).cast_const();
        // SAFETY: written by the first run, as far as it has recorded (O1, O2).
        let expected = unsafe { core::slice::from_raw_parts(expected, bytes.len()) };
        let checksum = self.checksum.get()? as u32;
        checksum::append_equal(checksum, expected, bytes).ok_or_else(|| differs(expected, bytes))
    }

    fn capture(&mut self) {
        self.recorded = Guarded::new(self.position as u64);
    }

    fn compare(&self, second_run: u64) -> Result<(), Fault> {
        let recorded = self.recorded.get()?;
        let written = if self.stamp == second_run {
            self.position as u64
        } else {
            self.committed.get()?
        };
        if written != recorded {
            return Err(
                Fault::new(Stage::Output, "the second run writes less").values(recorded, written)
            );
        }
        Ok(())
    }

    fn commit(&mut self, length: usize, checksum: u32, signature: u64, sequence: u64) {
        self.committed = Guarded::new(length as u64);
        self.seal = u64::from(checksum)
            .wrapping_add(signature)
            .wrapping_add(self.address.sum());
        self.sealed_by = sequence;
    }

    /// The verified bytes' checksum, if the handler that wrote them passed every gate.
    fn verified_checksum(&self) -> Result<u32, Fault> {
        self.checksum_for(self.address)
    }

    fn checksum_for(&self, address: Address) -> Result<u32, Fault> {
        if self.sealed_by == OPEN {
            return Err(Fault::new(
                Stage::ControlFlow,
                "a handler's output was left without a seal",
            ));
        }
        let receipt = if self.sealed_by == 0 {
            0
        } else {
            gate::receipt(self.sealed_by)
        };
        let checksum = self.seal.wrapping_sub(receipt).wrapping_sub(address.sum());
        u32::try_from(checksum).map_err(|_| {
            Fault::new(
                Stage::ControlFlow,
                "an output is not sealed by a whole handler, or for another address",
            )
            .values(receipt, self.seal)
        })
    }

    fn demand_committed(&self) -> usize {
        self.committed.get().unwrap_or_else(|fault| stop(&fault)) as usize
    }

    /// [`Self::verified_checksum`], outside handlers.
    pub(crate) fn demand_checksum(&self) -> u32 {
        self.verified_checksum()
            .unwrap_or_else(|fault| stop(&fault))
    }

    /// The verified bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.demand_checksum();
        let length = self.demand_committed();
        // SAFETY: committed bytes were written (O1, O2).
        unsafe { core::slice::from_raw_parts(self.data(), length) }
    }

    /// The verified bytes, whose seal is for `address`, whatever the output itself says.
    pub(crate) fn bytes_for(&self, address: Address) -> &[u8] {
        if self.address != address {
            stop(
                &Fault::new(Stage::Output, "an output is for another request or peer")
                    .values(self.address.sum(), address.sum()),
            );
        }
        self.checksum_for(address)
            .unwrap_or_else(|fault| stop(&fault));
        self.bytes()
    }

    /// Seals an empty output for `address`.
    pub(crate) fn set_address(&mut self, address: Address) {
        self.address = address;
        self.commit(0, 0, 0, 0);
    }

    /// Forgets the bytes.
    pub(crate) fn clear(&mut self) {
        self.set_address(Address::default());
    }

    /// Start and length of what was reserved and holds no verified byte.
    pub(crate) fn reserve(&self) -> (usize, usize) {
        // A damaged length hides nothing: then there is no reserve.
        let committed = self.committed.get().unwrap_or(OUTPUT_BYTES_MAX as u64) as usize;
        let used = committed.min(OUTPUT_BYTES_MAX);
        (self.data().addr() + used, OUTPUT_BYTES_MAX - used)
    }

    fn data(&self) -> *mut u8 {
        (&raw const *self)
            .cast_mut()
            .cast::<u8>()
            .wrapping_add(HEADER_BYTES)
    }
}

/// A difference that is not there any more was one when it was found.
#[cold]
fn differs(expected: &[u8], found: &[u8]) -> Fault {
    let fault = Fault::new(Stage::Output, "the runs write different bytes");
    // SAFETY: live slices of the same length.
    match unsafe { first_difference(expected.as_ptr(), found.as_ptr(), found.len()) } {
        Some(Difference {
            expected, found, ..
        }) => fault.values(expected, found),
        None => fault,
    }
}

fn stop(fault: &Fault) -> ! {
    crate::incident::stop("", 0, fault)
}

/// The outputs a handler has written to.
#[derive(Debug)]
pub(crate) struct OutputList {
    pointers: Mapping,
    count: Guarded<{ field::OUTPUT_COUNT }>,
}

impl OutputList {
    pub(crate) fn new() -> Self {
        Self {
            pointers: Mapping::new(OUTPUTS_MIN * size_of::<*mut State>()),
            count: Guarded::new(0),
        }
    }

    pub(crate) const fn begin(&mut self) {
        self.count = Guarded::new(0);
    }

    /// Takes back what a run wrote that is not to count.
    pub(crate) fn abandon(&mut self) {
        // SAFETY: outputs written by a handler outlive it: the application borrowed them to it.
        self.states().for_each(|state| unsafe { (*state).close() });
        self.begin();
    }

    fn add(&mut self, state: &mut State) -> Result<(), Fault> {
        let count = self.count.get()? as usize;
        let bytes = (count + 1) * size_of::<*mut State>();
        if bytes > self.pointers.len() {
            self.pointers.grow(bytes);
        }
        let slot = self
            .pointers
            .base()
            .cast::<*mut State>()
            .wrapping_add(count);
        // SAFETY: the mapping was grown to hold this index.
        unsafe { slot.write(state) };
        self.count = Guarded::new(count as u64 + 1);
        Ok(())
    }

    fn contains(&self, state: &State) -> bool {
        self.states().any(|listed| ptr::eq(listed, state))
    }

    pub(crate) fn capture(&mut self) {
        self.states().for_each(|state| {
            // SAFETY: outputs written by a handler outlive it: the application borrowed them to it.
            unsafe { (*state).capture() };
        });
    }

    pub(crate) fn compare(&self, second_run: u64) -> Result<(), Fault> {
        // SAFETY: as for `capture`.
        self.states()
            .try_for_each(|state| unsafe { (*state).compare(second_run) })
    }

    /// Makes the bytes of both runs readable; the seal is right only behind the last gate.
    pub(crate) fn seal(&mut self, signature: u64, sequence: u64) -> Result<(), Fault> {
        self.states().try_for_each(|state| {
            // SAFETY: as for `capture`.
            let state = unsafe { &mut *state };
            let length = state.recorded.get()? as usize;
            let checksum = state.checksum.get()? as u32;
            state.commit(length, checksum, signature, sequence);
            Ok(())
        })
    }

    /// Where the list and the outputs in it lie.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let outputs = self
            .states()
            .map(|state| (state.addr(), HEADER_BYTES + OUTPUT_BYTES_MAX));
        core::iter::once(self.pointers.range()).chain(outputs)
    }

    fn states(&self) -> impl Iterator<Item = *mut State> {
        let pointers = self.pointers.base().cast::<*mut State>();
        // SAFETY: everything below the count is initialised.
        (0..self.count_or_stop()).map(move |index| unsafe { pointers.wrapping_add(index).read() })
    }

    fn count_or_stop(&self) -> usize {
        self.count.get().unwrap_or_else(|fault| stop(&fault)) as usize
    }
}
