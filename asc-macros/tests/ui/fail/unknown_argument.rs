use asc_runtime::asc_handler;

#[asc_handler(on_fault = retry(3, elsewhere))]
fn with_a_policy(state: &mut u8) {
    *state += 1;
}

#[asc_handler(name = "add", crate = asc_runtime, quick)]
fn several(state: &mut u8) {
    *state += 1;
}

fn main() {}
