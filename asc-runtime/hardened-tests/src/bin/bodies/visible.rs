//! Bodies whose every store is announced: handlers even without page mode and without `cargo asc`.

use crate::state::{Inner, Kind, State, add_twice, checked, largest, newest};

struct View<'a> {
    of: &'a Inner,
    by: u64,
}

const LIMIT: u64 = 40;
const STEPS: [u64; 3] = [1, 2, 3];

crate::bodies! {
    fn assign_field(state, seed) { state.total = seed; state.total }
    fn compound_add(state, seed) { state.total += seed % 100; state.total }
    fn compound_bits(state, seed) {
        state.total ^= seed; state.total |= 1; state.total &= !2; state.total <<= 1; state.total >>= 1;
        state.total -= 1; state.total *= 1; state.total /= 3; state.total %= 1000; state.total
    }
    fn small_widths(state, seed) {
        state.small = seed as u8; state.flag = seed > 5; state.letter = 'z'; state.bytes[1] = 4; state.wide += 1;
        u64::from(state.small)
    }
    fn floats(state, seed) { state.ratio *= 1.25; state.ratio = state.ratio.sqrt(); state.ratio.to_bits() ^ seed }
    fn tuple_field(state, seed) { state.pair.1 = seed; state.pair.0 += 1; state.pair.1 }
    fn whole_tuple(state, seed) { state.pair = (seed as u32, seed); u64::from(state.pair.0) }
    fn whole_array(state, seed) { state.bytes = [seed as u8; 3]; u64::from(state.bytes[2]) }
    fn odd_array(state, seed) { state.bytes = [1, seed as u8, 3]; state.bytes[0] = state.bytes[1]; 0 }
    fn grid_element(state, seed) { state.grid[1][(seed % 4) as usize] = seed as u32; u64::from(state.grid[1][0]) }
    fn computed_index(state, seed) {
        state.total = 0;
        state.table[{ state.total += 1; state.total as usize }] = seed;
        state.table[1]
    }
    fn value_changes_index(state, seed) {
        state.total = 2;
        state.table[state.total as usize % 16] = { state.total = 5; seed };
        state.table[5] + state.table[2]
    }
    fn last_element(state, seed) { let last = state.table.len() - 1; state.table[last] = seed; state.table[last] }
    fn length_in_index(state, seed) { state.grid[state.grid.len() - 1][1] = seed as u32; 0 }
    fn through_reference(state, seed) { let total = &mut state.total; *total = seed; *total += 1; *total }
    fn through_reborrow(state, seed) { let inner = &mut state.inner; inner.count = seed as u32; u64::from(inner.count) }
    fn reference_to_reference(state, seed) {
        let mut inner = &mut state.total; let outer = &mut inner; **outer = seed; **outer
    }
    fn through_box(state, seed) { state.boxed.count = seed as u32; state.boxed.limits[2] = 5; 0 }
    fn whole_boxed(state, seed) { *state.boxed = Inner { count: seed as u32, ..Inner::EMPTY }; 1 }
    fn computed_place(state, seed) { *state.table.last_mut().unwrap() = seed; *state.inner.limit(3) += 2; 0 }
    fn conditional_place(state, seed) {
        *(if seed & 1 == 0 { &mut state.total } else { &mut state.pair.1 }) = seed; state.total
    }
    fn destructuring_tuple(state, seed) { (state.total, state.small) = (seed, 3); state.total }
    fn destructuring_swap(state, _seed) { (state.table[0], state.table[1]) = (state.table[1], state.table[0]); state.table[0] }
    fn destructuring_array(state, seed) { [state.total, _, state.pair.1] = [seed, 0, seed + 1]; state.pair.1 }
    fn destructuring_struct(state, seed) {
        Inner { count: state.pair.0, .. } = Inner { count: seed as u32, ..state.inner }; u64::from(state.pair.0)
    }
    fn destructuring_locals(state, seed) { let (mut a, mut b) = (1, seed); (a, b) = (b, a); state.total = a; b }
    fn memory_swap(state, seed) { std::mem::swap(&mut state.total, &mut state.pair.1); state.total ^ seed }
    fn memory_replace(state, seed) { std::mem::replace(&mut state.total, seed) }
    fn memory_take(state, seed) { core::mem::take(&mut state.pair).1 + seed }
    fn whole_struct(state, seed) { state.inner = Inner { count: 3, limits: [seed as i64; 5], kind: Kind::Empty }; 0 }
    fn enumeration(state, seed) {
        state.inner.kind = match seed % 3 {
            0 => Kind::Empty,
            1 => Kind::Count(seed as u32),
            _ => Kind::Range { start: 1, end: seed },
        };
        0
    }
    fn enumeration_in_place(state, seed) {
        state.inner.kind = Kind::Range { start: 2, end: 9 };
        if let Kind::Range { end, .. } = &mut state.inner.kind { *end += seed % 10; }
        if let Kind::Range { ref mut start, .. } = state.inner.kind { *start = 8; }
        0
    }
    fn option(state, seed) {
        state.option = Some(seed as u32);
        if let Some(value) = &mut state.option { *value = value.wrapping_add(1); }
        if let Some(value) = state.option.as_mut() { *value = value.wrapping_mul(3); }
        if seed.is_multiple_of(2) { state.option = None; }
        u64::from(state.option.unwrap_or(0))
    }
    fn let_else(state, seed) {
        state.total += 1;
        let Some(left) = state.total.checked_sub(seed) else { state.flag = true; return 0; };
        state.total = left;
        left
    }
    fn question_mark(state, seed) {
        let step = |value: u64| -> Result<u64, u32> { let half = checked(value)?; Ok(half + 1) };
        match step(seed) { Ok(value) => { state.total = value; value } Err(code) => { state.pair.0 = code; 1 } }
    }
    fn early_return(state, seed) { state.total = 1; if seed > 4 { state.flag = true; return 2; } state.total = 3; 4 }
    fn return_in_value(state, seed) {
        state.total = if seed > 3 { state.small = 9; return 1 } else { seed }; state.total
    }
    fn for_range(state, seed) { for index in 0..8 { state.table[index] += seed % 7; } state.table[3] }
    fn for_reversed(state, seed) { for index in (0..8).rev().step_by(3) { state.table[index] = seed; } 0 }
    fn for_elements(state, seed) { for value in state.table.iter_mut() { *value ^= seed; } 0 }
    fn for_borrowed(state, seed) { for value in &mut state.table { *value = value.wrapping_add(seed); } 0 }
    fn for_pairs(state, seed) {
        let mut sum = 0;
        for (position, value) in state.table.iter().copied().enumerate() { sum = position as u64 + (sum ^ value); }
        state.total = sum; sum ^ seed
    }
    fn while_loop(state, seed) {
        let mut left = seed % 9;
        while left > 0 { state.total = state.total.wrapping_mul(3); left -= 1; }
        state.total
    }
    fn while_let(state, seed) {
        let mut rest = Some(seed % 5);
        while let Some(value) = rest { state.table[value as usize] = value; rest = value.checked_sub(1); }
        0
    }
    fn labelled(state, seed) {
        'rows: for row in 0..3 {
            for column in 0..4 {
                if state.grid[row][column] == 2 { continue 'rows; }
                if seed + row as u64 > 6 { break 'rows; }
                state.grid[row][column] += 1;
            }
        }
        0
    }
    fn loop_value(state, seed) {
        let found = loop { state.total += 1; if state.total % 5 == seed % 5 { break state.total; } };
        state.pair.1 = found; found
    }
    fn labelled_block(state, seed) {
        let value = 'found: { if seed > 3 { break 'found 1; } state.small = 2; 3 }; state.total = value; value
    }
    fn nested_blocks(state, seed) { let value = { let total = &mut state.total; { *total += 1; } *total ^ seed }; value }
    fn shadowing(state, seed) { let seed = seed + 1; let seed = &mut { seed }; *seed += 1; state.total = *seed; *seed }
    fn closure_reads(state, seed) { let twice = |value: u64| value.wrapping_mul(2); state.total = twice(seed); twice(1) }
    fn closure_writes(state, seed) {
        let mut store = |value: u64| { state.total = value; state.small += 1; };
        store(seed); store(seed + 1);
        state.total
    }
    fn helper(state, seed) { add_twice(&mut state.total, seed % 50) }
    fn helper_in_arguments(state, seed) { add_twice(&mut state.pair.1, largest(&state.table, seed)) }
    fn helper_generic(state, seed) { u64::from(largest(&state.bytes, seed as u8)) + largest::<u64>(&state.table, 3) }
    fn helper_method(state, seed) { u64::from(state.inner.advance(seed as u32)) + u64::from(state.boxed.advance(2)) }
    fn helper_by_path(state, seed) { u64::from(Inner::advance(&mut state.inner, seed as u32)) }
    fn helper_associated(state, seed) { state.inner = Inner::of(seed as u32); 0 }
    fn helper_reference(state, seed) { *state.inner.limit(seed as usize) = 4; let limit = state.boxed.limit(1); *limit -= 1; 0 }
    fn helper_early(state, seed) {
        let value = loop { break add_twice(&mut state.total, match checked(seed) { Ok(value) => value, Err(_) => break 9 }) };
        add_twice(&mut state.pair.1, value)
    }
    fn patterns(state, seed) {
        match (seed % 4, &mut state.grid) {
            (0, [first, ..]) => first[0] = 1,
            (1..=2, [.., last]) if state.flag => last[3] = 2,
            (number @ 1..=2, grid) => grid[number as usize][0] = 5,
            (_, [_, [start, .., end], _]) => { *end = 7; *start = 8; }
        }
        0
    }
    fn matches_and_asserts(state, seed) {
        assert!(state.bytes[0] < 255 && seed < u64::MAX, "bytes {}", seed);
        state.flag = matches!(state.inner.kind, Kind::Count(1..) | Kind::Empty);
        u64::from(state.flag)
    }
    fn raw_pointer(state, seed) {
        let place = &raw mut state.total;
        // SAFETY: a live word.
        unsafe { *place = seed };
        // SAFETY: likewise.
        unsafe { *place }
    }
    fn casts_and_constants(state, seed) { const STEP: u64 = 3; static BASE: u64 = 4; state.total = STEP * BASE + seed; state.total }
    fn nested_function(state, seed) { fn double(value: u64) -> u64 { value * 2 } let _unused = double; state.total = seed; seed }
    fn unsigned_and_signed(state, seed) {
        state.inner.limits[0] = -(seed as i64); state.inner.limits[1] = state.inner.limits[0].abs().min(5).pow(2); 0
    }
    fn several_arrays(state, seed) { let mut local = [0u64; 4]; local[1] = seed; local[2] += local[1]; state.table[0] = local[2]; local[2] }
    fn method_of_constant(state, seed) { state.total = LIMIT.min(seed); u64::MAX.checked_sub(seed).unwrap_or(1) }
    fn method_of_associated_constant(state, seed) { u64::from(state.inner.capped(seed as u32)) + u64::from(Inner::CAP.pow(2)) }
    fn method_of_variant(state, seed) { state.total = Kind::Empty.weight(); Kind::Count(3).weight() + seed }
    fn method_of_part_of_constant(state, seed) { state.total = STEPS[1].max(seed % 3); u64::from(Inner::EMPTY.count.pow(2)) + STEPS.len() as u64 }
    fn method_of_compared_constant(state, seed) { state.total = match seed { LIMIT => 3, _ => LIMIT.max(seed) }; 0 }
    fn unsized_value(state, seed) { state.slice = if seed > 5 { &[1, 2] } else { &[3] }; state.slice.len() as u64 }
    fn temporary_in_value(state, seed) { state.total += newest(&[seed % 9, 3]); state.total }
    fn temporary_in_computed_place(state, seed) { *state.table.first_mut().unwrap() += newest(&[seed % 9, 3]); 0 }
    fn conditional_addition(state, seed) { state.inner.count += if seed > 5 { 1 } else { 2 }; *state.inner.limit(1) -= if seed > 5 { 1 } else { 2 }; 0 }
    fn negation_and_comparison_in_assertion(state, seed) { assert!(!(state.wide == 0 && seed == 0) && u64::MAX > (seed), "small"); state.total = seed; 0 }
    fn left_among_arguments_of_closure(state, seed) {
        let halved = |value: Option<u64>| Some(add_twice(&mut { 1 }, value?));
        add_twice(&mut state.total, halved(seed.checked_sub(5)).unwrap_or(2))
    }
    fn left_among_arguments_within_arguments(state, seed) {
        add_twice(&mut state.total, loop { break add_twice(&mut { 3 }, match seed.checked_sub(5) { Some(value) => value, None => break 9 }); })
    }
    fn left_among_arguments_again_and_again(state, seed) {
        for value in 0..40 { add_twice(&mut state.total, match seed.checked_sub(value) { Some(value) => value % 7, None => continue }); }
        state.total
    }
    fn helper_of_impl_elsewhere(state, seed) {
        state.inner = Inner::counting(3); u64::from(Inner::reset(&mut state.inner, seed as u32)) + u64::from(state.boxed.reset(3))
    }
    fn for_zipped(state, seed) {
        for (value, by) in state.table.iter_mut().zip(state.grid[0].iter().rev().chain(&state.grid[1])) { *value += u64::from(*by) + seed % 3; } 0
    }
    fn cloned_number(state, seed) { state.total = state.table.get(seed as usize % 20).cloned().unwrap_or(3); state.total }
    fn refers_to_temporary(state, seed) {
        let view = View { of: &Inner::of(seed as u32), by: seed };
        let (pair, other) = ((View { of: &Inner::of(3), by: 1 }, 2), &View { of: &state.inner, by: 3 });
        u64::from(view.of.count) ^ view.by ^ u64::from(pair.0.of.count) ^ pair.0.by ^ pair.1 ^ other.by ^ u64::from(other.of.count)
    }
    fn refers_to_constant(state, seed) {
        let fixed: &'static Inner = &Inner { count: 3, limits: [-1; 5], kind: Kind::Count(2) };
        state.inner = Inner { count: seed as u32, ..*fixed }; fixed.kind.weight()
    }
    fn local_of_operator(state, seed) { let (more, not) = (seed % 9 + 1, !seed); let sum = more * 2; let kind = Kind::Empty; state.inner.kind = kind; sum ^ not }
}
