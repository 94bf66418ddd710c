//! One replica: consensus, its log, and the machine that applies the commands.

use std::collections::BTreeMap;

use asc_hardened_tests::digest::digest;
use asc_runtime::asc_handler;
use raft::prelude::{ConfState, Config, Entry, EntryType, Message};
use raft::storage::MemStorage;
use raft::{Error, RawNode, Ready, StateRole};

/// Entries kept in the log after they were applied everywhere.
const ENTRIES_KEPT: u64 = 64;

/// A replica. Every method that changes it is a handler.
pub(crate) struct Node {
    raw: RawNode<MemStorage>,
    machine: BTreeMap<u8, Vec<u8>>,
    applied: u64,
    history: u64,
}

impl Node {
    pub(crate) fn new(id: u64, voters: &[u64]) -> Self {
        let config = Config {
            id,
            election_tick: 10,
            heartbeat_tick: 3,
            max_size_per_msg: 4096,
            ..Config::default()
        };
        let storage = MemStorage::new_with_conf_state(ConfState::from((voters.to_vec(), vec![])));
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, storage, &logger).expect("a valid configuration");
        Self {
            raw,
            machine: BTreeMap::new(),
            applied: 0,
            history: 0,
        }
    }

    #[asc_handler]
    pub(crate) fn tick(&mut self) -> bool {
        self.raw.tick()
    }

    #[asc_handler]
    pub(crate) fn step(&mut self, message: Message) -> Result<(), String> {
        match self.raw.step(message) {
            Ok(()) | Err(Error::StepPeerNotFound) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether the proposal was accepted; a leader without a quorum or a follower drops it.
    #[asc_handler]
    pub(crate) fn propose(&mut self, command: &[u8]) -> bool {
        self.raw.propose(vec![], command.to_vec()).is_ok()
    }

    #[asc_handler]
    pub(crate) fn transfer_leader(&mut self, to: u64) {
        self.raw.transfer_leader(to);
    }

    /// Persists and applies what is ready; returns the messages to be sent.
    #[asc_handler]
    pub(crate) fn ready(&mut self) -> Vec<Message> {
        if !self.raw.has_ready() {
            return Vec::new();
        }
        let mut ready = self.raw.ready();
        let mut messages = ready.take_messages();
        self.apply(ready.take_committed_entries());
        self.persist(&ready);
        messages.extend(ready.take_persisted_messages());
        let mut light = self.raw.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.raw
                .mut_store()
                .wl()
                .mut_hard_state()
                .set_commit(commit);
        }
        messages.extend(light.take_messages());
        self.apply(light.take_committed_entries());
        self.raw.advance_apply();
        messages
    }

    /// Forgets entries that every replica has applied.
    #[asc_handler]
    pub(crate) fn compact(&mut self, applied_everywhere: u64) -> Result<(), String> {
        let index = applied_everywhere.saturating_sub(ENTRIES_KEPT);
        if index == 0 {
            return Ok(());
        }
        self.raw
            .mut_store()
            .wl()
            .compact(index)
            .map_err(|error| error.to_string())
    }

    pub(crate) fn is_leader(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    pub(crate) fn term(&self) -> u64 {
        self.raw.raft.term
    }

    /// The machine and the order in which it came about.
    pub(crate) fn state(&self) -> u64 {
        digest(&(&self.machine, self.applied, self.history))
    }

    fn persist(&mut self, ready: &Ready) {
        assert!(
            ready.snapshot().is_empty(),
            "the log is never compacted beyond a replica"
        );
        let mut storage = self.raw.store().wl();
        storage
            .append(ready.entries())
            .expect("entries follow the log");
        if let Some(hard_state) = ready.hs() {
            storage.set_hardstate(hard_state.clone());
        }
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.applied = entry.index;
            if entry.get_entry_type() == EntryType::EntryNormal && !entry.data.is_empty() {
                self.history = digest(&(self.history, &*entry.data));
                let value = self.machine.entry(entry.data[0]).or_default();
                value.clear();
                value.extend_from_slice(&entry.data);
            }
        }
    }
}
