use asc_runtime::asc_handler;
/// Documented.
#[must_use = "the answer matters"]
#[inline]
#[cfg(not(any()))]
fn answer(
    #[cfg(all())]
    question: String,
    #[cfg(any())]
    missing: Missing,
    reason: u8,
    #[allow(unused_variables)]
    flag: &bool,
) -> usize {
    #![allow(clippy::len_zero)]
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "answer"),
        ::core::file!(),
        ::core::line!(),
    );
    #[cfg(all())] ::asc_runtime::__private::require_argument(&question);
    #[cfg(any())] ::asc_runtime::__private::require_argument(&missing);
    ::asc_runtime::__private::require_argument(&reason);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> usize {
            #[cfg(all())]
            #[allow(clippy::shadow_same)]
            let question = question;
            #[cfg(any())]
            #[allow(clippy::shadow_same)]
            let missing = missing;
            #[allow(clippy::shadow_same)]
            #[expect(unused_variables)]
            let reason = reason;
            #[allow(clippy::diverging_sub_expression)]
            let value: usize = { question.len() };
            #[allow(unreachable_code)] value
        },
    )
}
pub mod hardening {
    pub use asc_runtime as runtime;
}
fn r#yield(state: &mut u8) -> u8 {
    static __ASC_HANDLER: hardening::runtime::__private::Handler = hardening::runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "yield"),
        ::core::file!(),
        ::core::line!(),
    );
    hardening::runtime::__private::run(&__ASC_HANDLER, move || -> u8 { *state })
}
