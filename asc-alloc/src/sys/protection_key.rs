//! Protection keys for user pages (PKU): a gate in front of a range that opens for one thread in
//! some twenty nanoseconds.
//!
//! Each thread has its own rights, in the register PKRU. The kernel gives a signal handler rights of
//! its own and restores the interrupted ones from the signal frame; a thread that existed before the
//! key was allocated may not even read, so its first read traps and is granted there.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;

/// Both bits of a key: no access, no writing.
const ACCESS_DISABLED: u32 = 1;
const WRITE_DISABLED: u32 = 2;

/// Offsets in the signal frame's floating point state, from the kernel's `struct _fpx_sw_bytes`.
const MAGIC_OFFSET: usize = 464;
const MAGIC: u32 = 0x4650_5853;
const FEATURES_OFFSET: usize = 512;
const PKRU_FEATURE: u32 = 9;

/// A key of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectionKey {
    key: u32,
    /// Where PKRU lies in a signal frame's extended state.
    frame_offset: usize,
}

impl ProtectionKey {
    /// Allocates a key with reading allowed and writing not; `None` where there are none.
    pub(crate) fn allocate() -> Option<Self> {
        let rights = libc::c_ulong::from(WRITE_DISABLED);
        let no_flags: libc::c_ulong = 0;
        // SAFETY: the call takes two integers and touches no memory of ours.
        let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, no_flags, rights) };
        let key = u32::try_from(key).ok()?;
        Some(Self {
            key,
            frame_offset: __cpuid_count(0xd, PKRU_FEATURE).ebx as usize,
        })
    }

    /// A key that somebody else has allocated and keeps open for every thread.
    pub(crate) fn lent(key: u32) -> Self {
        Self {
            key,
            frame_offset: __cpuid_count(0xd, PKRU_FEATURE).ebx as usize,
        }
    }

    /// Puts a range under this key.
    ///
    /// # Safety
    /// The range is the allocator's, and the rights are those that it has.
    pub(crate) unsafe fn cover(self, start: usize, bytes: usize, rights: libc::c_int) -> bool {
        let key = libc::c_ulong::from(self.key);
        let call = libc::SYS_pkey_mprotect;
        // SAFETY: as this function's caller promises.
        unsafe { libc::syscall(call, start, bytes, rights as libc::c_ulong, key) == 0 }
    }

    /// Lets this thread write.
    #[inline]
    pub(crate) fn open(self) {
        let both = (ACCESS_DISABLED | WRITE_DISABLED) << (2 * self.key);
        // SAFETY: the key is ours; no other memory's rights change.
        unsafe { write_rights(read_rights() & !both) };
    }

    /// Lets this thread read only.
    #[inline]
    pub(crate) fn close(self) {
        let both = (ACCESS_DISABLED | WRITE_DISABLED) << (2 * self.key);
        let closed = WRITE_DISABLED << (2 * self.key);
        // SAFETY: as above.
        unsafe { write_rights(read_rights() & !both | closed) };
    }

    /// Lets the thread that a signal interrupted read; false when the frame holds no rights.
    ///
    /// # Safety
    /// `state` is the floating point state of a live signal frame.
    pub(crate) unsafe fn allow_reading_in_frame(self, state: *mut u8) -> bool {
        // SAFETY: a frame with extended state has the magic number there; one without is 512 bytes.
        let magic = unsafe {
            state
                .wrapping_add(MAGIC_OFFSET)
                .cast::<u32>()
                .read_unaligned()
        };
        if magic != MAGIC {
            return false;
        }
        // SAFETY: the extended state starts with a 64-bit map of what it holds.
        let features = unsafe {
            state
                .wrapping_add(FEATURES_OFFSET)
                .cast::<u64>()
                .read_unaligned()
        };
        if features & (1 << PKRU_FEATURE) == 0 {
            return false;
        }
        let place = state.wrapping_add(self.frame_offset).cast::<u32>();
        // SAFETY: the frame holds PKRU, at the offset that the processor names for it.
        let rights = unsafe { place.read_unaligned() };
        let both = (ACCESS_DISABLED | WRITE_DISABLED) << (2 * self.key);
        let closed = WRITE_DISABLED << (2 * self.key);
        // SAFETY: likewise; the kernel loads it when the handler returns.
        unsafe { place.write_unaligned(rights & !both | closed) };
        true
    }
}

#[inline]
fn read_rights() -> u32 {
    let rights: u32;
    // SAFETY: a key was allocated, so the instruction exists; it only reads a register.
    unsafe {
        asm!("rdpkru", out("eax") rights, out("edx") _, in("ecx") 0,
            options(nomem, nostack, preserves_flags));
    }
    rights
}

/// # Safety
/// Changes the rights for keys of this module only.
#[inline]
unsafe fn write_rights(rights: u32) {
    // SAFETY: as above. Without `nomem`, so that no access moves across it.
    unsafe {
        asm!("wrpkru", in("eax") rights, in("edx") 0, in("ecx") 0,
            options(nostack, preserves_flags));
    }
}
