//! The fast path of the undo log: one store of 1, 2, 4, 8 or 16 bytes inside a handler.
//!
//! Written in assembly for two reasons. It must leave nothing of the runtime on the application's
//! stack or in its registers (padding copied from there would differ between the runs and blame a
//! healthy handler), and it must cost the surrounding code no registers: it clobbers three, so the
//! code around a store keeps its values where they are.
//!
//! Every store adds its address to a sum, which must be the same after both runs: a hook that was
//! jumped over in one of them shows there.
//!
//! 1. A store between the stack pointer and the handler's entry is a local: nothing to do.
//! 2. The repeat filter drops an address already logged in this run with this or a wider size.
//! 3. Recording: append (address, size, old bytes). Checking: the next entry must name the same
//!    address and size, else the runs have diverged.

use core::arch::global_asm;
use core::mem::offset_of;

use super::checks::check_before_log;
use super::thread_words::ThreadWords;
use crate::hardened::repeat_filter::SPREAD;
use crate::hardened::undo_log::{Entry, log_word_slow};

/// x87, SSE, AVX and AVX-512 state: what compiled code may hold across a store.
const STATE_COMPONENTS: u32 = 0b1110_0111;
/// Room for these components with slack for the alignment (they take 2,688 bytes).
const XSAVE_BYTES: usize = 3072;

macro_rules! log_word {
    ($name:literal, $size:literal, $size_tag:literal, $load:literal, $covered_by_word:expr) => {
        global_asm!(
            ".pushsection .text.asc_log_word,\"ax\",@progbits",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            ".p2align 5",
            concat!($name, ":"),
            ".cfi_startproc",
            "add qword ptr fs:[asc_thread@TPOFF + {stores}], rdi",
            "cmp rsp, qword ptr fs:[asc_thread@TPOFF + {deepest}]",
            "jae 1f",
            "mov qword ptr fs:[asc_thread@TPOFF + {deepest}], rsp",
            // 1. a local?
            "1: mov rax, rdi",
            "sub rax, rsp",
            "mov rcx, qword ptr fs:[asc_thread@TPOFF + {entry}]",
            "sub rcx, rsp",
            "cmp rax, rcx",
            "jb 6f",
            // 2. logged already?
            "2: mov rax, rdi",
            "shr rax, 3",
            "imul rax, rax, {spread}",
            "and rax, qword ptr fs:[asc_thread@TPOFF + {filter_mask}]",
            "mov rdx, qword ptr fs:[asc_thread@TPOFF + {filter}]",
            "lea rax, [rdx + rax * 8]",
            "mov rcx, qword ptr fs:[asc_thread@TPOFF + {filter_tag}]",
            $covered_by_word,
            "add rcx, rdi",
            $size_tag,
            "cmp qword ptr [rax], rcx",
            "je 8f",
            "mov qword ptr [rax], rcx",
            // 3. record or check
            check_before_log!(),
            "3: mov rcx, qword ptr fs:[asc_thread@TPOFF + {cursor}]",
            "cmp rcx, qword ptr fs:[asc_thread@TPOFF + {limit}]",
            "jae 7f",
            "cmp byte ptr fs:[asc_thread@TPOFF + {phase}], 1",
            "jne 5f",
            $load,
            "mov qword ptr [rcx + {address}], rdi",
            concat!("mov qword ptr [rcx + {length}], ", $size),
            "mov qword ptr [rcx + {old}], rax",
            // Once more: what was read wrongly here, the rollback would put into memory.
            $load,
            "cmp rax, qword ptr [rcx + {old}]",
            "jne 3b",
            // What the entry says, in one word: see `Entry::seal`.
            concat!("lea rax, [rax + rdi + ", $size, "]"),
            "mov qword ptr [rcx + {new}], rax",
            "add qword ptr fs:[asc_thread@TPOFF + {cursor}], {stride}",
            "jmp 9f",
            "5: cmp qword ptr [rcx + {address}], rdi",
            "jne 7f",
            concat!("cmp qword ptr [rcx + {length}], ", $size),
            "jne 7f",
            "add qword ptr fs:[asc_thread@TPOFF + {cursor}], {stride}",
            "9: xor eax, eax",
            "xor ecx, ecx",
            "xor edx, edx",
            "ret",
            // Taken for a local or a repeat: a wrong branch to here would leave a store unlogged, so
            // the question is asked once more, in other words.
            "6: cmp rdi, rsp",
            "jb 2b",
            "cmp rdi, qword ptr fs:[asc_thread@TPOFF + {entry}]",
            "jae 2b",
            "jmp 9b",
            "8: cmp rcx, qword ptr [rax]",
            "jne 3b",
            "jmp 9b",
            // The log is full, the filter wants to grow, or the runs have diverged.
            concat!("7: mov ecx, ", $size),
            "call asc_log_word_slow",
            "jmp 3b",
            ".cfi_endproc",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            stores = const offset_of!(ThreadWords, stores),
            entry = const offset_of!(ThreadWords, entry),
            deepest = const offset_of!(ThreadWords, deepest),
            filter = const offset_of!(ThreadWords, filter),
            filter_mask = const offset_of!(ThreadWords, filter_mask),
            spread = const SPREAD as i32,
            filter_tag = const offset_of!(ThreadWords, filter_tag),
            cursor = const offset_of!(ThreadWords, cursor),
            limit = const offset_of!(ThreadWords, limit),
            phase = const offset_of!(ThreadWords, phase),
            address = const offset_of!(Entry, address),
            length = const offset_of!(Entry, length),
            old = const offset_of!(Entry, old),
            new = const offset_of!(Entry, new),
            stride = const size_of::<Entry>(),
        );
    };
}

// A tag is generation << 49 | size code << 47 | address; user addresses are below 2^47. A narrow
// store that lies inside an aligned 8-byte word logged whole (size code 0) is covered by it.
macro_rules! covered_by_word {
    ($last_byte:literal) => {
        concat!(
            "lea rdx, [rdi + ",
            $last_byte,
            "]\n",
            "xor rdx, rdi\n",
            "test rdx, -8\n",
            "jnz 4f\n",
            "lea rdx, [rdi + rcx]\n",
            "and rdx, -8\n",
            "cmp qword ptr [rax], rdx\n",
            "jne 4f\n",
            "cmp rdx, qword ptr [rax]\n",
            "je 9f\n",
            "4:"
        )
    };
}
log_word!("asc_log_8", "8", "", "mov rax, qword ptr [rdi]", "");
log_word!(
    "asc_log_4",
    "4",
    "bts rcx, 47",
    "mov eax, dword ptr [rdi]",
    covered_by_word!("3")
);
log_word!(
    "asc_log_2",
    "2",
    "bts rcx, 48",
    "movzx eax, word ptr [rdi]",
    covered_by_word!("1")
);
log_word!(
    "asc_log_1",
    "1",
    "bts rcx, 47\nbts rcx, 48",
    "movzx eax, byte ptr [rdi]",
    covered_by_word!("0")
);

global_asm!(
    ".pushsection .text.asc_log_word,\"ax\",@progbits",
    // Two words: a 16-byte store.
    ".globl asc_log_16",
    ".hidden asc_log_16",
    ".type asc_log_16, @function",
    "asc_log_16:",
    ".cfi_startproc",
    "call asc_log_8",
    "add rdi, 8",
    "call asc_log_8",
    "sub rdi, 8",
    "ret",
    ".cfi_endproc",
    ".size asc_log_16, . - asc_log_16",
    // rdi = address, ecx = size. Keeps every register but rax, rcx, rdx.
    ".type asc_log_word_slow, @function",
    "asc_log_word_slow:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov qword ptr fs:[asc_thread@TPOFF + {active}], 0",
    "mov rsp, qword ptr fs:[asc_thread@TPOFF + {private_top}]",
    "push rdi",
    "push rsi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push rbx",
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
    "mov esi, ecx",
    "call {slow}",
    "xor edx, edx",
    "mov eax, {state_components}",
    "xrstor64 [rsp]",
    "mov rsp, rbx",
    "pop rbx",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rsi",
    "pop rdi",
    "mov qword ptr fs:[asc_thread@TPOFF + {active}], 1",
    "mov rsp, rbp",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size asc_log_word_slow, . - asc_log_word_slow",
    ".popsection",
    active = const offset_of!(ThreadWords, active),
    private_top = const offset_of!(ThreadWords, private_top),
    xsave_bytes = const XSAVE_BYTES,
    state_components = const STATE_COMPONENTS,
    slow = sym log_word_slow,
);

/// Defines the compiler's store hooks for whole words.
macro_rules! word_store_hooks {
    ($($hook:ident => $log:literal, $length:literal),* $(,)?) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $hook(address: usize) {
                if $crate::hardened::sys::called_by_handler() {
                    // SAFETY: a handler is active, so W2 holds. The log routine keeps every register
                    // but the declared ones, and runs on this thread's own stacks.
                    unsafe {
                        core::arch::asm!(
                            concat!("call ", $log),
                            in("rdi") address,
                            out("rax") _,
                            out("rcx") _,
                            out("rdx") _,
                        );
                    }
                } else if $crate::hardened::integrity::outside::is_protected(address) {
                    $crate::hardened::integrity::outside::store(address, $length);
                }
            }
        )*
    };
}
pub(crate) use word_store_hooks;
