//! The hardened build, proven in every profile.
//!
//! Each test builds the programs of `src/bin` with `cargo asc` in one profile and runs them as
//! children: equal results, complete audits, no false alarm, every injected fault caught.
//!
//! `ASC_TEST_STEPS=N` makes every count N times as long.

mod bodies;
mod build;
mod child;
mod incidents;
mod inlining;
mod outside;
mod paged;
mod policies;
mod programs;
mod sqlite;
mod unguarded;

use crate::build::{Build, Programs};

/// Unoptimised, hooks as calls, many codegen units.
#[test]
fn dev() {
    let programs = Programs::built(&Build::profile("dev"));
    programs::all_agree(&programs);
    bodies::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
    programs::all_misuse_is_refused(&programs);
    programs::all_policies_are_kept(&programs);
    programs::the_runtime_survives_strikes(&Build::profile("dev"));
}

/// Thin LTO, one codegen unit: hooks inlined. The long run of raft is here.
#[test]
fn release() {
    let programs = Programs::built(&Build::profile("release"));
    inlining::no_word_hook_is_called(&programs);
    programs::all_agree(&programs);
    bodies::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
    programs::all_misuse_is_refused(&programs);
    programs::all_policies_are_kept(&programs);
    programs::raft_runs_a_million_handlers(&programs);
    programs::the_runtime_survives_strikes(&Build::profile("release"));
}

/// Fat LTO, one codegen unit: hooks inlined, everything optimised as one.
#[test]
fn fat() {
    let programs = Programs::chosen(&Build::profile("asc-fat"));
    inlining::no_word_hook_is_called(&programs);
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
}

/// Thin LTO, 16 codegen units.
#[test]
fn codegen_units() {
    let programs = Programs::chosen(&Build::profile("asc-units"));
    inlining::no_word_hook_is_called(&programs);
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
}

/// No LTO, 16 codegen units.
#[test]
fn without_link_time_optimisation() {
    let programs = Programs::chosen(&Build::profile("asc-nolto"));
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
}

/// No LTO, one codegen unit, panics abort.
#[test]
fn panic_abort() {
    let programs = Programs::chosen(&Build::profile("asc-abort"));
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
    programs::all_policies_are_kept(&programs);
}

/// Every vector instruction of this processor.
#[test]
fn native() {
    let programs = Programs::chosen(&Build::profile("asc-nolto").for_this_processor());
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
}

/// Line codes over the protected heap, hooks inlined: reads are hooked too.
#[test]
fn crc_release() {
    let programs = Programs::built(&Build::profile("release").with_line_codes());
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
    programs::all_misuse_is_refused(&programs);
    programs::all_rot_is_found(&programs, programs::ROTTEN_LIVES);
    programs::the_runtime_survives_strikes(&Build::profile("release").with_line_codes());
}

/// The same with hooks as calls.
#[test]
fn crc_dev() {
    let programs = Programs::built(&Build::profile("dev").with_line_codes());
    programs::all_agree(&programs);
    programs::all_faults_are_caught(&programs);
    programs::all_rot_is_found(&programs, programs::ROTTEN_LIVES_DEBUG);
}

/// The same programs from plain cargo.
#[test]
fn plain() {
    programs::all_run_plain(&Programs::plain());
}

/// The same programs from plain cargo, in page mode.
#[test]
fn page_mode_agrees() {
    paged::on_every_backend(|paged| paged.all_agree());
}

/// Bodies in every syntax, from plain cargo without page mode.
#[test]
fn source_interception() {
    bodies::are_intercepted_in_the_source();
}

/// Every fault, in page mode.
#[test]
fn page_mode_catches_all_faults() {
    paged::on_every_backend(|paged| paged.all_faults_are_caught());
}

/// Input and output inside handlers, in page mode.
#[test]
fn page_mode_refuses_all_misuse() {
    paged::on_every_backend(|paged| {
        paged.all_misuse_is_refused();
        paged.contention_stops();
    });
    paged::another_allocator_is_refused();
}

/// Drop and retry, in page mode.
#[test]
fn page_mode_follows_policies() {
    paged::on_every_backend(|paged| {
        paged.all_policies_are_followed();
        policies::the_limits_of_recovery_in_page_mode(paged);
    });
}

/// What the compiler does not see, it cannot undo.
#[test]
fn c_code_stops_a_hardened_build() {
    sqlite::c_code_stops_a_hardened_build(&Build::profile("dev"));
}

/// A C library whose heap is protected memory, in page mode.
#[test]
fn page_mode_runs_a_c_library() {
    paged::on_every_backend(|paged| {
        sqlite::statements_agree(paged);
        sqlite::every_flipped_bit_is_found(paged);
        sqlite::a_flipped_bit_stops_the_process(paged);
    });
}

/// Stores and system calls outside of handlers that are to write to protected memory.
#[test]
fn page_mode_guards_state_outside_of_handlers() {
    paged::on_every_backend(|paged| {
        outside::every_stray_store_is_caught(paged);
        outside::efault_is_explained(paged);
    });
}

/// Page mode on a machine without protection keys, where a program accepts that protected memory and its own stack are
/// all that is seen.
#[test]
fn page_mode_without_protection_keys() {
    paged::on_every_backend_unguarded(|paged| {
        unguarded::state_in_protected_memory_agrees(paged);
        unguarded::faults_in_what_is_seen_are_caught(paged);
        unguarded::no_fault_is_survived(paged);
        paged.all_misuse_is_refused();
        sqlite::statements_agree(paged);
        sqlite::a_flipped_bit_stops_the_process(paged);
        outside::every_stray_store_is_caught(paged);
        outside::efault_is_explained(paged);
    });
}
