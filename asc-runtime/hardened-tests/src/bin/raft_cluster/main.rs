//! Three nodes of the unmodified `raft` crate, whose every step is a hardened handler.
//!
//! Messages are lost at random and leaders are cut off and replaced; at the end all nodes must have
//! applied the same commands. Arguments: `seed=N`, `handlers=N` (calls at least).

mod cluster;
mod node;

use asc_hardened_tests::arguments;
use asc_runtime::{mode, statistics};

use crate::cluster::Cluster;

fn main() {
    let seed = arguments::number("seed", 1);
    let handlers = arguments::number("handlers", 1_000_000);
    println!("raft_cluster seed={seed} handlers={handlers}");
    let mut cluster = Cluster::new(seed);
    while statistics().handlers < handlers {
        cluster.round();
    }
    cluster.settle();
    let statistics = statistics();
    println!("mode {} {statistics:?} {cluster}", mode().name());
    // Runs are counted when a handler commits, without those that only taught the runtime how deep
    // the handler's stack reaches: the count is exact.
    let runs_of_handler = if cfg!(asc) { 2 } else { 1 };
    assert_eq!(statistics.runs, runs_of_handler * statistics.handlers);
    assert_eq!(statistics.faults, 0);
    assert!(statistics.handlers >= handlers);
}
