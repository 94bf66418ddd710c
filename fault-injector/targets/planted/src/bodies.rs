//! The bodies. Nothing but what is written here is executed between entry and `ret`.

use core::arch::naked_asm;
use std::sync::atomic::AtomicU64;

/// The state that [`planted_latent`] changes.
pub(crate) static STATE: AtomicU64 = AtomicU64::new(0);
static CELL: AtomicU64 = AtomicU64::new(0);

/// 4 KiB in which no two words at offsets that differ in one bit are equal.
#[repr(C, align(4096))]
struct Page([u8; 4096]);
static PAGE: Page = Page(page());

const fn page() -> [u8; 4096] {
    let mut bytes = [0; 4096];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at * 7 + at / 251) as u8;
        at += 1;
    }
    bytes
}

/// Whatever is struck is answered: never detected.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_never(_number: u64) -> u64 {
    naked_asm!(
        "mov qword ptr [rip + {cell}], rdi",
        "mov rax, qword ptr [rip + {cell}]",
        "ret",
        cell = sym CELL,
    )
}

/// The lower half of a vector register is answered, the upper is not.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_vector(_number: u64) -> u64 {
    naked_asm!("movq xmm0, rdi", "movq rax, xmm0", "ret")
}

/// Whatever is struck stays in the state and is never answered.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_latent(_number: u64) -> u64 {
    naked_asm!(
        "xor qword ptr [rip + {state}], rdi",
        "mov eax, 0",
        "ret",
        state = sym STATE,
    )
}

/// Nobody looks at what is struck.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_masked(_number: u64) -> u64 {
    naked_asm!("mov rcx, rdi", "mov eax, 0", "ret")
}

/// Two copies are compared: always detected.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_detects(_one: u64, _other: u64) -> u64 {
    naked_asm!(
        "cmp rdi, rsi",
        "jne {detected}",
        "mov eax, 0",
        "ret",
        detected = sym detected,
    )
}

/// Two different copies are waited for to become equal.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_hangs(_one: u64, _other: u64) -> u64 {
    naked_asm!("cmp rdi, rsi", "2: jne 2b", "mov eax, 0", "ret")
}

/// Jumps to an end that looks like success but has not answered.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_jumps(_nothing: u64) -> u64 {
    naked_asm!(
        "test rdi, rdi",
        "jne {leave}",
        "mov eax, 0",
        "ret",
        leave = sym leave,
    )
}

/// Ends in an illegal instruction.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_crashes(_nothing: u64) -> u64 {
    naked_asm!("test rdi, rdi", "jne 2f", "mov eax, 0", "ret", "2: ud2")
}

/// Answers a word of the page; another address within it answers another word.
#[unsafe(naked)]
pub(crate) extern "C" fn planted_address() -> u64 {
    naked_asm!(
        "lea rcx, [rip + {page} + 2048]",
        "mov rax, qword ptr [rcx]",
        "ret",
        page = sym PAGE,
    )
}

pub(crate) extern "C" fn detected() -> ! {
    eprintln!(
        "{{\"asc_incident\":1,\"stage\":\"compare\",\"reason\":\"planted\",\"action\":\"stop\"}}"
    );
    // SAFETY: ends the process.
    unsafe { libc::_exit(asc_runtime::EXIT_FAULT) }
}

extern "C" fn leave() -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(0) }
}
