use std::num::ParseIntError;
use asc_runtime::asc_handler;
fn starting<'a>(
    words: &'a [String],
    prefix: &'a str,
) -> impl Iterator<Item = &'a String> + 'a {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "starting"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> _ { words.iter().filter(move |word| word.starts_with(prefix)) },
    )
}
fn numbers(
    text: String,
) -> Result<(impl Iterator<Item = u32> + use<>, usize), ParseIntError> {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "numbers"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&text);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> Result<(_, usize), ParseIntError> {
            #[allow(clippy::shadow_same)]
            let text = text;
            #[allow(clippy::diverging_sub_expression)]
            let value: Result<(_, usize), ParseIntError> = {
                let numbers: Vec<u32> = text
                    .split(' ')
                    .map(str::parse)
                    .collect::<Result<_, _>>()?;
                let count = numbers.len();
                Ok((numbers.into_iter(), count))
            };
            #[allow(unreachable_code)] value
        },
    )
}
