use asc_runtime::asc_handler;

#[asc_handler(on_panic = abort)]
async unsafe extern "C" fn handle(state: *mut u8) -> ! {
    loop {}
}

fn main() {}
