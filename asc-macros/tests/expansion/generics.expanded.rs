use asc_runtime::asc_handler;
pub(crate) fn extend<T, const N: usize>(
    list: &mut Vec<T>,
    items: [T; N],
    accept: impl Fn(&T) -> bool + Clone,
) -> usize
where
    T: Clone + PartialEq,
{
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "extend"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&items);
    ::asc_runtime::__private::require_argument(&accept);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> usize {
            #[allow(clippy::shadow_same)]
            let items = items;
            #[allow(clippy::shadow_same)]
            let accept = accept;
            #[allow(clippy::diverging_sub_expression)]
            let value: usize = {
                list.extend(items.into_iter().filter(accept));
                list.len()
            };
            #[allow(unreachable_code)] value
        },
    )
}
/// # Safety
/// None is needed; the expansion keeps the word.
unsafe fn replace<T: Copy>(place: &mut T, value: T) -> T {
    static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
        ::core::concat!(::core::module_path!(), "::", "replace"),
        ::core::file!(),
        ::core::line!(),
    );
    ::asc_runtime::__private::require_argument(&value);
    ::asc_runtime::__private::run(
        &__ASC_HANDLER,
        move || -> T {
            #[allow(clippy::shadow_same)]
            let value = value;
            #[allow(clippy::diverging_sub_expression)]
            let value: T = { std::mem::replace(place, value) };
            #[allow(unreachable_code)] value
        },
    )
}
