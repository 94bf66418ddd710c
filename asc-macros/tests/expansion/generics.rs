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
/// `place` can be written.
#[asc_handler]
unsafe fn write<T: Copy>(place: *mut T, value: T) {
    // SAFETY: by contract.
    unsafe { place.write(value) };
}
