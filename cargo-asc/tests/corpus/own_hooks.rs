//! Some hooks and a wrapper of its own, as asc-runtime has them all: they count
//! their calls, by assembler, because instrumented code would call itself.

use std::arch::{asm, naked_asm};

static mut STORES: u64 = 0;
static mut ALLOCATIONS: u64 = 0;
static mut ADDITIONS: u64 = 0;

#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn __asan_store8(_address: usize) {
    naked_asm!("lock inc qword ptr [rip + {count}]", "ret", count = sym STORES)
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn __wrap_malloc(_size: usize) -> *mut u8 {
    naked_asm!(
        "lock inc qword ptr [rip + {count}]",
        "jmp __real_malloc@PLT",
        count = sym ALLOCATIONS
    )
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn __tsan_atomic64_fetch_add(_at: *mut u64, _by: u64, _order: i32) -> u64 {
    naked_asm!(
        "lock inc qword ptr [rip + {count}]",
        "mov rax, rsi",
        "lock xadd qword ptr [rdi], rax",
        "ret",
        count = sym ADDITIONS
    )
}

/// How often each was called: stores, allocations, additions.
pub fn counts() -> [u64; 3] {
    let (stores, allocations, additions): (u64, u64, u64);
    // SAFETY: reads three counters of this crate, in one piece of assembly so that no hook runs.
    unsafe {
        asm!(
            "mov {}, qword ptr [rip + {}]", "mov {}, qword ptr [rip + {}]",
            "mov {}, qword ptr [rip + {}]",
            out(reg) stores, sym STORES, out(reg) allocations, sym ALLOCATIONS,
            out(reg) additions, sym ADDITIONS,
        );
    }
    [stores, allocations, additions]
}
