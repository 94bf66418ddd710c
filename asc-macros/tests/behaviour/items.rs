//! Items: generics, qualifiers, attributes and places.

/// What macros substitute reaches the attribute in invisible groups, and names from two scopes.
macro_rules! make_handler {
    ($handler:meta, $visibility:vis $name:ident, $argument:pat, $type:ty, $output:ty, $body:block) => {
        #[$handler]
        $visibility fn $name($argument: $type, _salt: u8) -> $output $body
    };
}

macro_rules! shapes {
    ($handler:meta) => {
        use std::collections::BTreeMap;
        use std::fmt::Debug;
        use std::ops::AddAssign;

        #[$handler]
        fn accumulate<T: Copy + AddAssign, I: IntoIterator<Item = T> + Clone>(total: &mut T, items: I) -> T {
            for item in items {
                *total += item;
            }
            *total
        }

        pub(crate) fn generics() -> String {
            let (mut whole, mut real) = (1, 0.5);
            format!("{} {:?}", accumulate(&mut whole, [2, 3]), accumulate(&mut real, vec![0.25]))
        }

        #[$handler]
        fn fill<const N: usize, T>(seed: T) -> [T; N]
        where
            T: Copy,
            [T; N]: Debug,
        {
            [seed; N]
        }

        pub(crate) fn const_generics() -> String {
            format!("{:?} {:?}", fill::<3, _>(7), fill::<1, _>('x'))
        }

        #[$handler]
        fn index<'a, K, V>(map: &mut BTreeMap<K, Vec<V>>, key: &'a K, value: V) -> (&'a K, usize)
        where
            K: Ord + Clone,
            V: Clone + PartialEq,
        {
            let values = map.entry(key.clone()).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
            (key, values.len())
        }

        pub(crate) fn where_clauses() -> String {
            let mut map = BTreeMap::new();
            let answers = [index(&mut map, &"k", 1), index(&mut map, &"k", 1), index(&mut map, &"k", 2)];
            format!("{answers:?}")
        }

        #[$handler]
        fn longer<'long: 'short, 'short>(left: &'long str, right: &'short str) -> &'short str {
            if left.len() > right.len() { left } else { right }
        }

        pub(crate) fn lifetimes() -> String {
            longer("left", "right").to_owned() + longer("leftmost", "right")
        }

        #[$handler]
        fn r#match(r#type: u8, r#loop: &str) -> String {
            format!("{} {}", r#type, r#loop)
        }

        pub(crate) fn raw_identifiers() -> String {
            r#match(1, "loop")
        }

        /// # Safety
        /// `pointer` can be read and written.
        #[$handler]
        unsafe fn exchange(pointer: *mut u32, value: u32) -> u32 {
            // SAFETY: the caller vouches for the pointer.
            unsafe { pointer.replace(value) }
        }

        pub(crate) fn unsafe_functions() -> String {
            let mut place = 3;
            // SAFETY: the pointer comes from a reference.
            let old = unsafe { exchange(&raw mut place, 4) };
            format!("{old} {place}")
        }

        #[$handler]
        extern "Rust" fn double(value: &u8) -> u8 {
            value * 2
        }

        pub(crate) fn rust_abi() -> String {
            double(&4).to_string()
        }

        mod inner {
            #[$handler]
            pub(super) fn above(value: &u8) -> u8 {
                below(value) + 1
            }

            #[$handler]
            fn below(value: &u8) -> u8 {
                value + 10
            }

            #[$handler]
            pub(in super::super) fn farther(value: &u8) -> u8 {
                value + 100
            }
        }

        pub(crate) fn visibilities() -> String {
            format!("{} {}", inner::above(&1), inner::farther(&1))
        }

        /// Documented.
        #[$handler]
        #[must_use = "the answer matters"]
        #[inline(never)]
        #[cold]
        #[cfg(all())]
        #[allow(clippy::unnecessary_wraps)]
        #[doc(alias = "attribute")]
        fn attributed(value: u8) -> Option<u8> {
            Some(value)
        }

        #[$handler]
        #[cfg(any())]
        fn attributed(value: TypeThatIsNot) {}

        pub(crate) fn attributes() -> String {
            format!("{:?}", attributed(6))
        }

        pub(crate) fn local_functions() -> String {
            #[$handler]
            fn local(value: &mut u8) -> u8 {
                *value += 1;
                *value
            }
            let mut value = 1;
            local(&mut value);
            local(&mut value).to_string()
        }

        #[$handler]
        fn length(text: &str) -> usize {
            text.len()
        }

        pub(crate) fn function_pointers() -> String {
            let table: [fn(&str) -> usize; 2] = [length, |text| text.len() * 2];
            format!("{:?}", table.map(|function| function("four")))
        }

        make_handler!($handler, made, mut values, Vec<u8>, usize, { values.push(1); values.len() });
        make_handler!($handler, pub(crate) made_of_a_reference, values, &mut Vec<u8>, Option<u8>, { values.pop() });

        make_handler!($handler, made_of_a_pair, (left, _), (u8, u8), u8, { left });

        pub(crate) fn made_by_macros() -> String {
            let mut values = vec![1, 2, 3];
            let popped = made_of_a_reference(&mut values, 1);
            format!("{popped:?} {} {}", made(values, 1), made_of_a_pair((2, 3), 1))
        }

        #[cfg_attr(all(), $handler)]
        fn conditionally_handled(value: &mut u8) -> u8 {
            *value += 1;
            *value
        }

        pub(crate) fn conditional_attribute() -> String {
            conditionally_handled(&mut 5).to_string()
        }
    };
}

compare!(
    shapes:
    generics const_generics where_clauses lifetimes raw_identifiers unsafe_functions rust_abi
    visibilities attributes local_functions function_pointers made_by_macros
    conditional_attribute
);
