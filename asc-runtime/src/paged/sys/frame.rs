//! What a signal handler sees and changes of the thread that it interrupted.

use core::arch::x86_64::__cpuid_count;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Offsets in the frame's floating point state, from the kernel's `struct _fpx_sw_bytes`.
const MAGIC_OFFSET: usize = 464;
const MAGIC: u32 = 0x4650_5853;
const FEATURES_OFFSET: usize = 512;
const RIGHTS_FEATURE: u32 = 9;
/// From the kernel's siginfo.
const KEY_OFFSET: usize = 32;
const SYSTEM_CALL_OFFSET: usize = 24;
/// The trap flag: the processor stops after one instruction.
const TRAP: i64 = 1 << 8;
/// A bit of the processor's page fault code: the access was a write.
const WRITE: i64 = 2;

/// Where PKRU lies in the extended state.
static RIGHTS_OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Asks the processor, once at the start.
pub(crate) fn prepare() {
    RIGHTS_OFFSET.store(__cpuid_count(0xd, RIGHTS_FEATURE).ebx as usize, Relaxed);
}

/// A signal's information and the frame that it returns to.
#[derive(Debug)]
pub(crate) struct Frame {
    info: *const libc::siginfo_t,
    context: *mut libc::ucontext_t,
}

impl Frame {
    /// # Safety
    /// Both are those that the kernel passed to the handler that is running.
    pub(crate) unsafe fn new(info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> Self {
        Self { info, context }
    }

    pub(crate) fn code(&self) -> i32 {
        // SAFETY: a live structure of the kernel's.
        unsafe { (*self.info).si_code }
    }

    /// The address of a fault.
    pub(crate) fn address(&self) -> usize {
        // SAFETY: as above.
        let info = unsafe { &*self.info };
        // SAFETY: a fault has an address.
        unsafe { info.si_addr() }.addr()
    }

    /// The key of a fault with code `SEGV_PKUERR`.
    pub(crate) fn key(&self) -> u32 {
        self.word_at(KEY_OFFSET)
    }

    /// The number of a system call that was dispatched to SIGSYS.
    pub(crate) fn system_call(&self) -> u32 {
        self.word_at(SYSTEM_CALL_OFFSET)
    }

    pub(crate) fn is_write(&self) -> bool {
        self.register(libc::REG_ERR) & WRITE != 0
    }

    pub(crate) fn register(&self, index: i32) -> i64 {
        // SAFETY: as above; the constants are indices of the array.
        unsafe { (&(*self.context).uc_mcontext.gregs)[index as usize] }
    }

    pub(crate) fn set_register(&self, index: i32, value: i64) {
        // SAFETY: as above; the kernel loads it when the handler returns.
        unsafe { (&mut (*self.context).uc_mcontext.gregs)[index as usize] = value };
    }

    /// Lets the interrupted thread execute one instruction at a time, or not.
    pub(crate) fn step(&self, on: bool) {
        let flags = self.register(libc::REG_EFL) & !TRAP;
        self.set_register(libc::REG_EFL, flags | if on { TRAP } else { 0 });
    }

    pub(crate) fn rights(&self) -> Option<u32> {
        // SAFETY: `rights_place` finds a place in the frame.
        self.rights_place()
            .map(|place| unsafe { place.read_unaligned() })
    }

    /// Changes the rights of the interrupted thread. False when the frame holds none.
    pub(crate) fn set_rights(&self, rights: u32) -> bool {
        let Some(place) = self.rights_place() else {
            return false;
        };
        // SAFETY: a place in the frame; the kernel loads it when the handler returns.
        unsafe { place.write_unaligned(rights) };
        true
    }

    fn rights_place(&self) -> Option<*mut u32> {
        // SAFETY: as above.
        let state: *mut u8 = unsafe { (*self.context).uc_mcontext.fpregs }.cast();
        if state.is_null() {
            return None;
        }
        let magic = state.wrapping_add(MAGIC_OFFSET).cast::<u32>();
        // SAFETY: a frame with extended state has the magic number there; one without is 512 bytes.
        if unsafe { magic.read_unaligned() } != MAGIC {
            return None;
        }
        let features = state.wrapping_add(FEATURES_OFFSET).cast::<u64>();
        // SAFETY: the extended state starts with a 64-bit map of what it holds.
        let features = unsafe { features.read_unaligned() };
        (features & (1 << RIGHTS_FEATURE) != 0)
            .then(|| state.wrapping_add(RIGHTS_OFFSET.load(Relaxed)).cast())
    }

    fn word_at(&self, offset: usize) -> u32 {
        // SAFETY: inside the kernel's structure of 128 bytes.
        unsafe {
            self.info
                .cast::<u8>()
                .wrapping_add(offset)
                .cast::<u32>()
                .read_unaligned()
        }
    }
}
