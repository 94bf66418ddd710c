use asc_runtime::asc_handler;

#[asc_handler(crate = ::hardening::runtime)]
fn handle(state: &mut u8) {
    *state += 1;
}

fn main() {}
