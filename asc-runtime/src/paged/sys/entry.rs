//! Runtime code that a handler calls runs on a stack of its own, with everything open.
//!
//! Whatever it left on the handler's stack would differ between the runs. The entry pushes the
//! return address and the frame pointer there, which are the same in both, opens the rights, and on its
//! way back closes them and clears the registers that the callee may have used.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::thread_words::ThreadWords;
use super::vectors::clear_vectors;

/// Calls the function in `rax` with the caller's arguments (five at most) on the private stack; see
/// [`private_entry!`].
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn on_private_stack() {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov r9, rax",
        "cmp byte ptr fs:[asc_thread@TPOFF + {has_keys}], 0",
        "je 2f",
        "mov r10, rcx",
        "mov r11, rdx",
        "xor ecx, ecx",
        "xor edx, edx",
        "mov eax, dword ptr fs:[asc_thread@TPOFF + {open_rights}]",
        "wrpkru",
        "mov rcx, r10",
        "mov rdx, r11",
        "2: mov qword ptr fs:[asc_thread@TPOFF + {active}], 0",
        "mov rsp, qword ptr fs:[asc_thread@TPOFF + {private_top}]",
        "call r9",
        "mov r10, rax",
        "mov r11, rdx",
        clear_vectors!(),
        "mov qword ptr fs:[asc_thread@TPOFF + {active}], 1",
        "cmp byte ptr fs:[asc_thread@TPOFF + {has_keys}], 0",
        "je 3f",
        "xor ecx, ecx",
        "xor edx, edx",
        "mov eax, dword ptr fs:[asc_thread@TPOFF + {closed_rights}]",
        "wrpkru",
        "3: mov rax, r10",
        "mov rdx, r11",
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
        has_keys = const offset_of!(ThreadWords, has_keys),
        open_rights = const offset_of!(ThreadWords, open_rights),
        closed_rights = const offset_of!(ThreadWords, closed_rights),
        active = const offset_of!(ThreadWords, active),
        private_top = const offset_of!(ThreadWords, private_top),
        vectors = const offset_of!(ThreadWords, vectors),
    )
}

/// Defines `$name` as an entry from a handler into the runtime.
///
/// Outside a handler it continues in `$outside`; inside, `$inside` runs on the private stack.
/// Both take the arguments of `$name`, five words at most. `$inside` returns
/// [`crate::paged::Returned`], two registers, so that neither of them keeps runtime junk.
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
                "lea rax, [rip + {inside}]",
                "jmp {switch}",
                "2: jmp {outside}",
                ".cfi_endproc",
                active = const core::mem::offset_of!($crate::paged::sys::ThreadWords, active),
                inside = sym $inside,
                outside = sym $outside,
                switch = sym $crate::paged::sys::on_private_stack,
            )
        }
    };
}
pub(crate) use private_entry;
