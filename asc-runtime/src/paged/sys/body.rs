//! The one call site of a handler's body.
//!
//! Both runs enter here with the same stack pointer, on a stack that holds zeroes, and with the same
//! registers, so that padding and dead fields, which safe Rust copies freely, carry the same junk in both
//! runs.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::thread_words::ThreadWords;
use super::vectors::clear_vectors;
use crate::paged::gate;

/// Bytes above the base that hold the way back.
pub(crate) const BODY_LINK_BYTES: usize = 16;

/// What [`run_body`] returns when all was well.
pub(crate) const BODY_RETURNED: u64 = 1;

/// Calls `body(cell)` as a handler's run, with the stack pointer at `words.base` and with the closed rights.
///
/// Returns [`BODY_RETURNED`] when the body returned as a handler's run, and something else when it
/// was left through [`abandon_body`] or was no longer marked as a run.
///
/// # Safety
/// `words` is this thread's (W1), W2 holds but for `active`, and `body(cell)` is sound to call
/// and does not unwind. `words.base` is a multiple of 64 on the handler's stack, with
/// [`BODY_LINK_BYTES`] above it.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn run_body(
    body: unsafe extern "C" fn(*mut ()),
    cell: *mut (),
    words: *mut ThreadWords,
) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "mov r8, {entered}",
        "add qword ptr [rdx + {signature}], r8",
        "mov r8, qword ptr [rdx + {base}]",
        "mov qword ptr [r8 + 8], rbp",
        "mov rsp, r8",
        // The frame above is now found through the word at rsp + 8.
        ".cfi_escape 0x0f, 0x05, 0x77, 0x08, 0x06, 0x23, 0x10",
        "mov rbp, r8",
        clear_vectors!(),
        "mov qword ptr [rdx + {active}], 1",
        "mov rbx, rdi",
        "mov rdi, rsi",
        "cmp byte ptr [rdx + {has_keys}], 0",
        "je 2f",
        "mov eax, dword ptr [rdx + {closed_rights}]",
        "xor ecx, ecx",
        "xor edx, edx",
        "wrpkru",
        "2: mov rax, rbx",
        "xor ebx, ebx",
        "xor ecx, ecx",
        "xor edx, edx",
        "xor esi, esi",
        "xor r8d, r8d",
        "xor r9d, r9d",
        "xor r10d, r10d",
        "xor r11d, r11d",
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "call rax",
        // 1, unless the run has lost its mark on the way.
        "mov r8, qword ptr fs:[asc_thread@TPOFF + {active}]",
        "3: cmp byte ptr fs:[asc_thread@TPOFF + {has_keys}], 0",
        "je 4f",
        "mov eax, dword ptr fs:[asc_thread@TPOFF + {open_rights}]",
        "xor ecx, ecx",
        "xor edx, edx",
        "wrpkru",
        "4: mov qword ptr fs:[asc_thread@TPOFF + {active}], 0",
        "mov r9, {left}",
        "add qword ptr fs:[asc_thread@TPOFF + {signature}], r9",
        "mov rax, r8",
        "mov rbp, qword ptr [rsp + 8]",
        ".cfi_def_cfa rbp, 16",
        "mov rbx, qword ptr [rbp - 8]",
        "mov r12, qword ptr [rbp - 16]",
        "mov r13, qword ptr [rbp - 24]",
        "mov r14, qword ptr [rbp - 32]",
        "mov r15, qword ptr [rbp - 40]",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".globl asc_leave_body",
        ".hidden asc_leave_body",
        "asc_leave_body:",
        ".cfi_escape 0x0f, 0x05, 0x77, 0x08, 0x06, 0x23, 0x10",
        "xor r8d, r8d",
        "jmp 3b",
        ".cfi_endproc",
        base = const offset_of!(ThreadWords, base),
        signature = const offset_of!(ThreadWords, signature),
        active = const offset_of!(ThreadWords, active),
        has_keys = const offset_of!(ThreadWords, has_keys),
        open_rights = const offset_of!(ThreadWords, open_rights),
        closed_rights = const offset_of!(ThreadWords, closed_rights),
        vectors = const offset_of!(ThreadWords, vectors),
        entered = const gate::BODY_ENTERED,
        left = const gate::BODY_LEFT,
    )
}

unsafe extern "C" {
    fn asc_leave_body();
}

/// Where a signal handler sends a run that it abandons, with the stack pointer at `words.base`.
pub(crate) fn leave_address() -> usize {
    // The label is a part of it.
    core::hint::black_box(run_body as *const ());
    asc_leave_body as *const () as usize
}

/// Leaves the run in progress from inside the runtime: [`run_body`] returns 0.
///
/// No destructor of the body runs. That is right because its stores are rolled back next: for
/// the program the run never happened.
///
/// # Safety
/// A run is in progress on this thread and the caller stands on the private stack.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn abandon_body(words: *mut ThreadWords) -> ! {
    naked_asm!(
        // The label is a part of `run_body`, which must therefore be there.
        "lea rax, [rip + {run_body}]",
        "mov rsp, qword ptr [rdi + {base}]",
        "jmp asc_leave_body",
        run_body = sym run_body,
        base = const offset_of!(ThreadWords, base),
    )
}
