//! The concepts under test, one file each.

mod ambient;
mod atomics;
mod deques;
mod effects;
mod handlers;
mod large;
mod layouts;
mod locks;
mod maps;
mod outputs;
#[cfg(panic = "unwind")]
mod panics;
mod pointers;
mod slices;
mod statics;
mod text;
mod vectors;

use crate::driver::Run;
use crate::subject::Subject;

/// Runs every subject that is wanted; returns the number of incomplete audits.
pub(crate) fn run_each(run: Run, thread: usize, wanted: &dyn Fn(&str) -> bool) -> u64 {
    let mut incomplete = 0;
    let mut found = false;
    for (name, subject) in subjects() {
        if wanted(name) {
            found = true;
            incomplete += subject(run, thread);
        }
    }
    assert!(found, "no such subject");
    incomplete
}

type Runner = fn(Run, usize) -> u64;

fn subjects() -> Vec<(&'static str, Runner)> {
    vec![
        entry::<ambient::Clocks>(),
        entry::<ambient::RandomKeys>(),
        entry::<atomics::Atomics>(),
        entry::<atomics::SharedAtomics>(),
        entry::<deques::Deques>(),
        entry::<deques::Heaps>(),
        entry::<effects::Effects>(),
        entry::<handlers::Nested>(),
        entry::<handlers::Deep>(),
        entry::<large::Large>(),
        entry::<layouts::Layouts>(),
        entry::<layouts::Moves>(),
        entry::<locks::Locks>(),
        entry::<locks::Channels>(),
        entry::<maps::HashMaps>(),
        entry::<maps::BTrees>(),
        entry::<outputs::Outputs>(),
        #[cfg(panic = "unwind")]
        entry::<panics::Panics>(),
        entry::<pointers::Counted>(),
        entry::<pointers::Closures>(),
        entry::<slices::Slices>(),
        entry::<slices::Vectors>(),
        entry::<statics::Statics>(),
        entry::<statics::ThreadLocals>(),
        entry::<text::Text>(),
        entry::<vectors::Simd>(),
    ]
}

fn entry<S: Subject>() -> (&'static str, Runner) {
    (S::NAME, Run::subject::<S>)
}
