use asc_runtime::asc_handler;

#[asc_handler(on_panic = retry(3, elsewhere))]
fn with_another_name(state: &mut u8) {
    *state += 1;
}

#[asc_handler(name = "add", crate = asc_runtime, quick)]
fn several(state: &mut u8) {
    *state += 1;
}

fn main() {}
