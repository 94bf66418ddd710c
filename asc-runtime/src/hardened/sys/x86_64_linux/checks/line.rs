//! Checking one line of protected memory.
//!
//! 1. An address outside of the arena: nothing to do.
//! 2. A line that the handler has looked at lately: nothing to do.
//! 3. A line in the handler's set: nothing to do but to remember it for 2.
//! 4. Else its remainder is computed, compared with its code, and it joins the set. The branch on the
//!    comparison is predicted, so the handler's own code goes on meanwhile.
//! 5. A mismatch, or a set that wants to grow, is the runtime's business.
//!
//! Only the first run checks, so nothing may tell it from the second: no register but the flags is left
//! changed, and nothing at all on the application's stack, not even a return address.

use core::arch::global_asm;
use core::mem::offset_of;

use super::words::{CheckWords, LineWords, RECENT_LINES, TAG_SHIFT};
use crate::hardened::integrity::line_set::check_slowly;
use crate::hardened::sys::ThreadWords;

/// x87, SSE, AVX and AVX-512 state: what compiled code may hold across a read.
const STATE_COMPONENTS: u32 = 0b1110_0111;
/// Room for these components with slack for the alignment (they take 2,688 bytes).
const XSAVE_BYTES: usize = 3072;

/// Assembly: continues at `$done` when the address in `$address` needs no check, else falls through
/// with its line in rax. Uses rax and rcx; `$keep` stands before rcx is changed, and addresses that are not
/// protected continue at `$elsewhere` before that.
macro_rules! unless_checked {
    ($address:literal, $keep:literal, $elsewhere:literal, $done:literal) => {
        concat!(
            "mov rax, ",
            $address,
            "\n",
            "sub rax, qword ptr [rip + asc_lines + {start}]\n",
            "cmp rax, qword ptr [rip + asc_lines + {bytes}]\n",
            "jae ",
            $elsewhere,
            "\n",
            $keep,
            "\n",
            "mov ecx, dword ptr [rip + asc_lines + {shift}]\n",
            "shr rax, cl\n",
            "mov ecx, eax\n",
            "and ecx, {recent_mask}\n",
            "cmp qword ptr fs:[rcx * 8 + asc_checks@TPOFF + {recent}], rax\n",
            "je ",
            $done,
            "\n",
        )
    };
}
pub(crate) use unless_checked;

global_asm!(
    ".pushsection .text.asc_check_line,\"ax\",@progbits",
    // rdi = address, rcx = where to go on. Keeps all but rax and rcx.
    ".globl asc_check_address",
    ".hidden asc_check_address",
    ".type asc_check_address, @function",
    ".p2align 5",
    "asc_check_address:",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 56], rcx",
    unless_checked!("rdi", "", "9f", "9f"),
    "lea rcx, [rip + 9f]",
    "jmp asc_check_line",
    "9: mov rcx, qword ptr fs:[asc_checks@TPOFF + {kept} + 56]",
    "jmp rcx",
    ".size asc_check_address, . - asc_check_address",
    // rax = line, rcx = where to go on. Keeps all but rax and rcx.
    ".globl asc_check_line",
    ".hidden asc_check_line",
    ".type asc_check_line, @function",
    ".p2align 5",
    "asc_check_line:",
    // What the runtime itself calls, and what it calls of the program, is not the handler's.
    "cmp byte ptr fs:[asc_thread@TPOFF + {active}], 0",
    "je 5f",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept}], rcx",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 8], rdx",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 16], r8",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 24], r9",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 32], r10",
    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 40], r11",
    "mov r8, rax",
    // In the set?
    "mov rdx, qword ptr fs:[asc_checks@TPOFF + {keys}]",
    "mov r11, rax",
    "add rax, qword ptr fs:[asc_checks@TPOFF + {tag}]",
    "2: and r11, qword ptr fs:[asc_checks@TPOFF + {mask}]",
    "mov r10, qword ptr [rdx + r11 * 8]",
    "cmp r10, rax",
    "je 6f",
    "xor r10, rax",
    "shr r10, {tag_shift}",
    "jnz 3f",
    "inc r11",
    "jmp 2b",
    // No: r11 is its slot.
    "3: mov ecx, dword ptr [rip + asc_lines + {shift}]",
    "mov r9, r8",
    "shl r9, cl",
    "add r9, qword ptr [rip + asc_lines + {start}]",
    "mov rcx, qword ptr [rip + asc_lines + {line_bytes}]",
    "add rcx, r9",
    "xor r10d, r10d",
    "4: crc32 r10, qword ptr [r9]",
    "crc32 r10, qword ptr [r9 + 8]",
    "crc32 r10, qword ptr [r9 + 16]",
    "crc32 r10, qword ptr [r9 + 24]",
    "crc32 r10, qword ptr [r9 + 32]",
    "crc32 r10, qword ptr [r9 + 40]",
    "crc32 r10, qword ptr [r9 + 48]",
    "crc32 r10, qword ptr [r9 + 56]",
    "add r9, 64",
    "cmp r9, rcx",
    "jb 4b",
    "mov r9, qword ptr [rip + asc_lines + {table}]",
    "cmp r10d, dword ptr [r9 + r8 * 4]",
    "jne 7f",
    "mov qword ptr [rdx + r11 * 8], rax",
    "mov r9, qword ptr fs:[asc_checks@TPOFF + {places}]",
    "mov dword ptr [r9 + r11 * 4], 0",
    "mov rcx, qword ptr fs:[asc_checks@TPOFF + {count}]",
    "add rcx, 1",
    "mov qword ptr fs:[asc_checks@TPOFF + {count}], rcx",
    "cmp rcx, qword ptr fs:[asc_checks@TPOFF + {limit}]",
    "jae 7f",
    "6: mov ecx, r8d",
    "and ecx, {recent_mask}",
    "mov qword ptr fs:[rcx * 8 + asc_checks@TPOFF + {recent}], r8",
    "8: mov rdx, qword ptr fs:[asc_checks@TPOFF + {kept} + 8]",
    "mov r8, qword ptr fs:[asc_checks@TPOFF + {kept} + 16]",
    "mov r9, qword ptr fs:[asc_checks@TPOFF + {kept} + 24]",
    "mov r10, qword ptr fs:[asc_checks@TPOFF + {kept} + 32]",
    "mov r11, qword ptr fs:[asc_checks@TPOFF + {kept} + 40]",
    "jmp qword ptr fs:[asc_checks@TPOFF + {kept}]",
    "5: jmp rcx",
    // On the private stack, with every register kept.
    "7: mov qword ptr fs:[asc_checks@TPOFF + {kept} + 48], rsp",
    "mov qword ptr fs:[asc_thread@TPOFF + {active}], 0",
    "mov rsp, qword ptr fs:[asc_thread@TPOFF + {private_top}]",
    "push rdi",
    "push rsi",
    "push rbx",
    "push rbp",
    "mov rbx, rsp",
    "sub rsp, {xsave_bytes}",
    "and rsp, -64",
    // The header behind the legacy area must be zero before xsave.
    "xor eax, eax",
    "mov qword ptr [rsp + 512], rax",
    "mov qword ptr [rsp + 520], rax",
    "mov qword ptr [rsp + 528], rax",
    "mov qword ptr [rsp + 536], rax",
    "mov qword ptr [rsp + 544], rax",
    "mov qword ptr [rsp + 552], rax",
    "mov qword ptr [rsp + 560], rax",
    "mov qword ptr [rsp + 568], rax",
    "xor edx, edx",
    "mov eax, {state_components}",
    "xsave64 [rsp]",
    "mov rdi, r8",
    // The runtime calls instrumented code of the standard library, whose own checks would keep their
    // registers where those of this one are.
    "mov byte ptr fs:[asc_checks@TPOFF], 0",
    "call {slowly}",
    "mov byte ptr fs:[asc_checks@TPOFF], 1",
    "xor edx, edx",
    "mov eax, {state_components}",
    "xrstor64 [rsp]",
    "mov rsp, rbx",
    "pop rbp",
    "pop rbx",
    "pop rsi",
    "pop rdi",
    "mov qword ptr fs:[asc_thread@TPOFF + {active}], 1",
    "mov rsp, qword ptr fs:[asc_checks@TPOFF + {kept} + 48]",
    "jmp 8b",
    ".size asc_check_line, . - asc_check_line",
    ".popsection",
    start = const offset_of!(LineWords, start),
    bytes = const offset_of!(LineWords, bytes),
    shift = const offset_of!(LineWords, shift),
    line_bytes = const offset_of!(LineWords, line_bytes),
    table = const offset_of!(LineWords, table),
    kept = const offset_of!(CheckWords, kept),
    keys = const offset_of!(CheckWords, keys),
    mask = const offset_of!(CheckWords, mask),
    places = const offset_of!(CheckWords, places),
    tag = const offset_of!(CheckWords, tag),
    count = const offset_of!(CheckWords, count),
    limit = const offset_of!(CheckWords, limit),
    recent = const offset_of!(CheckWords, recent),
    recent_mask = const RECENT_LINES - 1,
    tag_shift = const TAG_SHIFT,
    active = const offset_of!(ThreadWords, active),
    private_top = const offset_of!(ThreadWords, private_top),
    xsave_bytes = const XSAVE_BYTES,
    state_components = const STATE_COMPONENTS,
    slowly = sym check_slowly,
);
