//! Functions that change nothing but their own results.
//!
//! Inherent methods alone, told by their name and the type, and none that takes a closure, which would be
//! the program's code. What the name and the type do not tell is which one was meant where a trait of the
//! program gives the same type a method of the same name: method lookup comes to a trait's `len(self)` before
//! it comes to `Vec`'s own `len(&self)`. Such a trait is trusted; the documentation of `#[asc_fn]` says so.

/// Methods of integers, floats, `bool` and `char`: all of theirs, but for those with a place to write to.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32",
    "u64", "u8", "usize", "str",
];

/// The ways in which integers deal with overflow, and what they do so for.
const OVERFLOW_PREFIXES: [&str; 4] = ["checked_", "overflowing_", "saturating_", "wrapping_"];
const OVERFLOW_OPERATIONS: [&str; 13] = [
    "abs",
    "add",
    "add_signed",
    "div",
    "div_euclid",
    "mul",
    "neg",
    "pow",
    "rem",
    "rem_euclid",
    "shl",
    "shr",
    "sub",
];

const PRIMITIVE_METHODS: [&str; 58] = [
    "abs",
    "abs_diff",
    "as_bytes",
    "as_ptr",
    "bytes",
    "ceil",
    "chars",
    "clamp",
    "count_ones",
    "count_zeros",
    "div_ceil",
    "div_euclid",
    "eq_ignore_ascii_case",
    "floor",
    "ilog10",
    "ilog2",
    "is_ascii",
    "is_ascii_digit",
    "is_empty",
    "is_finite",
    "is_multiple_of",
    "is_infinite",
    "is_nan",
    "is_negative",
    "is_positive",
    "is_power_of_two",
    "isqrt",
    "leading_ones",
    "leading_zeros",
    "len",
    "max",
    "min",
    "mul_add",
    "next_multiple_of",
    "next_power_of_two",
    "pow",
    "powi",
    "rem_euclid",
    "reverse_bits",
    "rotate_left",
    "rotate_right",
    "round",
    "signum",
    "sqrt",
    "swap_bytes",
    "to_be",
    "to_be_bytes",
    "to_bits",
    "to_digit",
    "to_le",
    "to_le_bytes",
    "to_ne_bytes",
    "total_cmp",
    "trailing_ones",
    "trailing_zeros",
    "trim",
    "trunc",
    "unsigned_abs",
];

/// Of slices, arrays and `Vec`.
const SLICE_METHODS: [&str; 24] = [
    "as_mut_slice",
    "as_slice",
    "capacity",
    "chunks",
    "chunks_exact",
    "first",
    "first_mut",
    "get",
    "get_mut",
    "is_empty",
    "iter",
    "iter_mut",
    "last",
    "last_mut",
    "len",
    "rchunks",
    "split_at",
    "split_at_mut",
    "split_first",
    "split_first_mut",
    "split_last",
    "split_last_mut",
    "windows",
    "as_ptr",
];

/// Of `Option` and `Result`.
const OPTION_METHODS: [&str; 20] = [
    "and",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "cloned",
    "copied",
    "expect",
    "err",
    "is_err",
    "is_none",
    "is_ok",
    "is_some",
    "iter",
    "ok",
    "ok_or",
    "or",
    "unwrap",
    "unwrap_or",
    "xor",
];

/// Of the iterators over slices and ranges.
const ITERATOR_METHODS: [&str; 9] = [
    "copied",
    "enumerate",
    "rev",
    "skip",
    "step_by",
    "take",
    "zip",
    "as_slice",
    "chain",
];

/// Of the runtime's own types, which record what they are told.
const RUNTIME_METHODS: [(&str, &[&str]); 3] = [
    (
        "asc_runtime::input::Input",
        &["bytes", "len", "is_empty", "address"],
    ),
    (
        "asc_runtime::message::Message",
        &["bytes", "len", "is_empty", "address"],
    ),
    ("asc_runtime::output::Output", &["write"]),
];

const SLICES: [&str; 3] = [
    "[",
    "alloc::vec::Vec<",
    "alloc::collections::vec_deque::VecDeque<",
];
const OPTIONS: [&str; 2] = ["core::option::Option<", "core::result::Result<"];
/// Those without a predicate, which would be the program's code.
const ITERATORS: [&str; 15] = [
    "core::slice::iter::Iter<",
    "core::slice::iter::IterMut<",
    "core::slice::iter::Chunks<",
    "core::slice::iter::ChunksMut<",
    "core::slice::iter::ChunksExact<",
    "core::slice::iter::ChunksExactMut<",
    "core::slice::iter::RChunks<",
    "core::slice::iter::RChunksMut<",
    "core::slice::iter::Windows<",
    "core::ops::range::Range",
    "core::range::Range",
    "core::str::iter::Bytes",
    "core::str::iter::Chars",
    "core::str::iter::CharIndices",
    "core::array::iter::IntoIter<",
];
const ADAPTERS: [&str; 8] = [
    "core::iter::adapters::chain::Chain<",
    "core::iter::adapters::copied::Copied<",
    "core::iter::adapters::enumerate::Enumerate<",
    "core::iter::adapters::rev::Rev<",
    "core::iter::adapters::skip::Skip<",
    "core::iter::adapters::step_by::StepBy<",
    "core::iter::adapters::take::Take<",
    "core::iter::adapters::zip::Zip<",
];

/// Whether a function, by its path, changes nothing.
pub(super) fn function(path: &str) -> bool {
    if let Some((_, path)) = path.split_once("core::num::<impl ") {
        return path.split_once(">::").is_some_and(|(receiver, name)| {
            PRIMITIVES.contains(&receiver) && method(receiver, name)
        });
    }
    let converts = path
        .strip_prefix('<')
        .and_then(|path| path.strip_suffix(">>::from"))
        .and_then(|path| path.split_once(" as core::convert::From<"));
    if let Some((to, from)) = converts {
        return PRIMITIVES.contains(&to) && PRIMITIVES.contains(&from);
    }
    let (name, generics) = path.split_once('<').unwrap_or((path, ""));
    match name {
        "core::mem::size_of" | "core::mem::align_of" => true,
        "core::cmp::max" | "core::cmp::min" => PRIMITIVES.contains(&generics.trim_end_matches('>')),
        _ => false,
    }
}

fn deals_with_overflow(name: &str) -> bool {
    OVERFLOW_PREFIXES
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|operation| OVERFLOW_OPERATIONS.contains(&operation))
}

/// Whether a method of a type changes nothing.
pub(super) fn method(receiver: &str, name: &str) -> bool {
    let starts = |names: &[&str]| names.iter().any(|start| receiver.starts_with(start));
    if PRIMITIVES.contains(&receiver) {
        return PRIMITIVE_METHODS.contains(&name) || deals_with_overflow(name);
    }
    if starts(&SLICES) {
        return SLICE_METHODS.contains(&name);
    }
    if starts(&OPTIONS) {
        return OPTION_METHODS.contains(&name) && !clones(receiver, name);
    }
    if iterator(receiver) {
        return ITERATOR_METHODS.contains(&name);
    }
    RUNTIME_METHODS
        .iter()
        .any(|(known, names)| *known == without_lifetime(receiver) && names.contains(&name))
}

/// Whether walking through values of this type changes nothing.
pub(super) fn iterator(name: &str) -> bool {
    let name = name.trim_start_matches('&').trim_start_matches("mut ");
    if let Some(adapter) = ADAPTERS.iter().find(|adapter| name.starts_with(**adapter)) {
        let mut walked = parameters(&name[adapter.len()..]);
        return walked.all(iterator);
    }
    let plain = SLICES.iter().chain(&ITERATORS).chain(&OPTIONS);
    plain.into_iter().any(|start| name.starts_with(start))
}

/// `cloned` calls the program's `clone`.
fn clones(receiver: &str, name: &str) -> bool {
    let (_, generics) = receiver.split_once('<').unwrap_or_default();
    let cloned = parameters(generics).next().unwrap_or_default();
    name == "cloned" && !PRIMITIVES.contains(&without_reference(cloned))
}

/// The type behind one `&`, which may name its lifetime.
fn without_reference(name: &str) -> &str {
    let name = name.trim_start_matches('&');
    let named = name.starts_with('\'');
    let name = name
        .split_once(' ')
        .filter(|_| named)
        .map_or(name, |(_, name)| name);
    name.trim_start_matches("mut ")
}

/// The types between a `<`, after which the text begins, and the `>` that closes it.
fn parameters(mut generics: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        let end = end_of_parameter(generics)?;
        let (parameter, rest) = generics.split_at(end);
        generics = rest.strip_prefix(',').unwrap_or_default();
        Some(parameter.trim())
    })
    .filter(|parameter| !parameter.starts_with('\''))
}

/// Where the first of several types ends.
fn end_of_parameter(generics: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, character) in generics.char_indices() {
        match character {
            ',' if depth == 0 => return Some(at),
            // The arrow of a function's type closes nothing.
            '>' if before == '-' => {}
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' if depth == 0 => return (at > 0).then_some(at),
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        before = character;
    }
    None
}

fn without_lifetime(name: &str) -> &str {
    name.split_once('<').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use core::any::type_name;

    use super::*;

    #[test]
    fn inherent_methods_of_the_standard_library_are_known() {
        assert!(method("u64", "wrapping_add"));
        assert!(method("[u32; 4]", "len"));
        assert!(method("alloc::vec::Vec<service::Item>", "get_mut"));
        assert!(method("core::option::Option<u8>", "unwrap_or"));
        for cloned in [
            type_name::<Option<&u64>>(),
            "core::option::Option<&'a mut u64>",
        ] {
            assert!(method(cloned, "cloned"), "{cloned}");
        }
        assert!(method(
            "core::result::Result<&u8, service::Error>",
            "cloned"
        ));
        assert!(method("asc_runtime::input::Input<'_>", "bytes"));
        assert!(method("u64", core::hint::black_box("checked_sub")));
        assert!(function(core::any::type_name_of_val(&u64::checked_add)));
        assert!(function(core::any::type_name_of_val(
            &<u64 as From<u32>>::from
        )));
        assert!(function(core::any::type_name_of_val(
            &core::cmp::min::<u64>
        )));
    }

    #[test]
    fn what_changes_something_or_runs_the_programs_code_is_not() {
        assert!(!method("alloc::vec::Vec<u8>", "push"));
        assert!(!method("core::option::Option<u8>", "map"));
        assert!(!method("core::option::Option<service::Item>", "cloned"));
        assert!(!method(
            "core::option::Option<&service::registry::Item>",
            "cloned"
        ));
        assert!(!method(
            "core::result::Result<&service::Item, u8>",
            "cloned"
        ));
        assert!(!method("service::Counter", "wrapping_add"));
        assert!(!method("u64", "vote"));
        assert!(!method("u64", "to_json"));
        assert!(!method("u64", "checked_vote"));
        assert!(!function("service::helper"));
    }

    #[test]
    fn adapters_are_as_harmless_as_what_they_walk_through() {
        assert!(iterator(
            "core::iter::adapters::rev::Rev<core::ops::range::Range<usize>>"
        ));
        assert!(iterator("&mut alloc::vec::Vec<u8>"));
        let (values, pairs) = ([1_u8, 2], [(1_u64, 2_u64)]);
        let zipped = values.iter().zip(pairs.iter().rev()).enumerate();
        assert!(iterator(core::any::type_name_of_val(&zipped)));
        let chained = values.chunks(1).chain(values.windows(2)).skip(1);
        assert!(iterator(core::any::type_name_of_val(&chained)));
        for half in [
            "service::Walk",
            "core::iter::adapters::rev::Rev<service::Walk>",
        ] {
            let iter = type_name::<core::slice::Iter<'_, fn(u64) -> u64>>();
            let range = "core::ops::range::Range<u64>";
            assert!(!iterator(&format!(
                "core::iter::adapters::zip::Zip<{iter}, {half}>"
            )));
            assert!(!iterator(&format!(
                "core::iter::adapters::zip::Zip<{half}, {iter}>"
            )));
            assert!(!iterator(&format!(
                "core::iter::adapters::chain::Chain<{range}, {half}>"
            )));
        }
        assert!(!iterator("core::slice::iter::Split<u8, service::f>"));
        assert!(!iterator("core::iter::adapters::rev::Rev<service::Walk>"));
        assert!(!iterator(
            "core::iter::adapters::map::Map<core::slice::iter::Iter<u8>, service::f>"
        ));
    }
}
