use asc_runtime::asc_handler;

#[asc_handler]
fn main() {}
