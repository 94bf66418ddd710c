//! Three nodes of the unmodified `raft` crate, whose every step is a hardened handler.
//!
//! Messages are lost at random and leaders are cut off and replaced; at the end all nodes must have
//! applied the same commands. Arguments: `seed=N`, `handlers=N` (calls at least).

mod cluster;
mod node;

use asc_hardened_tests::arguments;
use asc_runtime::{mode, statistics};

use crate::cluster::Cluster;

/// Handlers that may run again while the depth of their stack is being learned.
const REPEATED_RUNS_MAX: u64 = 32;

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
    let least = if cfg!(asc) {
        2 * statistics.handlers
    } else {
        statistics.handlers
    };
    assert!((least..=least + REPEATED_RUNS_MAX).contains(&statistics.runs));
    assert_eq!(statistics.faults, 0);
    assert!(statistics.handlers >= handlers);
}
