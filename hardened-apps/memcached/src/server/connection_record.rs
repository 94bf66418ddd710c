//! What `stats conns` tells of a connection.
//!
//! A connection belongs to its worker; what others may ask for is kept here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What a connection is waiting for, in memcached's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// A command.
    Command,
    /// The rest of a data block.
    Data,
    /// A peer that does not read.
    Writing,
    /// Being served.
    Busy,
}

impl State {
    fn name(number: u8) -> &'static str {
        match number {
            number if number == Self::Data as u8 => "conn_nread",
            number if number == Self::Writing as u8 => "conn_mwrite",
            number if number == Self::Busy as u8 => "conn_parse_cmd",
            _ => "conn_read",
        }
    }
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct ConnectionRecord {
    peer: String,
    listener: String,
    state: AtomicU8,
    last_command: AtomicU32,
}

impl ConnectionRecord {
    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    pub(super) fn set_last_command(&self, now: u32) {
        self.last_command.store(now, Relaxed);
    }
}

/// All connections, by the numbers of their files.
#[derive(Debug, Default)]
pub(super) struct ConnectionRecords {
    listening: Mutex<Vec<(i32, String)>>,
    records: Mutex<BTreeMap<i32, Arc<ConnectionRecord>>>,
}

impl ConnectionRecords {
    /// Notes a socket that clients connect or send to.
    pub(super) fn add_listening(&self, file: i32, address: String) {
        let mut listening = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listening.push((file, address));
    }

    pub(super) fn add(
        &self,
        file: i32,
        (peer, listener): (String, String),
        now: u32,
    ) -> Arc<ConnectionRecord> {
        let record = Arc::new(ConnectionRecord {
            peer,
            listener,
            state: AtomicU8::new(State::Command as u8),
            last_command: AtomicU32::new(now),
        });
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.insert(file, Arc::clone(&record));
        record
    }

    pub(super) fn remove(&self, file: i32) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.remove(&file);
    }

    /// Names and values, in memcached's form.
    pub(super) fn lines(&self, now: u32) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let listening = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (file, address) in listening.iter() {
            let state = if address.starts_with("udp") {
                "conn_read"
            } else {
                "conn_listening"
            };
            lines.push((format!("{file}:addr"), address.clone()));
            lines.push((format!("{file}:state"), state.into()));
        }
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for (file, record) in records.iter() {
            let idle = now.saturating_sub(record.last_command.load(Relaxed));
            let state = State::name(record.state.load(Relaxed));
            lines.push((format!("{file}:addr"), record.peer.clone()));
            lines.push((format!("{file}:listen_addr"), record.listener.clone()));
            lines.push((format!("{file}:state"), state.into()));
            lines.push((format!("{file}:secs_since_last_cmd"), idle.to_string()));
        }
        lines
    }
}
