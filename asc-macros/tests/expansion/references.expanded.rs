use std::collections::HashMap;
use asc_runtime::asc_handler;
/// Counts a word.
pub fn count<'a>(words: &'a mut HashMap<String, u64>, word: &str) -> &'a mut u64 {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "count"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> &'a mut u64 {
            let count = words.entry(word.to_owned()).or_default();
            *count += 1;
            count
        },
    )
}
fn clear(words: &mut HashMap<String, u64>) {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "clear"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> () {
            words.clear();
        },
    )
}
