use std::num::ParseIntError;
use asc_runtime::{Fault, asc_handler};
fn stopped(state: &mut u8) -> Result<u8, ParseIntError> {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "stopped"),
            ::core::file!(),
            ::core::line!(),
        )
        .on_fault(::asc_runtime::__private::OnFault::Abort);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> Result<u8, ParseIntError> { Ok(*state) },
    )
}
fn retried(state: &mut u8) {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "retried"),
            ::core::file!(),
            ::core::line!(),
        )
        .on_fault(::asc_runtime::__private::OnFault::Retry(3u8));
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> () {
            *state += 1;
        },
    )
}
fn dropped(state: &mut u8) -> Result<&mut u8, Fault> {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", "dropped"),
            ::core::file!(),
            ::core::line!(),
        )
        .on_fault(::asc_runtime::__private::OnFault::Drop);
    ::asc_runtime::__private::run_or_tell(
        &__ASC_HANDLER,
        ::asc_runtime::__private::tell::<Result<&mut u8, Fault>>(),
        move || -> Result<&mut u8, Fault> {
            *state += 1;
            Ok(state)
        },
    )
}
