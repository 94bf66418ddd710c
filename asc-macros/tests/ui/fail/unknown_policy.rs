use asc_runtime::asc_handler;

#[asc_handler(on_fault)]
fn without_a_value(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = )]
fn cut_off(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = "abort")]
fn quoted(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = ignore)]
fn unknown(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = 3)]
fn a_number(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry)]
fn without_a_number(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry())]
fn an_empty_number(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry(0))]
fn never(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry(1000))]
fn for_ever(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry(three))]
fn not_a_number(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = retry(3, elsewhere))]
fn two_numbers(state: &mut u8) {
    *state += 1;
}

#[asc_handler(on_fault = drop(3))]
fn drop_with_a_number(state: &mut u8) -> Result<(), asc_runtime::Fault> {
    *state += 1;
    Ok(())
}

#[asc_handler(on_fault = abort, on_fault = drop)]
fn two_policies(state: &mut u8) {
    *state += 1;
}

fn main() {}
