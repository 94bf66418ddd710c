//! Process-wide counters.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::fault::Stage;
use crate::incident::Action;

/// Process-wide counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Handlers completed.
    pub handlers: u64,
    /// Executions of handler bodies: two per handler when hardened, more where one was struck.
    pub runs: u64,
    /// Handlers undone in their first run and begun anew, because they would have waited for each
    /// other's [locks](crate::sync) in a circle or wanted to write what they had read.
    pub begun_anew: u64,
    /// Faults detected.
    pub faults: u64,
    /// Struck handlers whose message was dropped.
    pub dropped: u64,
    /// Struck handlers that were tried again with success.
    pub retried: u64,
    /// Largest undo and event log of one handler so far, in bytes.
    pub log_bytes_max: u64,
    /// Page mode: stores outside of protected memory and the stacks, counted in the last runs. Each costs
    /// a handler some microseconds: many of them say that state belongs into protected memory.
    pub stepped_stores: u64,
    /// The protected heap and its codes; all zero but in builds with `--integrity crc`.
    pub integrity: IntegrityStatistics,
}

/// Line codes of the protected heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IntegrityStatistics {
    /// Protected memory under codes, in use or free, in bytes.
    pub protected_bytes: u64,
    /// Lines of it.
    pub lines: u64,
    /// Length of a line, in bytes.
    pub line_bytes: u64,
    /// Memory of the codes, in bytes.
    pub code_bytes: u64,
    /// Flipped bits that were found and flipped back.
    pub corrected_bits: u64,
    /// Passes of the scrubber over all protected memory.
    pub scrub_passes: u64,
    /// Bytes that it has verified in all of them.
    pub scrub_bytes: u64,
}

/// The counters, summed over all threads.
///
/// Handlers in progress on other threads may be counted with one run.
pub fn statistics() -> Statistics {
    let mut sum = Statistics {
        faults: Action::ALL.into_iter().map(incidents_with).sum(),
        dropped: incidents_with(Action::Drop),
        retried: incidents_with(Action::Retry),
        ..Statistics::default()
    };
    add_threads(&mut sum);
    #[cfg(all(feature = "page", not(asc)))]
    add_paged(&mut sum);
    sum
}

/// The counters in Prometheus' text format, for whatever serves the program's metrics.
///
/// | metric | kind | what |
/// |---|---|---|
/// | `asc_handlers_total` | counter | handlers completed |
/// | `asc_runs_total` | counter | executions of their bodies |
/// | `asc_faults_total{stage, action}` | counter | faults detected, by stage and by what was done |
/// | `asc_begun_anew_total` | counter | handlers undone and begun anew because of locks |
/// | `asc_log_bytes_max` | gauge | largest log of one handler so far, in bytes |
/// | `asc_stepped_stores_total` | counter | page mode: stores outside of protected memory |
/// | `asc_protected_bytes` | gauge | line codes: memory under them |
/// | `asc_corrected_bits_total` | counter | line codes: flipped bits that were flipped back |
/// | `asc_scrub_passes_total` | counter | line codes: passes of the scrubber |
///
/// ```
/// let text = asc_runtime::prometheus();
/// assert!(text.contains("# TYPE asc_handlers_total counter\nasc_handlers_total 0\n"));
/// assert!(text.contains("asc_faults_total{stage=\"compare\",action=\"retry\"} 0\n"));
/// ```
pub fn prometheus() -> String {
    #[cfg(asc)]
    let _ordinary = crate::hardened::integrity::heap::ordinary();
    let statistics = statistics();
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        // A string takes everything.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    metric(
        "asc_faults_total",
        "counter",
        "Faults detected, by stage and by what was done.",
        &faults_by_label(),
    );
    for (name, kind, help, value) in single_metrics(&statistics) {
        metric(name, kind, help, &[(String::new(), value)]);
    }
    text
}

/// Name, kind, help and value of the metrics without labels.
fn single_metrics(statistics: &Statistics) -> [(&'static str, &'static str, &'static str, u64); 8] {
    let integrity = &statistics.integrity;
    [
        (
            "asc_handlers_total",
            "counter",
            "Handlers completed.",
            statistics.handlers,
        ),
        (
            "asc_runs_total",
            "counter",
            "Executions of handler bodies.",
            statistics.runs,
        ),
        (
            "asc_begun_anew_total",
            "counter",
            "Handlers undone and begun anew because of locks.",
            statistics.begun_anew,
        ),
        (
            "asc_log_bytes_max",
            "gauge",
            "Largest log of one handler so far, in bytes.",
            statistics.log_bytes_max,
        ),
        (
            "asc_stepped_stores_total",
            "counter",
            "Page mode: stores outside of protected memory.",
            statistics.stepped_stores,
        ),
        (
            "asc_protected_bytes",
            "gauge",
            "Line codes: memory under them, in bytes.",
            integrity.protected_bytes,
        ),
        (
            "asc_corrected_bits_total",
            "counter",
            "Line codes: flipped bits that were flipped back.",
            integrity.corrected_bits,
        ),
        (
            "asc_scrub_passes_total",
            "counter",
            "Line codes: passes of the scrubber.",
            integrity.scrub_passes,
        ),
    ]
}

fn faults_by_label() -> Vec<(String, u64)> {
    let pairs = Stage::ALL
        .into_iter()
        .flat_map(|stage| Action::ALL.map(|action| (stage, action)));
    pairs
        .map(|(stage, action)| {
            let labels = format!(
                "{{stage=\"{}\",action=\"{}\"}}",
                stage.name(),
                action.name()
            );
            (labels, count(stage, action).load(Ordering::Relaxed))
        })
        .collect()
}

/// Incidents by stage and action.
static INCIDENTS: [[AtomicU64; Action::ALL.len()]; Stage::ALL.len()] =
    [const { [const { AtomicU64::new(0) }; Action::ALL.len()] }; Stage::ALL.len()];

fn count(stage: Stage, action: Action) -> &'static AtomicU64 {
    &INCIDENTS[stage as usize][action as usize]
}

/// Counts an incident.
pub(crate) fn count_incident(stage: Stage, action: Action) {
    count(stage, action).fetch_add(1, Ordering::Relaxed);
}

fn incidents_with(action: Action) -> u64 {
    let counts = Stage::ALL.into_iter().map(|stage| count(stage, action));
    counts.map(|count| count.load(Ordering::Relaxed)).sum()
}

#[cfg(asc)]
fn add_threads(sum: &mut Statistics) {
    sum.integrity = crate::hardened::integrity::statistics();
    for counters in crate::hardened::context::counters() {
        sum.handlers += counters.handlers.load(Ordering::Relaxed);
        sum.runs += counters.runs.load(Ordering::Relaxed);
        sum.begun_anew += counters.begun_anew.load(Ordering::Relaxed);
        sum.log_bytes_max = sum
            .log_bytes_max
            .max(counters.log_bytes_max.load(Ordering::Relaxed));
    }
}

/// In page mode the plain counters hold what ran before it was started.
#[cfg(all(feature = "page", not(asc)))]
fn add_paged(sum: &mut Statistics) {
    for counters in crate::paged::context::counters() {
        sum.handlers += counters.handlers.load(Ordering::Relaxed);
        sum.runs += counters.runs.load(Ordering::Relaxed);
        sum.stepped_stores += counters.stores.load(Ordering::Relaxed);
        sum.log_bytes_max = sum
            .log_bytes_max
            .max(counters.log_bytes_max.load(Ordering::Relaxed));
    }
}

#[cfg(not(asc))]
pub(crate) use plain::count_handler;

#[cfg(not(asc))]
fn add_threads(sum: &mut Statistics) {
    sum.handlers = plain::handlers();
    sum.runs = sum.handlers;
}

/// Counting without slowing the program that hardening is compared with: no locked instruction.
#[cfg(not(asc))]
mod plain {
    use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    /// Threads that count alone; the others share the last slot.
    const SLOTS: usize = 128;

    #[repr(align(64))]
    struct Slot(AtomicU64);

    static COUNTS: [Slot; SLOTS] = [const { Slot(AtomicU64::new(0)) }; SLOTS];
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed).min(SLOTS - 1);
    }

    #[inline]
    pub(crate) fn count_handler() {
        OWN.with(|&own| {
            let count = &COUNTS[own].0;
            if own < SLOTS - 1 {
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            } else {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    pub(super) fn handlers() -> u64 {
        COUNTS
            .iter()
            .map(|count| count.0.load(Ordering::Relaxed))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_documented_metric_is_told() {
        let documented: Vec<&str> = include_str!("statistics.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// | `asc_"))
            .filter_map(|line| line.split(['`', '{']).next())
            .collect();
        assert_eq!(documented.len(), 9);
        let text = super::prometheus();
        for name in documented {
            assert!(
                text.contains(&format!("# TYPE asc_{name} ")),
                "{name}: {text}"
            );
            assert!(text.contains(&format!("\nasc_{name}")), "{name}: {text}");
        }
    }
}
