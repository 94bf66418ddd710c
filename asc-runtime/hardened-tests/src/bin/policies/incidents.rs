//! What the program itself hears of incidents.

use std::collections::BTreeMap;
use std::sync::Mutex;

use asc_runtime::{Incident, Setup};

static HEARD: Mutex<Vec<(&'static str, &'static str)>> = Mutex::new(Vec::new());

/// Listens from now on.
pub(crate) fn listen() {
    let setup = Setup::new().on_incident(hear);
    setup.install().unwrap_or_else(|error| panic!("{error}"));
}

fn hear(incident: &Incident) {
    let mut heard = HEARD.lock().expect("nobody panics with it");
    heard.push((incident.classification.name(), incident.action.name()));
}

/// Prints how many incidents there were of each kind; returns how many in all.
pub(crate) fn print() -> u64 {
    let mut kinds = BTreeMap::new();
    for &kind in HEARD.lock().expect("nobody panics with it").iter() {
        *kinds.entry(kind).or_insert(0_u64) += 1;
    }
    for ((classification, action), count) in &kinds {
        println!("incidents: {count} {classification} {action}");
    }
    kinds.values().sum()
}
