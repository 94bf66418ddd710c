//! Arguments: how they are passed, and the patterns they are bound to.

macro_rules! shapes {
    ($handler:meta) => {
        use std::cell::Cell;
        use std::fmt::Display;
        use std::pin::Pin;

        #[$handler]
        fn add(total: &mut u64, increment: &u64) -> u64 {
            *total += increment;
            *total
        }

        pub(crate) fn references() -> String {
            let mut total = 1;
            let answers = [add(&mut total, &2), add(&mut total, &3)];
            format!("{answers:?} {total}")
        }

        #[$handler]
        fn append(log: &mut Vec<String>, line: String, count: usize) -> usize {
            log.extend(std::iter::repeat_n(line, count));
            log.len()
        }

        pub(crate) fn values() -> String {
            let mut log = vec!["first".to_owned()];
            format!("{} {log:?}", append(&mut log, "next".to_owned(), 2))
        }

        #[$handler]
        fn count_down(mut from: u32, mut text: &[u8], mut steps: Vec<u32>) -> (Vec<u32>, usize) {
            while let ([_, rest @ ..], 1..) = (text, from) {
                text = rest;
                from -= 1;
                steps.push(from);
            }
            (steps, text.len())
        }

        pub(crate) fn mutable_bindings() -> String {
            format!(
                "{:?} {:?}",
                count_down(3, b"abcde", vec![9]),
                count_down(9, b"ab", vec![])
            )
        }

        #[$handler]
        fn pick((left, (_, right)): (String, (u8, u64)), [first, .., last]: [u8; 4]) -> String {
            format!("{left} {right} {first} {last}")
        }

        pub(crate) fn tuples() -> String {
            pick(("left".to_owned(), (1, 2)), [3, 4, 5, 6])
        }

        #[derive(Clone)]
        struct Request {
            key: String,
            value: Vec<u8>,
            id: u32,
        }

        #[$handler]
        fn describe(
            Request {
                key,
                value: mut bytes,
                ..
            }: Request,
            id @ 0..: u32,
        ) -> String {
            bytes.push(b'!');
            format!("{key} {bytes:?} {id}")
        }

        pub(crate) fn structs() -> String {
            let request = Request {
                key: "k".to_owned(),
                value: vec![1],
                id: 7,
            };
            let id = request.id;
            describe(request, id)
        }

        #[$handler]
        fn sum(
            &first: &u32,
            &mut (ref mut second, third): &mut (u32, u32),
            [a, b]: &[u32; 2],
        ) -> u32 {
            *second += first;
            *second + third + a + b
        }

        pub(crate) fn slices_and_references() -> String {
            let mut pair = (10, 20);
            format!("{} {pair:?}", sum(&1, &mut pair, &[100, 200]))
        }

        #[$handler]
        fn parts(ref whole: String, pair @ (left, _): (u8, u8)) -> String {
            format!("{whole} {pair:?} {left}")
        }

        pub(crate) fn bindings_of_parts() -> String {
            parts("whole".to_owned(), (1, 2))
        }

        /// Counts how often it is dropped, through a place that outlives it.
        #[derive(Clone)]
        struct Traced<'a>(&'a Cell<u32>, u32);

        impl Drop for Traced<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() * 10 + self.1);
            }
        }

        #[$handler]
        fn ignore(_: Traced<'_>, _second: Traced<'_>, (_, last): (Traced<'_>, u32), _: &u8) -> u32 {
            last
        }

        pub(crate) fn wildcards() -> String {
            let drops = Cell::new(0);
            let last = ignore(
                Traced(&drops, 1),
                Traced(&drops, 2),
                (Traced(&drops, 3), 4),
                &0,
            );
            format!("{last} {}", drops.get())
        }

        #[$handler]
        fn apply(
            names: impl Iterator<Item = impl Display> + Clone,
            each: &mut impl FnMut(&str),
            last: impl FnOnce(usize) -> usize + Clone,
        ) -> usize {
            let count = names.clone().count();
            for name in names {
                each(&name.to_string());
            }
            last(count)
        }

        pub(crate) fn opaque() -> String {
            let mut seen = String::new();
            let count = apply(
                [1, 20, 300].into_iter(),
                &mut |name| seen.push_str(name),
                |count| count * 2,
            );
            format!("{seen} {count}")
        }

        #[$handler]
        fn show(item: &dyn Display, sink: &mut dyn FnMut(String)) {
            sink(item.to_string());
        }

        pub(crate) fn trait_objects() -> String {
            let mut shown = String::new();
            show(&42, &mut |text| shown = text);
            shown
        }

        #[$handler]
        fn through(
            out: Option<&mut u32>,
            pinned: Pin<&mut u32>,
            other: std::option::Option<&u32>,
        ) -> u32 {
            let pinned = Pin::into_inner(pinned);
            *pinned += other.copied().unwrap_or(1);
            if let Some(out) = out {
                *out = *pinned;
            }
            *pinned
        }

        pub(crate) fn wrapped_references() -> String {
            let (mut out, mut pinned) = (0, 5);
            let first = through(Some(&mut out), Pin::new(&mut pinned), None);
            let second = through(None, Pin::new(&mut pinned), Some(&10));
            format!("{first} {second} {out} {pinned}")
        }

        #[$handler]
        fn conditionally(
            #[cfg(all())] present: String,
            #[cfg(any())] absent: TypeThatIsNot,
            #[cfg(any())] (also, absent): TypeThatIsNot,
            #[allow(unused_variables)] unused: u8,
            #[expect(unused_variables)] (expected, _): (u8, u8),
        ) -> String {
            present
        }

        pub(crate) fn conditional() -> String {
            conditionally("present".to_owned(), 1, (2, 3))
        }

        #[$handler]
        fn rotate(mut block: [u64; 512], by: usize) -> [u64; 512] {
            block.rotate_left(by);
            block
        }

        pub(crate) fn large_values() -> String {
            let block = std::array::from_fn(|index| index as u64);
            format!("{:?}", rotate(block, 5))
        }

        /// The expansion has variables called `value` and `argument_3` too.
        #[$handler]
        fn shadow(value: Vec<u8>, argument_3: u8, (argument_1, _): (u8, u8)) -> Vec<u8> {
            let value = [value, vec![argument_1, argument_3]].concat();
            let argument_3 = value.len() as u8;
            [value, vec![argument_3]].concat()
        }

        pub(crate) fn shadowing() -> String {
            format!("{:?}", shadow(vec![1], 2, (3, 4)))
        }

        #[$handler]
        fn format_all(name: &str, value: String, (left, right): (u8, u8)) -> String {
            format!("{name} {value:>5} {left:02x} {right}")
        }

        pub(crate) fn captured_by_formatting() -> String {
            format_all("name", "v".to_owned(), (10, 20))
        }
    };
}

compare!(
    shapes:
    references values mutable_bindings tuples structs slices_and_references bindings_of_parts
    wildcards opaque trait_objects wrapped_references conditional large_values shadowing
    captured_by_formatting
);
