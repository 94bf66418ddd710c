//! The stack of closures that a handler runs once, outside of its record.
//!
//! On the application's stack they would leave bytes behind that the other run does not find there,
//! and the runtime's private stack is too short for code that nobody has measured. This one ends in a
//! page that cannot be touched, so an overflow kills the process instead of writing elsewhere.

use core::arch::naked_asm;
use core::ptr;

use crate::refuse::refuse;

/// Bytes: what Rust gives a thread. Memory is used as far as a closure reaches.
const STACK_BYTES: usize = 2 << 20;
const GUARD_BYTES: usize = 4096;

const _: () = assert!(STACK_BYTES.is_multiple_of(4096));

/// A mapped stack, and the address above its first byte in use, 16-byte aligned.
#[derive(Debug)]
pub(crate) struct EffectStack {
    start: usize,
}

impl EffectStack {
    /// None yet; it is mapped when it is first asked for and stays with its owner.
    pub(crate) const fn unmapped() -> Self {
        Self { start: 0 }
    }

    /// The top, mapped by now.
    pub(crate) fn top(&mut self) -> usize {
        if self.start == 0 {
            self.start = map();
        }
        self.start + GUARD_BYTES + STACK_BYTES
    }

    /// Where it lies: start and length, the guard left out.
    pub(crate) const fn range(&self) -> (usize, usize) {
        if self.start == 0 {
            (0, 0)
        } else {
            (self.start + GUARD_BYTES, STACK_BYTES)
        }
    }
}

fn map() -> usize {
    let bytes = GUARD_BYTES + STACK_BYTES;
    // SAFETY: a new private mapping touches nothing that exists.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        out_of_memory();
    }
    let stack = start.wrapping_byte_add(GUARD_BYTES);
    // SAFETY: the pages behind the guard are ours alone.
    if unsafe { libc::mprotect(stack, STACK_BYTES, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
        out_of_memory();
    }
    start.expose_provenance()
}

fn out_of_memory() -> ! {
    refuse(format_args!(
        "the runtime could not map {STACK_BYTES} bytes for the stack of `effect`: raise the memory \
         limit (ulimit -v, cgroup memory.max) or vm.max_map_count"
    ));
}

/// Calls `function(argument)` on the stack that ends at `top`.
///
/// # Safety
/// The call is sound and does not unwind; `top` is that of an [`EffectStack`] that nothing stands on.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call_on_stack(
    function: unsafe extern "C" fn(*const ()),
    argument: *const (),
    top: usize,
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsp, rdx",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}
