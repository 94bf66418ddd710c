use asc_runtime::asc_handler;

#[asc_handler]
pub async fn handle(state: &mut u8) -> u8 {
    *state += 1;
    *state
}

struct Server;

impl Server {
    #[asc_handler]
    async fn handle(&mut self) {}
}

fn main() {}
