//! Stock and reservations over HTTP.
//!
//! `reservations [ADDRESS]` listens on ADDRESS (127.0.0.1:3000 unless given) and says so.

mod api;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, api::router(Arc::default())).await
}
