//! The HTTP interface.
//!
//! ```text
//! GET    /items                        all articles
//! GET    /items/{name}                 one
//! POST   /items/{name}                 {"units": 5}: into stock
//! POST   /items/{name}/reservations    {"units": 2}: out of it; 409 if there are not as many
//! DELETE /reservations/{id}            and back
//! ```

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::store::{Refusal, Reservation, Stock, Store};

type Shared = State<Arc<Store>>;

/// All routes.
pub(crate) fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/items", get(list))
        .route("/items/{name}", get(find).post(add))
        .route("/items/{name}/reservations", post(reserve))
        .route("/reservations/{id}", delete(cancel))
        .with_state(store)
}

#[derive(Debug, Deserialize)]
struct Amount {
    units: u64,
}

async fn list(State(store): Shared) -> Json<Vec<Stock>> {
    Json(store.list())
}

async fn find(State(store): Shared, Path(name): Path<String>) -> Result<Json<Stock>, Refusal> {
    store.find(&name).map(Json)
}

async fn add(
    State(store): Shared,
    Path(name): Path<String>,
    Json(amount): Json<Amount>,
) -> Json<Stock> {
    Json(store.add(&name, amount.units))
}

async fn reserve(
    State(store): Shared,
    Path(name): Path<String>,
    Json(amount): Json<Amount>,
) -> Result<(StatusCode, Json<Reservation>), Refusal> {
    let reservation = store.reserve(&name, amount.units)?;
    Ok((StatusCode::CREATED, Json(reservation)))
}

async fn cancel(State(store): Shared, Path(id): Path<u64>) -> Result<Json<Reservation>, Refusal> {
    store.cancel(id).map(Json)
}

#[derive(Debug, Serialize)]
struct Problem {
    error: &'static str,
    free: Option<u64>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, free) = match self {
            Refusal::NoSuchItem => (StatusCode::NOT_FOUND, "no such item", None),
            Refusal::NoSuchReservation => (StatusCode::NOT_FOUND, "no such reservation", None),
            Refusal::OutOfStock { free } => (StatusCode::CONFLICT, "out of stock", Some(free)),
        };
        (status, Json(Problem { error, free })).into_response()
    }
}
