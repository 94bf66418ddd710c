//! Page level: not started.

use crate::domain::Domain;

pub(crate) fn guard_fresh(_domain: Domain, _offset: usize, _bytes: usize) {}

pub(crate) fn after_fork_in_child() {}
