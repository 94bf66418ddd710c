use asc_runtime::asc_handler;

#[asc_handler]
fn serve(state: &mut u8) -> ! {
    loop {
        *state = state.wrapping_add(1);
    }
}

fn main() {}
