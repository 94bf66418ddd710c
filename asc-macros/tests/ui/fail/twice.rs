use asc_runtime::asc_handler;

#[asc_handler]
#[inline]
#[asc_runtime::asc_handler]
fn handle(state: &mut u8) {
    *state += 1;
}

fn main() {}
