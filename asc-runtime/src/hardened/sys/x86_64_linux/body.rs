//! The one call site of a handler's body.
//!
//! Both runs enter here with the same stack pointer, the same registers and the same bytes below
//! the stack pointer, so that padding and dead fields, which safe Rust copies freely, carry the
//! same junk in both runs.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::thread_words::ThreadWords;
use super::vectors::clear_vectors;
use crate::hardened::gate;

/// Bytes above the base that hold the way back; above them, up to the entry, lies the result slot.
pub(crate) const BODY_LINK_BYTES: usize = 16;

/// What [`run_body`] returns when all was well.
pub(crate) const BODY_RETURNED: u64 = 1;

/// Calls `body(cell)` as a handler's run, with the stack pointer at `words.base`. The stack is
/// cleared up to `words.entry`, and for `clear` bytes below the base. What the body leaves in the
/// slot is copied to `words.result`.
///
/// Returns [`BODY_RETURNED`] when the body returned as a handler's run, and something else when it
/// was left through [`abandon_body`] or was no longer marked as a run.
///
/// # Safety
/// `words` is this thread's (W1), W2 holds but for `active`, and `body(cell)` is sound to call
/// and does not unwind. `words.entry` lies below every frame in use and `words.base` at least
/// [`BODY_LINK_BYTES`] below it; both are multiples of 64, and so is `clear`, which fits the stack
/// below the base. `words.result` is valid for writes of `words.result_words`, which fit the slot.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn run_body(
    body: unsafe extern "C" fn(*mut ()),
    cell: *mut (),
    clear: usize,
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
        "push rcx",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "mov r8, qword ptr [rcx + {signature}]",
        "add r8, {entered}",
        "mov qword ptr [rcx + {signature}], r8",
        // Onto the stack below the entry; the way back lies in the second word above the base.
        "mov r8, qword ptr [rcx + {entry}]",
        "mov qword ptr [rcx + {deepest}], r8",
        "mov rax, qword ptr [rcx + {base}]",
        // Clear it, standing under it meanwhile.
        "mov r9, rax",
        "sub r9, rdx",
        "mov rsp, r9",
        "cmp byte ptr [rcx + {vectors}], 0",
        "je 5f",
        "vxorps xmm0, xmm0, xmm0",
        "2: vmovups ymmword ptr [r9], ymm0",
        "vmovups ymmword ptr [r9 + 32], ymm0",
        "add r9, 64",
        "cmp r9, r8",
        "jb 2b",
        "jmp 4f",
        "5: xorps xmm0, xmm0",
        "2: movups xmmword ptr [r9], xmm0",
        "movups xmmword ptr [r9 + 16], xmm0",
        "movups xmmword ptr [r9 + 32], xmm0",
        "movups xmmword ptr [r9 + 48], xmm0",
        "add r9, 64",
        "cmp r9, r8",
        "jb 2b",
        "4:",
        "mov qword ptr [rax + 8], rbp",
        "mov rsp, rax",
        // The frame above is now found through the word at rsp + 8.
        ".cfi_escape 0x0f, 0x05, 0x77, 0x08, 0x06, 0x23, 0x10",
        "mov rbp, r8",
        clear_vectors!(),
        "mov qword ptr [rcx + {active}], 1",
        "mov rax, rdi",
        "mov rdi, rsi",
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
        // The result is read as long as the stack above it is this frame's: see `result_slot`.
        "mov rcx, qword ptr [rip + asc_thread@GOTTPOFF]",
        "add rcx, qword ptr fs:[0]",
        "mov rdi, qword ptr [rcx + {result}]",
        "mov rsi, qword ptr [rcx + {result_words}]",
        "2: sub rsi, 1",
        "jb 4f",
        "mov rax, qword ptr [rsp + rsi * 8 + {link_bytes}]",
        "mov qword ptr [rdi + rsi * 8], rax",
        "jmp 2b",
        // 1, unless the run has lost its mark on the way: what it did then was not logged.
        "4: mov rax, qword ptr [rcx + {active}]",
        "3: mov rbp, qword ptr [rsp + 8]",
        ".cfi_def_cfa rbp, 16",
        "mov rcx, qword ptr [rbp - 48]",
        "mov qword ptr [rcx + {active}], 0",
        "mov r8, qword ptr [rcx + {signature}]",
        "add r8, {left}",
        "mov qword ptr [rcx + {signature}], r8",
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
        "xor eax, eax",
        "jmp 3b",
        ".cfi_endproc",
        entry = const offset_of!(ThreadWords, entry),
        base = const offset_of!(ThreadWords, base),
        link_bytes = const BODY_LINK_BYTES,
        result = const offset_of!(ThreadWords, result),
        result_words = const offset_of!(ThreadWords, result_words),
        deepest = const offset_of!(ThreadWords, deepest),
        signature = const offset_of!(ThreadWords, signature),
        active = const offset_of!(ThreadWords, active),
        vectors = const offset_of!(ThreadWords, vectors),
        entered = const gate::BODY_ENTERED as i32,
        left = const gate::BODY_LEFT as i32,
    )
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
        "mov rsp, qword ptr [rdi + {base}]",
        "jmp asc_leave_body",
        base = const offset_of!(ThreadWords, base),
    )
}
