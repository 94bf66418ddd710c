use std::pin::Pin;

use asc_runtime::asc_handler;

#[derive(Clone, Default)]
pub struct Counter {
    total: u64,
}

impl Counter {
    #[asc_handler]
    pub fn add(&mut self, increment: u64) -> u64 {
        self.total += increment;
        self.total
    }

    #[asc_handler]
    fn total(&self) -> u64 {
        self.total
    }

    #[asc_handler]
    fn finish(mut self) -> u64 {
        self.total += 1;
        self.total
    }

    #[asc_handler]
    fn finish_boxed(self: Box<Self>) -> u64 {
        self.total
    }

    #[asc_handler]
    fn add_pinned(self: Pin<&mut Self>) {
        self.get_mut().total += 1;
    }
}

pub trait Service {
    fn serve(&mut self, request: &[u8]) -> usize;

    #[asc_handler]
    fn serve_twice(&mut self, request: &[u8]) -> usize {
        self.serve(request) + self.serve(request)
    }
}

impl Service for Counter {
    #[asc_handler]
    fn serve(&mut self, request: &[u8]) -> usize {
        self.total += 1;
        request.len()
    }
}
