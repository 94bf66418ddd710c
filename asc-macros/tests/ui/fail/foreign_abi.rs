use asc_runtime::asc_handler;

#[asc_handler]
extern "C" fn handle(state: &mut u8) {
    *state += 1;
}

#[asc_handler]
pub unsafe extern "system" fn handle_system(state: *mut u8) {
    // SAFETY: refused, so never called.
    unsafe { *state += 1 };
}

fn main() {}
