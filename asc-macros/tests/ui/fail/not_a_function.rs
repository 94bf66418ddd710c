use asc_runtime::asc_handler;

#[asc_handler]
pub struct Server;

#[asc_handler]
impl Server {
    fn handle(&mut self) {}
}

// SAFETY: refused, so it promises nothing.
#[asc_handler]
unsafe impl Send for Server {}

#[asc_handler]
trait Service {
    #[asc_handler]
    const NAME: &'static str;

    #[asc_handler]
    type Request;
}

#[asc_handler]
enum Event {}

#[asc_handler]
union Word {
    byte: u8,
}

#[asc_handler]
mod handlers {}

#[asc_handler]
const LIMIT: u8 = 1;

#[asc_handler]
static NAME: &str = "";

#[asc_handler]
type State = u8;

#[asc_handler]
pub use std::vec::Vec as List;

#[asc_handler]
unsafe extern "C" {
    #[asc_handler]
    fn handle();
}

#[asc_handler]
extern crate core as foundation;

fn main() {}
