//! The network between the replicas, and what goes wrong there.

use std::collections::VecDeque;
use std::fmt;

use asc_hardened_tests::random::Random;
use raft::prelude::Message;

use crate::node::Node;

const VOTERS: [u64; 3] = [1, 2, 3];
/// One message in so many is lost.
const LOSS_PERIOD: usize = 50;
/// One round in so many cuts the leader off.
const CUT_PERIOD: usize = 400;
/// One round in so many asks the leader to hand over.
const TRANSFER_PERIOD: usize = 300;
/// How many rounds a cut lasts.
const CUT_ROUNDS: u32 = 40;
/// Rounds without faults after which all replicas must agree.
const SETTLING_ROUNDS: usize = 500;
const COMMAND_BYTES_MAX: usize = 200;

/// Three replicas and the messages between them.
pub(crate) struct Cluster {
    nodes: [Node; 3],
    network: VecDeque<Message>,
    random: Random,
    cut: Option<(u64, u32)>,
    faults: bool,
    lost: u64,
    proposed: u64,
}

impl Cluster {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            nodes: VOTERS.map(|id| Node::new(id, &VOTERS)),
            network: VecDeque::new(),
            random: Random::new(seed),
            cut: None,
            faults: true,
            lost: 0,
            proposed: 0,
        }
    }

    /// One tick of every clock, some proposals, and all messages delivered.
    pub(crate) fn round(&mut self) {
        if self.faults {
            self.disturb();
        }
        for node in &mut self.nodes {
            node.tick();
        }
        for _ in 0..self.random.below(4) {
            self.propose();
        }
        self.collect();
        while let Some(message) = self.network.pop_front() {
            self.deliver(message);
        }
        let applied = self.nodes.iter().map(Node::applied).min().unwrap_or(0);
        for node in &mut self.nodes {
            node.compact(applied).expect("the log reaches that far");
        }
    }

    /// Runs without faults until every replica has caught up.
    pub(crate) fn settle(&mut self) {
        self.faults = false;
        self.cut = None;
        for _ in 0..SETTLING_ROUNDS {
            self.round();
        }
        for _ in 0..SETTLING_ROUNDS {
            for node in &mut self.nodes {
                node.tick();
            }
            self.collect();
            while let Some(message) = self.network.pop_front() {
                self.deliver(message);
            }
        }
        let states = self.nodes.each_ref().map(Node::state);
        assert!(
            states.iter().all(|&state| state == states[0]),
            "replicas differ: {self}"
        );
        assert!(self.nodes[0].applied() > 0, "nothing was committed: {self}");
    }

    fn disturb(&mut self) {
        self.cut = self
            .cut
            .and_then(|(id, rounds)| rounds.checked_sub(1).map(|rounds| (id, rounds)));
        let Some(leader) = self.nodes.iter().position(Node::is_leader) else {
            return;
        };
        if self.cut.is_none() && self.random.once_in(CUT_PERIOD) {
            self.cut = Some((VOTERS[leader], CUT_ROUNDS));
        }
        if self.random.once_in(TRANSFER_PERIOD) {
            self.nodes[leader].transfer_leader(VOTERS[(leader + 1) % VOTERS.len()]);
        }
    }

    fn propose(&mut self) {
        let Some(leader) = self.nodes.iter().position(Node::is_leader) else {
            return;
        };
        let length = 1 + self.random.below(COMMAND_BYTES_MAX);
        let command: Vec<u8> = (0..length).map(|_| self.random.byte()).collect();
        self.proposed += u64::from(self.nodes[leader].propose(&command));
    }

    fn collect(&mut self) {
        for node in &mut self.nodes {
            self.network.extend(node.ready());
        }
    }

    fn deliver(&mut self, message: Message) {
        if self.is_lost(&message) {
            self.lost += 1;
            return;
        }
        let node = &mut self.nodes[message.to as usize - 1];
        node.step(message).expect("a valid message");
        self.network.extend(node.ready());
    }

    fn is_lost(&mut self, message: &Message) -> bool {
        let cut = self
            .cut
            .is_some_and(|(id, _)| message.from == id || message.to == id);
        self.faults && (cut || self.random.once_in(LOSS_PERIOD))
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "applied {:?} terms {:?} proposed {} lost {}",
            self.nodes.each_ref().map(Node::applied),
            self.nodes.each_ref().map(Node::term),
            self.proposed,
            self.lost,
        )
    }
}
