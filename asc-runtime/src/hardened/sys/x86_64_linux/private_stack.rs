//! Runtime code that a handler calls runs on a stack of its own.
//!
//! Whatever it left on the application's stack would differ between the runs. The entry pushes
//! the return address and the frame pointer there, which are the same in both, and clears the
//! registers that the callee may have used, because a function prologue may push a dead one and a
//! vector store may carry undefined lanes.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::thread_words::ThreadWords;
use super::vectors::clear_vectors;

/// Calls the function in `rax` with the caller's arguments on the private stack. Only `rax` and `rdx` return values; see [`private_entry!`].
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn on_private_stack() {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "cmp rsp, qword ptr fs:[asc_thread@TPOFF + {deepest}]",
        "jae 2f",
        "mov qword ptr fs:[asc_thread@TPOFF + {deepest}], rsp",
        "2: mov qword ptr fs:[asc_thread@TPOFF + {active}], 0",
        "mov rsp, qword ptr fs:[asc_thread@TPOFF + {private_top}]",
        "call rax",
        clear_vectors!(),
        "mov qword ptr fs:[asc_thread@TPOFF + {active}], 1",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "xor ecx, ecx",
        "xor esi, esi",
        "xor edi, edi",
        "xor r8d, r8d",
        "xor r9d, r9d",
        "xor r10d, r10d",
        "xor r11d, r11d",
        "ret",
        ".cfi_endproc",
        deepest = const offset_of!(ThreadWords, deepest),
        active = const offset_of!(ThreadWords, active),
        private_top = const offset_of!(ThreadWords, private_top),
        vectors = const offset_of!(ThreadWords, vectors),
    )
}

/// Defines `$name` as an entry from a handler into the runtime.
///
/// Outside a handler it continues in `$outside`; inside, `$inside` runs on the private stack.
/// Both take the arguments of `$name`. `$inside` returns [`crate::hardened::Returned`], two
/// registers, so that neither of them keeps runtime junk.
///
/// With `locals = $locals` an operation whose first argument points to the handler's own locals
/// continues in `$locals` instead: nothing about it needs the runtime.
macro_rules! private_entry {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
        outside = $outside:path; inside = $inside:path;
    ) => {
        $(#[$attribute])*
        #[unsafe(naked)]
        $visibility unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "cmp byte ptr fs:[asc_thread@TPOFF + {active}], 0",
                "je 2f",
                // A seventh argument lies on the stack that is left behind.
                "mov rax, qword ptr [rsp + 8]",
                "mov qword ptr fs:[asc_thread@TPOFF + {seventh}], rax",
                "lea rax, [rip + {inside}]",
                "jmp {switch}",
                concat!("2: ", $crate::hardened::sys::settle_before_call!()),
                "jmp {outside}",
                ".cfi_endproc",
                active = const core::mem::offset_of!($crate::hardened::sys::ThreadWords, active),
                seventh = const core::mem::offset_of!($crate::hardened::sys::ThreadWords, seventh_argument),
                inside = sym $inside,
                outside = sym $outside,
                switch = sym $crate::hardened::sys::on_private_stack,
            )
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
        locals = $locals:path; inside = $inside:path;
    ) => {
        $(#[$attribute])*
        #[unsafe(naked)]
        $visibility unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "mov rax, qword ptr fs:[asc_thread@TPOFF + {entry}]",
                "sub rax, rsp",
                "mov r10, rdi",
                "sub r10, rsp",
                "cmp r10, rax",
                "jb 2f",
                "lea rax, [rip + {inside}]",
                "jmp {switch}",
                "2: cmp rsp, qword ptr fs:[asc_thread@TPOFF + {deepest}]",
                "jae 3f",
                "mov qword ptr fs:[asc_thread@TPOFF + {deepest}], rsp",
                "3: xor eax, eax",
                "xor r10d, r10d",
                "xor r11d, r11d",
                "jmp {locals}",
                ".cfi_endproc",
                entry = const core::mem::offset_of!($crate::hardened::sys::ThreadWords, entry),
                deepest = const core::mem::offset_of!($crate::hardened::sys::ThreadWords, deepest),
                inside = sym $inside,
                locals = sym $locals,
                switch = sym $crate::hardened::sys::on_private_stack,
            )
        }
    };
}
pub(crate) use private_entry;
