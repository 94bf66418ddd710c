//! Pieces of assembly for the fast paths that know nothing of lines: each stands before what must not
//! happen to an unverified line.
//!
//! They change no register that the code behind them does not set anew, so the second run, which leaves
//! them out, sees the same.

use core::arch::global_asm;

/// Before a store is logged: the address is in rdi, label 3 follows. Uses rax and rcx.
macro_rules! check_before_log {
    () => {
        "cmp byte ptr fs:[asc_checks@TPOFF], 0\nje 3f\nlea rcx, [rip + 3f]\njmp asc_check_address\n"
    };
}
pub(crate) use check_before_log;

/// Before a short copy from rsi to rdi of rdx bytes, which lie in two lines each at most. Uses rax, rcx
/// and the labels 31 to 34.
macro_rules! check_before_copy {
    () => {
        concat!(
            "cmp byte ptr fs:[asc_checks@TPOFF], 0\n",
            "je 34f\n",
            "test rdx, rdx\n",
            "jz 34f\n",
            "mov qword ptr fs:[asc_checks@TPOFF + 128], rdi\n",
            "mov rdi, rsi\n",
            "lea rcx, [rip + 31f]\n",
            "jmp asc_check_address\n",
            "31: lea rdi, [rsi + rdx - 1]\n",
            "lea rcx, [rip + 32f]\n",
            "jmp asc_check_address\n",
            "32: mov rdi, qword ptr fs:[asc_checks@TPOFF + 128]\n",
            "lea rdi, [rdi + rdx - 1]\n",
            "lea rcx, [rip + 33f]\n",
            "jmp asc_check_address\n",
            "33: mov rdi, qword ptr fs:[asc_checks@TPOFF + 128]\n",
            "34:",
        )
    };
}
pub(crate) use check_before_copy;

/// Before a short fill of rdx bytes from rdi on: the end; the log checks each beginning. Uses rax, rcx
/// and the labels 33 and 34.
macro_rules! check_before_fill {
    () => {
        concat!(
            "cmp byte ptr fs:[asc_checks@TPOFF], 0\n",
            "je 34f\n",
            "test rdx, rdx\n",
            "jz 34f\n",
            "mov qword ptr fs:[asc_checks@TPOFF + 128], rdi\n",
            "lea rdi, [rdi + rdx - 1]\n",
            "lea rcx, [rip + 33f]\n",
            "jmp asc_check_address\n",
            "33: mov rdi, qword ptr fs:[asc_checks@TPOFF + 128]\n",
            "34:",
        )
    };
}
pub(crate) use check_before_fill;

/// Before a C function is called outside of handlers: what this thread stored last is settled. Uses the
/// label 81 and keeps all registers that hold arguments.
macro_rules! settle_before_call {
    () => {
        "cmp byte ptr fs:[asc_checks@TPOFF + 8], 0\nje 81f\ncall asc_settle\n81:\n"
    };
}
pub(crate) use settle_before_call;

// What the pieces name by number.
const _: () = assert!(core::mem::offset_of!(super::words::CheckWords, kept) + 64 == 128);
const _: () = assert!(core::mem::offset_of!(super::words::CheckWords, checking) == 0);
const _: () = assert!(core::mem::offset_of!(super::words::CheckWords, pending) == 8);

global_asm!(
    ".pushsection .text.asc_check_line,\"ax\",@progbits",
    ".globl asc_settle",
    ".hidden asc_settle",
    ".type asc_settle, @function",
    "asc_settle:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rax",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push r8",
    "push r9",
    "push r10",
    "and rsp, -16",
    "call {settle}",
    "lea rsp, [rbp - 64]",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "pop rax",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size asc_settle, . - asc_settle",
    ".popsection",
    settle = sym crate::hardened::integrity::outside::settle,
);
