use asc_runtime::asc_handler;

trait Service {
    #[asc_handler]
    fn handle(&mut self, request: &[u8]) -> usize;
}

fn main() {}
