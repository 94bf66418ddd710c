//! C functions that read memory without hooks: comparisons and searches.
//!
//! The compiler calls them for slices, strings and C strings. In a handler's first run the lines that
//! they may read are checked first. Nothing else about them changes: every register is put back, because the second run does not
//! come here.

use core::arch::global_asm;
use core::mem::offset_of;

use super::words::CheckWords;
use crate::hardened::sys::ThreadWords;

/// Longest stretch between two looked-at addresses that skips no line.
const STRIDE: usize = asc_alloc::line_code::LINE_BYTES_MIN;

global_asm!(
    ".pushsection .text.asc_check_line,\"ax\",@progbits",
    // rdi = first address, rsi = bytes, r11 = where to go on. Keeps all but rdi, rsi, rax and rcx.
    ".globl asc_check_range",
    ".hidden asc_check_range",
    ".type asc_check_range, @function",
    "asc_check_range:",
    "test rsi, rsi",
    "jz 3f",
    "lea rsi, [rdi + rsi - 1]",
    "2: lea rcx, [rip + 4f]",
    "jmp asc_check_address",
    "4: add rdi, {stride}",
    "cmp rdi, rsi",
    "jb 2b",
    "mov rdi, rsi",
    "lea rcx, [rip + 3f]",
    "jmp asc_check_address",
    "3: jmp r11",
    ".size asc_check_range, . - asc_check_range",
    ".popsection",
    stride = const STRIDE,
);

/// Assembly: keeps the registers that checking ranges uses, and puts them back.
macro_rules! keep {
    ($instruction:tt) => {
        concat!(
            kept!($instruction, "rax", "64"),
            kept!($instruction, "rcx", "72"),
            kept!($instruction, "rdi", "80"),
            kept!($instruction, "rsi", "88"),
            kept!($instruction, "r11", "96"),
        )
    };
}

macro_rules! kept {
    ("keep", $register:literal, $offset:literal) => {
        concat!(
            "mov qword ptr fs:[asc_checks@TPOFF + {kept} + ",
            $offset,
            "], ",
            $register,
            "\n"
        )
    };
    ("put back", $register:literal, $offset:literal) => {
        concat!(
            "mov ",
            $register,
            ", qword ptr fs:[asc_checks@TPOFF + {kept} + ",
            $offset,
            "]\n"
        )
    };
}

/// Defines functions that have `$check` done in a handler's first run.
macro_rules! checked {
    ($($wrap:literal $real:literal: $($check:literal),*;)*) => {
        $(global_asm!(
            ".pushsection .text.asc_check_line,\"ax\",@progbits",
            concat!(".globl ", $wrap),
            concat!(".type ", $wrap, ", @function"),
            ".p2align 4",
            concat!($wrap, ":"),
            ".cfi_startproc",
            // The runtime compares too, while registers are kept for the handler.
            "cmp byte ptr fs:[asc_thread@TPOFF + {active}], 0",
            "je 9f",
            "cmp byte ptr fs:[asc_checks@TPOFF + {checking}], 0",
            "je 9f",
            keep!("keep"),
            $($check,)*
            keep!("put back"),
            concat!("9: jmp ", $real, "@PLT"),
            ".cfi_endproc",
            concat!(".size ", $wrap, ", . - ", $wrap),
            ".popsection",
            active = const offset_of!(ThreadWords, active),
            checking = const offset_of!(CheckWords, checking),
            kept = const offset_of!(CheckWords, kept),
        );)*
    };
}

checked! {
    "__wrap_memcmp" "__real_memcmp":
        "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range",
        "2: mov rdi, qword ptr fs:[asc_checks@TPOFF + {kept} + 88]",
        "mov rsi, rdx", "lea r11, [rip + 3f]", "jmp asc_check_range", "3:";
    "__wrap_bcmp" "__real_bcmp":
        "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range",
        "2: mov rdi, qword ptr fs:[asc_checks@TPOFF + {kept} + 88]",
        "mov rsi, rdx", "lea r11, [rip + 3f]", "jmp asc_check_range", "3:";
    "__wrap_memchr" "__real_memchr":
        "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range", "2:";
    "__wrap_memrchr" "__real_memrchr":
        "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range", "2:";
    // Copies to the handler's own locals, which the log has nothing to do with.
    "asc_checked_memcpy" "memcpy":
        "mov rdi, rsi", "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range", "2:";
    "asc_checked_memmove" "memmove":
        "mov rdi, rsi", "mov rsi, rdx", "lea r11, [rip + 2f]", "jmp asc_check_range", "2:";
    // How far it reads is what it finds out.
    "__wrap_strlen" "__real_strlen":
        "2: lea rcx, [rip + 3f]", "jmp asc_check_address",
        "3: cmp byte ptr [rdi], 0", "lea rdi, [rdi + 1]", "jne 2b";
}

unsafe extern "C" {
    /// `memcpy`, its source checked.
    pub(crate) fn asc_checked_memcpy(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    /// `memmove`, its source checked.
    pub(crate) fn asc_checked_memmove(target: *mut u8, source: *const u8, length: usize)
    -> *mut u8;
}
