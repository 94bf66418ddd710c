//! Results: what a handler returns, and what that borrows from.

macro_rules! shapes {
    ($handler:meta) => {
        use std::borrow::Cow;
        use std::collections::{BTreeMap, HashMap};
        use std::error::Error;
        use std::fmt::Display;
        use std::num::ParseIntError;

        #[derive(Default)]
        struct Table {
            rows: HashMap<String, Vec<u8>>,
        }

        impl Table {
            #[$handler]
            fn slot(&mut self, key: &str) -> &mut Vec<u8> {
                if self.rows.contains_key(key) {
                    return self.rows.get_mut(key).unwrap();
                }
                self.rows.entry(key.to_owned()).or_default()
            }

            #[$handler]
            fn look(&self, key: &str) -> Option<&Vec<u8>> {
                self.rows.get(key)
            }

            #[$handler]
            fn look_by_value<'a>(&'a mut self, key: String) -> Result<&'a mut [u8], String> {
                match self.rows.get_mut(&key) {
                    Some(row) => Ok(row),
                    None => Err(key),
                }
            }
        }

        pub(crate) fn borrowed_from_arguments() -> String {
            let mut table = Table::default();
            table.slot("a").push(1);
            table.slot("a").push(2);
            format!("{:?}", table.rows)
        }

        pub(crate) fn borrowed_options() -> String {
            let mut table = Table::default();
            table.slot("a").push(1);
            table.look_by_value("a".to_owned()).unwrap()[0] = 7;
            let missing = table.look_by_value("b".to_owned()).map(|row| row.len());
            format!("{:?} {:?} {missing:?}", table.look("a"), table.look("b"))
        }

        #[$handler]
        fn starting<'a>(
            words: &'a [String],
            prefix: &'a str,
        ) -> impl Iterator<Item = &'a String> + 'a {
            words.iter().filter(move |word| word.starts_with(prefix))
        }

        #[$handler]
        fn sorted(mut words: Vec<String>) -> impl DoubleEndedIterator<Item = impl Display> + use<> {
            words.sort();
            words.into_iter()
        }

        #[$handler]
        fn adder(by: u32) -> impl Fn(u32) -> u32 {
            move |value: u32| value + by
        }

        pub(crate) fn opaque_iterators() -> String {
            let words = ["b", "ab", "a"].map(str::to_owned);
            let found: Vec<_> = starting(&words, "a").collect();
            let sorted: Vec<_> = sorted(words.to_vec())
                .rev()
                .map(|word| word.to_string())
                .collect();
            format!("{found:?} {sorted:?} {}", adder(2)(3))
        }

        #[$handler]
        fn numbers(text: &str) -> Result<impl Iterator<Item = u32> + Clone + use<>, ParseIntError> {
            let numbers: Vec<u32> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
            if numbers.len() == 1 {
                return Ok(vec![0].into_iter());
            }
            Ok(numbers.into_iter())
        }

        #[$handler]
        fn pair(left: u8) -> (impl Into<u32>, Vec<impl Display>) {
            (left, vec!["one"])
        }

        trait Listing {
            fn items(&self, from: usize) -> impl Iterator<Item = &u8>;
        }

        impl Listing for Vec<u8> {
            #[$handler]
            fn items(&self, from: usize) -> impl Iterator<Item = &u8> {
                self.iter().skip(from)
            }
        }

        pub(crate) fn opaque_in_traits() -> String {
            format!("{:?}", vec![1, 2, 3].items(1).collect::<Vec<_>>())
        }

        pub(crate) fn opaque_inside() -> String {
            let sums =
                ["1 2", "5", "x"].map(|text| numbers(text).map(|numbers| numbers.sum::<u32>()));
            let (left, right) = pair(1);
            format!("{sums:?} {} {}", left.into(), right[0])
        }

        #[$handler]
        fn matcher(prefix: String) -> Box<dyn Fn(&str) -> Option<&str>> {
            Box::new(move |text| text.strip_prefix(prefix.as_str()))
        }

        pub(crate) fn boxed_closures() -> String {
            let matcher = matcher("a".to_owned());
            format!("{:?} {:?}", matcher("ab"), matcher("b"))
        }

        #[$handler]
        fn insert(map: &mut BTreeMap<u8, u8>, key: u8) {
            map.insert(key, key + 1);
        }

        pub(crate) fn units() -> String {
            let mut map = BTreeMap::new();
            let () = insert(&mut map, 1);
            format!("{map:?}")
        }

        #[$handler]
        fn parse(text: &str) -> Result<u8, Box<dyn Error>> {
            if text.is_empty() {
                return Err("empty".into());
            }
            Ok(text.parse()?)
        }

        #[$handler]
        fn shown(value: u8) -> Box<dyn Display> {
            if value == 0 {
                return Box::new("nothing");
            }
            Box::new(value)
        }

        pub(crate) fn boxed_trait_objects() -> String {
            let parsed = ["", "7", "x"].map(|text| parse(text).map_err(|error| error.to_string()));
            format!("{parsed:?} {} {}", shown(0), shown(1))
        }

        #[$handler]
        fn trimmed(text: &str) -> Cow<'_, str> {
            if text.contains('\t') {
                Cow::Owned(text.replace('\t', " "))
            } else {
                text.trim().into()
            }
        }

        pub(crate) fn borrowed_text() -> String {
            format!("{:?} {:?}", trimmed(" a "), trimmed("a\tb"))
        }

        #[$handler]
        fn table(seed: u8) -> [[u8; 64]; 64] {
            std::array::from_fn(|row| [seed.wrapping_mul(row as u8); 64])
        }

        pub(crate) fn large_results() -> String {
            format!("{:?}", table(3))
        }
    };
}

compare!(
    shapes:
    borrowed_from_arguments borrowed_options opaque_iterators opaque_inside opaque_in_traits boxed_closures units
    boxed_trait_objects borrowed_text large_results
);
