//! Bodies: control flow, and what a body may contain.

macro_rules! shapes {
    ($handler:meta) => {
        use std::cell::RefCell;
        use std::collections::HashMap;
        use std::num::ParseIntError;
        use std::panic::{AssertUnwindSafe, catch_unwind};
        use std::sync::atomic::{AtomicU32, Ordering};

        #[$handler]
        fn classify(value: i32, seen: &mut Vec<i32>) -> &'static str {
            if value < 0 {
                return "negative";
            }
            seen.push(value);
            match value {
                0 => return "zero",
                1..10 => "small",
                _ => "large",
            }
        }

        pub(crate) fn early_returns() -> String {
            let mut seen = Vec::new();
            let answers = [-1, 0, 5, 50].map(|value| classify(value, &mut seen));
            format!("{answers:?} {seen:?}")
        }

        #[$handler]
        fn parse_all(text: &str, sum: &mut u32) -> Result<Vec<u32>, ParseIntError> {
            let mut numbers = Vec::new();
            for word in text.split(' ') {
                let number = word.parse()?;
                *sum += number;
                numbers.push(number);
            }
            Ok(numbers)
        }

        #[$handler]
        fn first_word(text: &str) -> Option<&str> {
            let word = text.split(' ').next()?;
            (!word.is_empty()).then_some(word)
        }

        pub(crate) fn question_marks() -> String {
            let mut sum = 0;
            let answers =
                ["1 2", "3 x 4", ""].map(|text| (parse_all(text, &mut sum), first_word(text)));
            format!("{answers:?} {sum}")
        }

        #[$handler]
        fn search(rows: &[Vec<u8>], wanted: u8) -> Option<(usize, usize)> {
            let found = 'rows: loop {
                for (row, cells) in rows.iter().enumerate() {
                    for (column, cell) in cells.iter().enumerate() {
                        if *cell == wanted {
                            break 'rows Some((row, column));
                        }
                        if *cell == 0 {
                            continue;
                        }
                    }
                }
                break None;
            };
            found
        }

        pub(crate) fn labelled_loops() -> String {
            let rows = [vec![0, 1], vec![2, 3]];
            format!("{:?} {:?}", search(&rows, 3), search(&rows, 4))
        }

        #[$handler]
        fn split(text: String) -> (String, String) {
            let Some((left, right)) = text.split_once('=') else {
                return (text, String::new());
            };
            (left.to_owned(), right.to_owned())
        }

        pub(crate) fn let_else() -> String {
            format!("{:?} {:?}", split("a=b".to_owned()), split("ab".to_owned()))
        }

        #[$handler]
        fn nested(value: u8) -> String {
            const LIMIT: u8 = 3;
            struct Limited(u8);
            impl Limited {
                fn new(value: u8) -> Self {
                    Self(value.min(LIMIT))
                }
            }
            macro_rules! three {
                () => {
                    3
                };
            }
            format!("{} {}", Limited::new(value).0, three!())
        }

        pub(crate) fn nested_items() -> String {
            nested(2) + &nested(20)
        }

        #[$handler]
        fn relaxed(value: u8) -> u8 {
            #![allow(unused_variables, clippy::let_and_return)]
            let unused = 1;
            value
        }

        pub(crate) fn inner_attributes() -> String {
            relaxed(4).to_string()
        }

        #[$handler]
        fn fold(values: &[u32], start: u32, table: &mut HashMap<u32, u32>) -> u32 {
            let mut sum = start;
            values.iter().for_each(|value| {
                sum += value;
                *table.entry(*value).or_default() += 1;
            });
            let scaled = move |by: u32| sum * by;
            scaled(2)
        }

        pub(crate) fn closures() -> String {
            let mut table = HashMap::new();
            let sum = fold(&[1, 2, 2], 10, &mut table);
            format!("{sum} {:?} {:?}", table[&1], table[&2])
        }

        #[$handler]
        fn peek(cell: RefCell<Vec<u8>>, index: usize) -> u8 {
            cell.borrow_mut().push(9);
            *cell.borrow().get(index).unwrap_or(&0)
        }

        pub(crate) fn temporaries() -> String {
            format!(
                "{} {}",
                peek(RefCell::new(vec![1]), 1),
                peek(RefCell::new(vec![]), 7)
            )
        }

        #[$handler]
        fn take(state: &mut Vec<u8>, index: usize) -> u8 {
            state.push(1);
            state[index]
        }

        pub(crate) fn panics() -> String {
            let mut state = vec![7];
            let good = take(&mut state, 0);
            let bad = catch_unwind(AssertUnwindSafe(|| take(&mut state, 9))).unwrap_err();
            format!("{good} {:?} {state:?}", bad.downcast_ref::<String>())
        }

        #[$handler]
        fn fibonacci(n: u32, calls: &mut u32) -> u32 {
            *calls += 1;
            if n < 2 {
                n
            } else {
                fibonacci(n - 1, calls) + fibonacci(n - 2, calls)
            }
        }

        pub(crate) fn recursion() -> String {
            let mut calls = 0;
            format!("{} {calls}", fibonacci(8, &mut calls))
        }

        static COUNT: AtomicU32 = AtomicU32::new(0);
        thread_local! {
            static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        }

        #[$handler]
        fn remember(name: &str) -> u32 {
            NAMES.with_borrow_mut(|names| names.push(name.to_owned()));
            COUNT.fetch_add(1, Ordering::Relaxed)
        }

        pub(crate) fn statics() -> String {
            let answers = ["a", "b"].map(remember);
            format!("{answers:?} {:?}", NAMES.with_borrow(Clone::clone))
        }

        #[$handler]
        fn nothing() {}

        #[$handler]
        fn nothing_but_a_value(_value: Vec<u8>) -> () {}

        #[$handler]
        fn set_unless_three(state: &mut u8, value: u8) {
            if value == 3 {
                return;
            }
            *state = value
        }

        pub(crate) fn unit_bodies() -> String {
            let mut state = 0;
            nothing();
            nothing_but_a_value(vec![1]);
            let states = [1, 2, 3].map(|value| {
                set_unless_three(&mut state, value);
                state
            });
            format!("{states:?}")
        }

        #[$handler]
        #[allow(clippy::needless_return)]
        fn always_returns(value: u8) -> u8 {
            return value + 1;
        }

        #[$handler]
        fn always_panics(value: u8) -> u8 {
            panic!("refused {value}")
        }

        pub(crate) fn diverging_bodies() -> String {
            let refusal = catch_unwind(|| always_panics(3)).unwrap_err();
            format!(
                "{} {:?}",
                always_returns(1),
                refusal.downcast_ref::<String>()
            )
        }
    };
}

compare!(
    shapes:
    early_returns question_marks labelled_loops let_else nested_items inner_attributes closures
    temporaries panics recursion statics unit_bodies diverging_bodies
);
