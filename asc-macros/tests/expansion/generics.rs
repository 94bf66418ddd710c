use asc_runtime::asc_handler;

#[asc_handler]
pub(crate) fn extend<T, const N: usize>(
    list: &mut Vec<T>,
    items: [T; N],
    accept: impl Fn(&T) -> bool + Clone,
) -> usize
where
    T: Clone + PartialEq,
{
    list.extend(items.into_iter().filter(accept));
    list.len()
}

/// # Safety
/// None is needed; the expansion keeps the word.
#[asc_handler]
unsafe fn replace<T: Copy>(place: &mut T, value: T) -> T {
    std::mem::replace(place, value)
}
