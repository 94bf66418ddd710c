//! The service as its clients see it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api;

/// A service with five apples.
async fn shop() -> Router {
    let router = api::router(Arc::default());
    let (status, apples) = ask(&router, Method::POST, "/items/apple", json!({"units": 5})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(apples, json!({"name": "apple", "free": 5, "reserved": 0}));
    router
}

async fn ask(router: &Router, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body");
    let value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    (status, value)
}

#[tokio::test]
async fn reservations_come_out_of_stock_and_go_back() {
    let shop = shop().await;
    let path = "/items/apple/reservations";
    let (status, reservation) = ask(&shop, Method::POST, path, json!({"units": 3})).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(reservation, json!({"id": 1, "name": "apple", "units": 3}));
    let (_, apples) = ask(&shop, Method::GET, "/items/apple", Value::Null).await;
    assert_eq!(apples, json!({"name": "apple", "free": 2, "reserved": 3}));

    let (status, _) = ask(&shop, Method::DELETE, "/reservations/1", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let (_, items) = ask(&shop, Method::GET, "/items", Value::Null).await;
    assert_eq!(items, json!([{"name": "apple", "free": 5, "reserved": 0}]));
}

#[tokio::test]
async fn nobody_gets_more_than_there_is() {
    let shop = shop().await;
    let path = "/items/apple/reservations";
    let (status, problem) = ask(&shop, Method::POST, path, json!({"units": 6})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem, json!({"error": "out of stock", "free": 5}));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let shop = shop().await;
    for (method, path) in [
        (Method::GET, "/items/pear"),
        (Method::POST, "/items/pear/reservations"),
        (Method::DELETE, "/reservations/7"),
    ] {
        let (status, _) = ask(&shop, method, path, json!({"units": 1})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_share_the_stock() {
    let shop = shop().await;
    let clients = (0..20).map(|_| {
        let shop = shop.clone();
        tokio::spawn(async move {
            let path = "/items/apple/reservations";
            ask(&shop, Method::POST, path, json!({"units": 1})).await.0
        })
    });
    let mut created = 0;
    for client in clients.collect::<Vec<_>>() {
        created += u32::from(client.await.expect("an answer") == StatusCode::CREATED);
    }
    assert_eq!(created, 5);
}
