//! What is in stock and who has reserved it.

use std::collections::HashMap;
use std::sync::RwLock;

use serde::Serialize;

/// One article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Stock {
    pub(crate) name: String,
    /// Units that can be reserved.
    pub(crate) free: u64,
    /// Units that are.
    pub(crate) reserved: u64,
}

/// Units of one article that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reservation {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) units: u64,
}

/// Why a request was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchItem,
    NoSuchReservation,
    OutOfStock { free: u64 },
}

#[derive(Debug, Default)]
struct Inventory {
    items: HashMap<String, Stock>,
    reservations: HashMap<u64, Reservation>,
    last_id: u64,
}

/// The inventory, shared by all requests.
#[derive(Debug, Default)]
pub(crate) struct Store {
    inventory: RwLock<Inventory>,
}

impl Store {
    /// Adds units of an article, new or known.
    pub(crate) fn add(&self, name: &str, units: u64) -> Stock {
        let mut inventory = self.inventory.write().expect("no request panics");
        let item = inventory.items.entry(name.to_owned());
        let item = item.or_insert_with(|| Stock {
            name: name.to_owned(),
            free: 0,
            reserved: 0,
        });
        item.free = item.free.saturating_add(units);
        item.clone()
    }

    /// One article.
    pub(crate) fn find(&self, name: &str) -> Result<Stock, Refusal> {
        let inventory = self.inventory.read().expect("no request panics");
        let item = inventory.items.get(name).ok_or(Refusal::NoSuchItem)?;
        Ok(item.clone())
    }

    /// All articles, by name.
    pub(crate) fn list(&self) -> Vec<Stock> {
        let inventory = self.inventory.read().expect("no request panics");
        let mut items: Vec<_> = inventory.items.values().cloned().collect();
        items.sort_by(|left, right| left.name.cmp(&right.name));
        items
    }

    /// Takes units out of stock.
    pub(crate) fn reserve(&self, name: &str, units: u64) -> Result<Reservation, Refusal> {
        let mut inventory = self.inventory.write().expect("no request panics");
        let item = inventory.items.get_mut(name).ok_or(Refusal::NoSuchItem)?;
        let free = item.free.checked_sub(units);
        item.free = free.ok_or(Refusal::OutOfStock { free: item.free })?;
        item.reserved += units;
        inventory.last_id += 1;
        let reservation = Reservation {
            id: inventory.last_id,
            name: name.to_owned(),
            units,
        };
        inventory
            .reservations
            .insert(reservation.id, reservation.clone());
        Ok(reservation)
    }

    /// Puts the units of a reservation back.
    pub(crate) fn cancel(&self, id: u64) -> Result<Reservation, Refusal> {
        let mut inventory = self.inventory.write().expect("no request panics");
        let reservation = inventory.reservations.remove(&id);
        let reservation = reservation.ok_or(Refusal::NoSuchReservation)?;
        if let Some(item) = inventory.items.get_mut(&reservation.name) {
            item.free += reservation.units;
            item.reserved -= reservation.units;
        }
        Ok(reservation)
    }
}
