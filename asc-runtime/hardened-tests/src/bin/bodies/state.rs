//! What the bodies change.

use std::collections::{BTreeMap, HashMap, VecDeque};

use asc_runtime::asc_fn;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) enum Kind {
    #[default]
    Empty,
    Count(u32),
    Range {
        start: u16,
        end: u64,
    },
}

impl Kind {
    #[asc_fn]
    pub fn weight(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Count(count) => u64::from(count),
            Self::Range { end, .. } => end,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Inner {
    pub count: u32,
    pub limits: [i64; 5],
    pub kind: Kind,
}

impl Inner {
    pub(crate) const EMPTY: Self = Self {
        count: 0,
        limits: [0; 5],
        kind: Kind::Empty,
    };

    #[asc_fn]
    pub fn advance(&mut self, by: u32) -> u32 {
        self.count = self.count.wrapping_add(by);
        self.limits[self.count as usize % 5] -= 1;
        self.count
    }

    #[asc_fn]
    pub fn limit(&mut self, position: usize) -> &mut i64 {
        &mut self.limits[position % 5]
    }

    pub(crate) const CAP: u32 = 9;

    #[asc_fn]
    pub fn capped(&self, count: u32) -> u32 {
        Self::CAP.min(count)
    }

    #[asc_fn]
    pub fn of(count: u32) -> Self {
        let mut inner = Self::EMPTY;
        inner.count = count;
        inner
    }
}

#[asc_fn]
pub(crate) fn add_twice(place: &mut u64, value: u64) -> u64 {
    *place = place.wrapping_add(value);
    *place = place.wrapping_add(value);
    *place
}

#[asc_fn]
pub(crate) fn largest<T: PartialOrd + Copy>(values: &[T], first: T) -> T {
    let mut largest = first;
    for value in values {
        if *value > largest {
            largest = *value;
        }
    }
    largest
}

#[asc_fn]
pub(crate) fn checked(value: u64) -> Result<u64, u32> {
    if value.is_multiple_of(3) {
        return Err(value as u32);
    }
    Ok(value / 2)
}

#[asc_fn]
pub(crate) fn newest(values: &[u64]) -> &u64 {
    &values[0]
}

/// An `impl` in another module than its type.
mod elsewhere {
    use asc_runtime::asc_fn;

    use super::Inner;

    impl Inner {
        #[asc_fn]
        pub(crate) fn reset(&mut self, count: u32) -> u32 {
            self.count = count;
            self.count
        }

        #[asc_fn]
        pub(crate) fn counting(count: u32) -> Self {
            let mut inner = Self::EMPTY;
            inner.count = count;
            inner
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub total: u64,
    pub small: u8,
    pub flag: bool,
    pub ratio: f64,
    pub letter: char,
    pub pair: (u32, u64),
    pub bytes: [u8; 3],
    pub grid: [[u32; 4]; 3],
    pub wide: u128,
    pub inner: Inner,
    pub option: Option<u32>,
    pub slice: &'static [u64],
    pub boxed: Box<Inner>,
    pub table: Vec<u64>,
    pub text: String,
    pub names: Vec<String>,
    pub map: HashMap<u64, u64>,
    pub tree: BTreeMap<u64, String>,
    pub queue: VecDeque<u32>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            total: 7,
            small: 1,
            flag: false,
            ratio: 1.5,
            letter: 'a',
            pair: (3, 4),
            bytes: [9, 8, 7],
            grid: [[1; 4], [2; 4], [3; 4]],
            wide: 1 << 70,
            inner: Inner::default(),
            option: None,
            slice: &[],
            boxed: Box::default(),
            table: (0..16).collect(),
            text: "text".to_owned(),
            names: vec!["one".to_owned(), "two".to_owned()],
            map: (0..8).map(|key| (key, key * key)).collect(),
            tree: BTreeMap::new(),
            queue: VecDeque::new(),
        }
    }
}
