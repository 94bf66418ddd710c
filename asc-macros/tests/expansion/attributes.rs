use asc_runtime::asc_handler;

#[asc_handler]
/// Documented.
#[must_use = "the answer matters"]
#[inline]
#[cfg(not(any()))]
fn answer(
    #[cfg(all())] question: String,
    #[cfg(any())] missing: Missing,
    #[expect(unused_variables)] reason: u8,
    #[allow(unused_variables)] flag: &bool,
) -> usize {
    #![allow(clippy::len_zero)]
    question.len()
}

pub mod hardening {
    pub use asc_runtime as runtime;
}

#[asc_handler(crate = hardening::runtime)]
fn r#yield(state: &mut u8) -> u8 {
    *state
}
