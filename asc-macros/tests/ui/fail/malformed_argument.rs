use asc_runtime::asc_handler;

#[asc_handler(crate)]
fn without_a_value(state: &mut u8) {
    *state += 1;
}

#[asc_handler(crate(asc_runtime))]
fn in_parentheses(state: &mut u8) {
    *state += 1;
}

#[asc_handler(crate = "asc_runtime")]
fn quoted(state: &mut u8) {
    *state += 1;
}

#[asc_handler(crate = 3 + 4)]
fn not_a_path(state: &mut u8) {
    *state += 1;
}

#[asc_handler(crate = )]
fn cut_off(state: &mut u8) {
    *state += 1;
}

#[asc_handler(crate = asc_runtime crate = asc_runtime)]
fn without_a_comma(state: &mut u8) {
    *state += 1;
}

#[asc_handler("asc_runtime")]
fn without_a_name(state: &mut u8) {
    *state += 1;
}

fn main() {}
