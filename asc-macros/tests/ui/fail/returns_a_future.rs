use std::future::Future;
use std::pin::Pin;

use asc_runtime::asc_handler;

#[asc_handler]
fn handle(state: &mut u8) -> impl Future<Output = u8> {
    async { *state }
}

#[asc_handler]
fn handle_boxed<'a>(state: &'a mut u8) -> Pin<Box<dyn Future<Output = u8> + Send + 'a>> {
    Box::pin(async { *state })
}

#[asc_handler]
fn handle_sometimes(state: &u8) -> Option<impl core::future::Future<Output = u8>> {
    Some(async { *state })
}

fn main() {}
