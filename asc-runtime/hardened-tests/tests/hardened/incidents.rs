//! The incident that each fault must end in.

/// What the incident must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incident {
    pub(crate) fault: &'static str,
    pub(crate) stage: &'static str,
    pub(crate) reason: &'static str,
}

const fn incident(fault: &'static str, stage: &'static str, reason: &'static str) -> Incident {
    Incident {
        fault,
        stage,
        reason,
    }
}

/// The faults of `trap`; some of them need panics that unwind.
pub(crate) fn of_handlers(unwinds: bool) -> Vec<Incident> {
    let panics: &[_] = if unwinds { &PANICS } else { &[] };
    [&HANDLERS, panics].concat()
}

/// Faults that leave the same bytes behind: page mode compares what was stored, not by which instruction.
pub(crate) const EQUAL_IN_EFFECT: [&str; 1] = ["store_width"];

/// Stopped in page mode by whatever sees it first: a thread outside of handlers waits for a lock that the
/// handler takes.
pub(crate) const CONTENDED: &str = "locked_state";

/// The faults of `trap` in page mode: the same, where memory tells in another way.
pub(crate) fn of_page_mode() -> Vec<Incident> {
    let mut incidents = of_handlers(true);
    incidents.retain(|incident| {
        !EQUAL_IN_EFFECT.contains(&incident.fault) && incident.fault != CONTENDED
    });
    replace(&mut incidents, &PAGED);
    incidents
}

/// Those of builds with line codes, which log new blocks as the rest of the protected heap.
pub(crate) fn with_line_codes(unwinds: bool) -> Vec<Incident> {
    let mut incidents = of_handlers(unwinds);
    replace(&mut incidents, &LINE_CODES);
    incidents
}

fn replace(incidents: &mut [Incident], others: &[Incident]) {
    for incident in incidents {
        if let Some(other) = others.iter().find(|other| other.fault == incident.fault) {
            *incident = *other;
        }
    }
}

/// The faults of `runtime_trap`.
pub(crate) fn of_the_runtime() -> Vec<Incident> {
    RUNTIME.to_vec()
}

const HANDLERS: [Incident; 65] = [
    incident(
        "deep_first_run",
        "rollback",
        "the first run, repeated, began with another state",
    ),
    incident(
        "allocation_size",
        "second_run",
        "the runs allocate different sizes or alignments",
    ),
    incident(
        "allocation_alignment",
        "second_run",
        "the runs allocate different sizes or alignments",
    ),
    incident(
        "extra_allocation",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_allocation",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident("other_free", "second_run", "the runs free different blocks"),
    incident(
        "extra_free",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_free",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "branch",
        "second_run",
        "the second run stores to another address",
    ),
    incident(
        "store_width",
        "second_run",
        "the second run stores another width",
    ),
    incident(
        "extra_store",
        "second_run",
        "the second run stores more often than the first",
    ),
    incident(
        "missing_store",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "missing_range",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "loop_count",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "atomic_operand",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "atomic_operation",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "exchange_operand",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "exchange_expectation",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "exchange_for_ever",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "maximum",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "extra_atomic",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_atomic",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "other_clock",
        "second_run",
        "the runs ask the system different things",
    ),
    incident(
        "extra_clock",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_clock",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "effect_captures",
        "second_run",
        "the runs ask the system different things",
    ),
    incident(
        "effect_other",
        "second_run",
        "the runs ask the system different things",
    ),
    incident(
        "extra_effect",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_effect",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident("effect_answer", "compare", "the runs left different bytes"),
    incident(
        "deferred_captures",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "extra_deferred",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident(
        "missing_deferred",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "deferred_before_the_fault",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "other_lock",
        "second_run",
        "the runs ask for different locks",
    ),
    incident(
        "missing_lock",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "extra_lock",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident("locked_state", "compare", "the runs left different bytes"),
    incident(
        "thread_local_destructor",
        "second_run",
        "the runs register different thread-local destructors",
    ),
    incident(
        "input_before_first_run",
        "input",
        "the request does not match its checksum",
    ),
    incident(
        "input_between_runs",
        "input",
        "the request does not match its checksum",
    ),
    incident(
        "input_checksum",
        "input",
        "the request does not match its checksum",
    ),
    incident(
        "input_after_its_last_use",
        "input",
        "the request does not match its checksum",
    ),
    incident(
        "message_at_rest",
        "input",
        "the request does not match its checksum",
    ),
    incident(
        "output_to_another_peer",
        "output",
        "an output is for another request or peer",
    ),
    incident(
        "output_for_another_request",
        "output",
        "an output is for another request or peer",
    ),
    incident(
        "output_address_damaged",
        "output",
        "an output is for another request or peer",
    ),
    incident("output_byte", "output", "the runs write different bytes"),
    incident(
        "output_byte_of_many",
        "output",
        "the runs write different bytes",
    ),
    incident("output_longer", "output", "the second run writes more"),
    incident("output_shorter", "output", "the second run writes less"),
    incident("output_missing", "output", "the second run writes less"),
    incident(
        "output_elsewhere",
        "output",
        "only the second run writes to this output",
    ),
    incident("state_word", "compare", "the runs left different bytes"),
    incident("state_range", "compare", "the runs left different bytes"),
    incident("stored_word", "compare", "the runs left different bytes"),
    incident(
        "stray_store_to_logged_word",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "stray_store_in_first_run",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "returned_word",
        "compare",
        "the runs return different values",
    ),
    incident(
        "returned_structure",
        "compare",
        "the runs return different values",
    ),
    incident(
        "returned_beyond_the_slot",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "new_block",
        "compare",
        "the runs left different bytes in a new block",
    ),
    incident(
        "large_new_block",
        "compare",
        "the runs left different bytes in a new block",
    ),
    incident("static_word", "compare", "the runs left different bytes"),
    incident(
        "thread_local_word",
        "compare",
        "the runs left different bytes",
    ),
];

const PANICS: [Incident; 3] = [
    incident(
        "panic_in_first_run",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "panic_in_second_run",
        "second_run",
        "the second run allocates, frees or asks more often",
    ),
    incident("panics_differ", "compare", "the runs left different bytes"),
];

const RUNTIME: [Incident; 15] = [
    incident(
        "captured_argument",
        "input",
        "the arguments changed while the handler ran",
    ),
    incident(
        "capture_skipped",
        "rollback",
        "what was put back is not what was kept",
    ),
    incident(
        "rollback_skipped",
        "second_run",
        "the second run stores to another address",
    ),
    incident(
        "second_run_skipped",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "comparison_skipped",
        "control_flow",
        "a stage was skipped or repeated",
    ),
    incident(
        "commit_skipped",
        "control_flow",
        "the handler returned without being committed",
    ),
    incident(
        "logged_address",
        "rollback",
        "what was put back is not what was kept",
    ),
    incident(
        "logged_old_value",
        "rollback",
        "what was put back is not what was kept",
    ),
    incident(
        "recorded_result",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "recorded_result_after_rollback",
        "compare",
        "the runs left different bytes",
    ),
    incident(
        "recorded_effect",
        "runtime",
        "the record of an effect is damaged",
    ),
    incident("recorded_event", "runtime", "a recorded event is damaged"),
    incident(
        "recorded_event_before_commit",
        "runtime",
        "a recorded event is damaged",
    ),
    incident(
        "saved_block",
        "compare",
        "the runs left different bytes in a new block",
    ),
    incident(
        "recorded_output",
        "output",
        "the runs write different bytes",
    ),
];

const PAGED: [Incident; 17] = [
    incident(
        "other_lock",
        "second_run",
        "the second run stores to another address",
    ),
    incident(
        "missing_lock",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "extra_lock",
        "second_run",
        "the second run stores more often than the first",
    ),
    incident("deep_first_run", "compare", "the runs left different bytes"),
    incident("branch", "compare", "the runs left different bytes"),
    incident("extra_store", "compare", "the runs left different bytes"),
    incident("missing_store", "compare", "the runs left different bytes"),
    incident("missing_range", "compare", "the runs left different bytes"),
    incident("loop_count", "compare", "the runs left different bytes"),
    incident(
        "panic_in_first_run",
        "compare",
        "the second run allocates, frees or asks less often",
    ),
    incident(
        "panic_in_second_run",
        "second_run",
        "the second run stores more often than the first",
    ),
    incident(
        "exchange_expectation",
        "second_run",
        "the runs perform different atomic operations",
    ),
    incident(
        "extra_atomic",
        "second_run",
        "the second run stores more often than the first",
    ),
    incident(
        "missing_atomic",
        "compare",
        "the second run stored less often than the first",
    ),
    incident(
        "state_range",
        "second_run",
        "the second run stores to another address",
    ),
    incident("new_block", "compare", "the runs left different bytes"),
    incident(
        "large_new_block",
        "compare",
        "the runs left different bytes",
    ),
];

const LINE_CODES: [Incident; 2] = [
    incident("new_block", "compare", "the runs left different bytes"),
    incident(
        "large_new_block",
        "compare",
        "the runs left different bytes",
    ),
];
