use asc_runtime::asc_handler;

#[asc_handler]
const fn double(value: &u8) -> u8 {
    *value * 2
}

fn main() {}
