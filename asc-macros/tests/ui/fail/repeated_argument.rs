use asc_runtime::asc_handler;

#[asc_handler(crate = asc_runtime, crate = ::asc_runtime)]
fn handle(state: &mut u8) {
    *state += 1;
}

fn main() {}
