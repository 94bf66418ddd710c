//! The compiler's hooks before reads.

/// Defines hooks for reads of whole words, which never cross the border of a line.
///
/// Outside of a handler's first run a read costs a test of one thread-local word.
macro_rules! word_read_hooks {
    ($($hook:ident),* $(,)?) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $hook(address: usize) {
                check_read!(address);
            }
        )*
    };
}
pub(crate) use word_read_hooks;

/// Has the line of an address checked, in the first run of a handler.
///
/// The second run takes the straight path, so the other one may leave no trace: it keeps every register,
/// even those that hold nothing, in the thread's words, and it is one piece of assembly. In the code
/// around a call the compiler would spill registers, in the first run only, to places that later frames
/// take for padding.
macro_rules! check_read {
    ($address:expr) => {{
        use $crate::hardened::sys::checks::words::{CheckWords, LineWords, RECENT_LINES};
        // SAFETY: the test reads one word of this thread (K1). The check keeps every register but the
        // flags and touches no stack but the runtime's own; K2 holds while it is asked for.
        unsafe {
            core::arch::asm!(
                "cmp byte ptr fs:[asc_checks@TPOFF], 0",
                "jne 72f",
                "73:",
                ".pushsection .text.asc_check_line,\"ax\",@progbits",
                "72: mov qword ptr fs:[asc_checks@TPOFF + {kept} + 112], rax",
                $crate::hardened::sys::checks::line::unless_checked!(
                    "{address}",
                    "mov qword ptr fs:[asc_checks@TPOFF + {kept} + 120], rcx",
                    "78f",
                    "79f"
                ),
                "lea rcx, [rip + 79f]",
                "jmp asc_check_line",
                "79: mov rcx, qword ptr fs:[asc_checks@TPOFF + {kept} + 120]",
                "78: mov rax, qword ptr fs:[asc_checks@TPOFF + {kept} + 112]",
                "jmp 73b",
                ".popsection",
                address = in(reg) $address,
                kept = const core::mem::offset_of!(CheckWords, kept),
                start = const core::mem::offset_of!(LineWords, start),
                bytes = const core::mem::offset_of!(LineWords, bytes),
                shift = const core::mem::offset_of!(LineWords, shift),
                recent = const core::mem::offset_of!(CheckWords, recent),
                recent_mask = const RECENT_LINES - 1,
                options(nostack),
            );
        }
    }};
}
pub(crate) use check_read;
