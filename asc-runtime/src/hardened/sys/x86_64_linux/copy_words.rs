//! Stores, copies and fills of up to 64 bytes, word by word, without a call into the runtime.
//!
//! 1. The operation on the handler's own locals needs no log.
//! 2. Elsewhere each word is logged as a store of its own and then written. The words of a store
//!    are only logged: it follows its hook.
//!
//! Words of 8 bytes and not vectors: what is copied has mostly just been stored field by field,
//! and a wide load over several young stores has to wait until all stores before it have reached
//! the cache. In a handler that just missed the cache that cost 35 ns a copy. Only registers that
//! hold the application's own values are left behind.

use core::arch::global_asm;
use core::mem::offset_of;

use super::checks::{check_before_copy, check_before_fill};
use super::thread_words::ThreadWords;
use crate::hardened::ranges::{asc_copy_long, asc_fill_long, asc_move_long, asc_store_long};

/// Longer operations are one entry of the log.
pub(crate) const WORDS_BYTES_MAX: usize = 64;

/// The operation in pieces of 8, 4, 2 and 1 bytes; `r8` holds the length, `rdi` the target. Each
/// `$write` writes one piece and advances. The labels are its own.
macro_rules! pieces {
    ($log_8:literal, $log_4:literal, $log_2:literal, $log_1:literal,
     $write_8:expr, $write_4:expr, $write_2:expr, $write_1:expr) => {
        concat!(
            "20: sub r8, 8\n",
            "jb 21f\n",
            $log_8,
            $write_8,
            "add rdi, 8\n",
            "jmp 20b\n",
            // Negative now, with the lowest three bits of the length.
            "21: test r8b, 4\n",
            "jz 22f\n",
            $log_4,
            $write_4,
            "add rdi, 4\n",
            "22: test r8b, 2\n",
            "jz 23f\n",
            $log_2,
            $write_2,
            "add rdi, 2\n",
            "23: test r8b, 1\n",
            "jz 24f\n",
            $log_1,
            $write_1,
            "24: mov rax, r9\n",
            "ret"
        )
    };
}

macro_rules! logged {
    ($($write:expr),* $(,)?) => {
        pieces!(
            "call asc_log_8\n", "call asc_log_4\n", "call asc_log_2\n", "call asc_log_1\n",
            $($write),*
        )
    };
}

macro_rules! local {
    ($($write:expr),* $(,)?) => {
        pieces!("", "", "", "", $($write),*)
    };
}

/// Defines `$name(rdi = target, rsi, rdx = length)`, which returns the target. `$long` takes over
/// what is too long or, by `$refuse`, otherwise not for it. `$prepare` sets up what `$write` needs.
macro_rules! word_operation {
    ($name:literal, $long:path, $refuse:literal, $check:expr, $prepare:literal, $($write:expr),* $(,)?) => {
        global_asm!(
            ".pushsection .text.asc_log_word,\"ax\",@progbits",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            ".p2align 4",
            concat!($name, ":"),
            ".cfi_startproc",
            "cmp rdx, {bytes_max}",
            "ja 19f",
            $refuse,
            $check,
            "mov r9, rdi",
            "mov r8, rdx",
            $prepare,
            "mov rax, rdi",
            "sub rax, rsp",
            "mov rcx, qword ptr fs:[asc_thread@TPOFF + {entry}]",
            "sub rcx, rsp",
            "cmp rax, rcx",
            "jb 2f",
            logged!($($write),*),
            "2: cmp rsp, qword ptr fs:[asc_thread@TPOFF + {deepest}]",
            "jae 3f",
            "mov qword ptr fs:[asc_thread@TPOFF + {deepest}], rsp",
            // The entry is the runtime's, but the same in both runs; so is the return address.
            "3:",
            local!($($write),*),
            "19: jmp {long}",
            ".cfi_endproc",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            bytes_max = const WORDS_BYTES_MAX,
            entry = const offset_of!(ThreadWords, entry),
            deepest = const offset_of!(ThreadWords, deepest),
            long = sym $long,
        );
    };
}

word_operation!(
    "asc_copy",
    asc_copy_long,
    "",
    check_before_copy!(),
    "",
    "mov rax, qword ptr [rsi]\nmov qword ptr [rdi], rax\nadd rsi, 8\n",
    "mov eax, dword ptr [rsi]\nmov dword ptr [rdi], eax\nadd rsi, 4\n",
    "movzx eax, word ptr [rsi]\nmov word ptr [rdi], ax\nadd rsi, 2\n",
    "movzx eax, byte ptr [rsi]\nmov byte ptr [rdi], al\n",
);
word_operation!(
    "asc_move",
    asc_move_long,
    // A target behind the source within it wants the last word first.
    "mov rax, rdi\nsub rax, rsi\ncmp rax, rdx\njb 19f",
    check_before_copy!(),
    "",
    "mov rax, qword ptr [rsi]\nmov qword ptr [rdi], rax\nadd rsi, 8\n",
    "mov eax, dword ptr [rsi]\nmov dword ptr [rdi], eax\nadd rsi, 4\n",
    "movzx eax, word ptr [rsi]\nmov word ptr [rdi], ax\nadd rsi, 2\n",
    "movzx eax, byte ptr [rsi]\nmov byte ptr [rdi], al\n",
);
word_operation!(
    "asc_fill",
    asc_fill_long,
    "",
    check_before_fill!(),
    "movzx r10d, sil\nmovabs rax, 0x0101010101010101\nimul r10, rax",
    "mov qword ptr [rdi], r10\n",
    "mov dword ptr [rdi], r10d\n",
    "mov word ptr [rdi], r10w\n",
    "mov byte ptr [rdi], r10b\n",
);
word_operation!(
    "asc_store",
    asc_store_long,
    "",
    check_before_fill!(),
    "",
    "",
    "",
    "",
    "",
);

unsafe extern "C" {
    /// A store inside a handler is about to happen. Arguments stand where those of a fill do.
    pub(crate) fn asc_store(target: *mut u8, unused: usize, length: usize);
    /// `memcpy` inside a handler.
    pub(crate) fn asc_copy(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    /// `memmove` inside a handler.
    pub(crate) fn asc_move(target: *mut u8, source: *const u8, length: usize) -> *mut u8;
    /// `memset` inside a handler.
    pub(crate) fn asc_fill(target: *mut u8, byte: i32, length: usize) -> *mut u8;
}
