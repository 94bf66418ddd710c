use asc_runtime::asc_handler;

#[asc_handler]
fn print(format: &str, ...) {}

fn main() {}
