//! The hardened service, built by `cargo asc`: the same answers, no false alarm under load, and what
//! becomes of a bit that flips while a request is handled.

mod client;
mod server;
mod strike;

use std::thread;

use asc_runtime::EXIT_FAULT;
use serde_json::{Value, json};

use crate::client::ask;
use crate::server::Server;

const CLIENTS: u64 = 4;
const REQUESTS: u64 = 150;
const UNITS: u64 = 1_000_000;

/// The service's own tests, every handler run twice.
#[test]
fn its_own_tests_pass_hardened() {
    server::cargo_asc(&["test", "--quiet", "--package", server::PACKAGE]);
}

/// Clients that reserve, cancel and look at the same article: nothing is lost, and nobody sees units
/// that are neither free nor reserved.
#[test]
fn clients_share_the_stock_without_a_false_alarm() {
    let mut server = Server::start(&[]);
    let address = server.address;
    ask(address, "POST", "/items/apple", json!({ "units": UNITS })).expect("an answer");
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let kept = (0..REQUESTS).filter(|number| number % 3 != client % 3);
                for number in 0..REQUESTS {
                    let path = "/items/apple/reservations";
                    let (status, made) =
                        ask(address, "POST", path, json!({"units": 1})).expect("an answer");
                    assert_eq!(status, 201, "{made}");
                    if number % 3 == client % 3 {
                        let path = format!("/reservations/{}", made["id"]);
                        let (status, _) =
                            ask(address, "DELETE", &path, Value::Null).expect("an answer");
                        assert_eq!(status, 200);
                    }
                    let (_, apple) =
                        ask(address, "GET", "/items/apple", Value::Null).expect("an answer");
                    let units = |name: &str| apple[name].as_u64().expect("a number");
                    assert_eq!(units("free") + units("reserved"), UNITS);
                }
                assert!(kept.count() > 0);
            });
        }
    });
    let kept: u64 = (0..CLIENTS)
        .map(|client| {
            (0..REQUESTS)
                .filter(|number| number % 3 != client % 3)
                .count() as u64
        })
        .sum();
    let (_, items) = ask(address, "GET", "/items", Value::Null).expect("an answer");
    let expected = json!([{"name": "apple", "free": UNITS - kept, "reserved": kept}]);
    assert_eq!(items, expected);
    assert_eq!(server.stop(), "", "a fault was reported");
}

/// A word of the state reads wrongly in the second run: nothing of the request leaves the process.
#[test]
fn a_flipped_bit_stops_the_service_before_it_answers() {
    let (server, answer) = strike::in_second_run(&[]);
    assert!(answer.is_none(), "{answer:?}");
    assert_eq!(server.status, Some(EXIT_FAULT), "{server:?}");
    let incident = one_incident(&server.stderr);
    assert_eq!(incident["action"], "stop", "{incident}");
}

/// The same bit under `retry`: the client gets the right answer, and the stock is right.
#[test]
fn a_flipped_bit_is_survived_under_retry() {
    let (server, answer) = strike::in_second_run(&[("ASC_ON_FAULT", "retry(3)")]);
    let (status, reservation) = answer.expect("the client is answered");
    assert_eq!(
        (status, &reservation["units"]),
        (201, &json!(1)),
        "{reservation}"
    );
    let (free, reserved) = (strike::FREE - 1, strike::RESERVED + 1);
    let expected = json!({"name": "gold", "free": free, "reserved": reserved});
    assert_eq!(server.stock, Some(expected), "{server:?}");
    let incident = one_incident(&server.stderr);
    assert_eq!(incident["action"], "retry", "{incident}");
    assert_eq!(incident["classification"], "transient", "{incident}");
}

fn one_incident(stderr: &str) -> Value {
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let incident: Value = serde_json::from_str(stderr).expect("an incident is JSON");
    let handler = incident["handler"].as_str().unwrap_or_default();
    assert!(handler.ends_with("::reserve"), "{incident}");
    incident
}
