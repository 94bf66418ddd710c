//! Bodies with calls and macros that announce nothing: for page mode and `cargo asc`; without them they
//! are refused.

use std::cell::Cell;
use std::ops::Add;

use asc_runtime::asc_fn;

use crate::state::{State, add_twice};

/// Not marked.
fn store_unannounced(state: &mut State, value: u64) {
    state.total = value;
}

/// Not marked either, but called as a marked function is, which it calls.
mod wrapping {
    use crate::state::State;

    pub(super) fn add_twice(state: &mut State, value: u64) -> u64 {
        state.small ^= 1;
        crate::state::add_twice(&mut state.total, value)
    }
}

/// Its name contains that of a primitive type.
mod registry {
    pub(super) struct Item(pub(super) u64);

    impl Clone for Item {
        fn clone(&self) -> Self {
            Self(self.0 + 1)
        }
    }
}

/// Changes the state when it is dropped.
struct Busy<'a>(&'a mut u64);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        *self.0 = self.0.wrapping_add(1);
    }
}

#[asc_fn]
fn busy(place: &mut u64) -> Busy<'_> {
    Busy(place)
}

struct Held<'a> {
    place: &'a mut u64,
    by: &'a u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.place = self.place.wrapping_add(*self.by);
    }
}

struct Tick(u64);

const TICK: Tick = Tick(1);

impl Drop for Tick {
    fn drop(&mut self) {
        CALLS.set(CALLS.get().wrapping_add(self.0));
    }
}

struct Ticks(u64);

impl Add<u64> for Ticks {
    type Output = Tick;

    fn add(self, more: u64) -> Tick {
        Tick(self.0 + more)
    }
}

struct Countdown(u64);

impl Iterator for Countdown {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }
}

macro_rules! bump {
    ($place:expr) => {
        $place += 1
    };
}

trait Vote {
    fn wrapping_vote(&mut self);
}

impl Vote for u64 {
    fn wrapping_vote(&mut self) {
        *self = self.wrapping_add(1);
    }
}

trait Step {
    fn next(&self) -> u64;
}

impl Step for u64 {
    fn next(&self) -> u64 {
        self + 1
    }
}

struct Job {
    step: Option<Box<dyn Step>>,
    measure: fn(&str) -> usize,
}

const IDLE: Job = Job {
    step: None,
    measure: str::len,
};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

impl State {
    fn bump<T: From<u8> + Into<u64>>(&mut self) -> u64 {
        self.total = self.total.wrapping_add(T::from(1).into());
        self.total
    }
}

struct Hooks {
    store: fn(&mut State, u64) -> bool,
    all: [fn(&mut State, u64) -> bool; 1],
}

const HOOKS: Hooks = Hooks {
    store: stores,
    all: [stores],
};

fn stores(state: &mut State, value: u64) -> bool {
    state.total = value;
    true
}

crate::bodies! {
    fn unmarked_function(state, seed) { store_unannounced(state, seed); state.total }
    fn unmarked_namesake(state, seed) { wrapping::add_twice(state, seed) }
    fn unmarked_trait_method(state, _seed) { state.total.wrapping_vote(); state.total }
    fn unknown_macro(state, _seed) { bump!(state.total); state.total }
    fn call_in_assertion(state, seed) { assert!({ store_unannounced(state, seed); true }); 0 }
    fn turbofish_in_assertion(state, _seed) { assert!(state.bump::<u8>() != 7); state.total }
    fn value_called_in_assertion(state, seed) { assert!((HOOKS.store)(state, seed)); state.total }
    fn element_called_in_assertion(state, seed) { assert!(HOOKS.all[0](state, seed)); state.total }
    fn own_iterator(state, seed) { for value in Countdown(seed % 5) { state.table[value as usize] = 1; } 0 }
    fn adapted_iterator(state, seed) { for value in state.table.iter_mut().map(|value| { *value += 1; value }) { *value ^= seed; } 0 }
    fn grows(state, seed) { state.table.push(seed); state.table.len() as u64 }
    fn drops(state, seed) { state.text = String::new(); seed }
    fn formats(state, seed) { state.text = format!("{seed}"); state.text.len() as u64 }
    fn appends(state, seed) { state.text += "more"; state.text.push_str(&seed.to_string()); state.text.len() as u64 }
    fn inserts(state, seed) { state.map.insert(seed, 1); *state.map.entry(3).or_default() += 1; state.map.len() as u64 }
    fn grows_tree(state, seed) { state.tree.insert(seed % 8, seed.to_string()); state.tree.len() as u64 }
    fn queues(state, seed) { state.queue.push_back(seed as u32); u64::from(state.queue.pop_front().unwrap_or(0)) }
    fn sorts(state, seed) { state.table.sort_by_key(|value| value ^ seed); state.table[0] }
    fn takes_names(state, seed) { let names = std::mem::take(&mut state.names); state.names = names; seed }
    fn function_value(state, seed) { let store: fn(&mut State, u64) = store_unannounced; store(state, seed); state.total }
    fn computed_function(state, seed) { [store_unannounced][0](state, seed); state.total }
    fn boxes(state, seed) { let fresh = Box::new(state.inner); state.boxed = fresh; seed }
    fn boxes_as_trait(_state, seed) { let mut job = IDLE; job.step = Some(Box::new(seed % 3)); job.step.map_or(0, |step| step.next()) }
    fn closure_as_function(state, seed) {
        let mut job = IDLE; job.measure = |text| text.len() + 1; (job.measure)(&state.text) as u64 + seed
    }
    fn adds_trimmed(state, _seed) { state.text += String::from(" more ").trim(); state.text.len() as u64 }
    fn calls_thread_local(state, seed) { CALLS.with(|calls| calls.set(seed)); state.total = seed; CALLS.get() }
    fn left_among_arguments(state, seed) {
        store_unannounced(state, loop { break seed.min(match seed.checked_sub(1 << 50) { Some(value) => value, None => break 9 }); }); state.total
    }
    fn zipped_with_own_iterator(state, seed) { for (value, by) in state.table.iter_mut().zip(Countdown(seed % 5)) { *value = by; } 0 }
    fn chained_with_own_iterator(state, seed) { for value in (0..3).chain(Countdown(seed % 5)) { state.table[value as usize] = value; } 0 }
    fn own_clone(state, seed) { state.total = Some(&registry::Item(seed)).cloned().unwrap_or(registry::Item(1)).0; state.total }
    fn drops_local(state, seed) { let _busy = Busy(&mut state.total); seed }
    fn drops_temporary(state, seed) { let _ = Busy(&mut state.total); seed }
    fn drops_in_pattern(state, seed) { if let (Busy(_), 1..) = (Busy(&mut state.total), seed) { state.small = 3; } seed }
    fn drops_literal(state, seed) { let _held = Held { place: &mut state.total, by: &state.pair.1 }; seed }
    fn drops_what_refers_to_temporary(state, seed) { let held = Held { place: &mut state.total, by: &add_twice(&mut { 3 }, seed % 9) }; *held.by }
    fn drops_what_is_given_back(state, seed) { busy(&mut state.total); seed }
    fn drops_wrapped(state, seed) { let _busy = Some(Busy(&mut state.total)); seed }
    fn drops_constant(state, seed) { let _tick = TICK; state.total = seed; seed }
    fn drops_sum(state, seed) { let _tick = Ticks(seed) + 1; state.total = seed; seed }
    fn drops_elements(state, seed) { for busy in [Busy(&mut state.total), Busy(&mut state.pair.1)] { *busy.0 = seed; } seed }
}
