//! What each program must show in page mode: built by plain cargo, run on every backend of this machine.

use std::fs;
use std::path::PathBuf;

use asc_runtime::{EXIT_FAULT, EXIT_REFUSED};
use serde_json::Value;

use crate::build::Programs;
use crate::child::{self, Ended};
use crate::incidents::{self, Incident};
use crate::programs;

const BACKENDS: [&str; 3] = ["pku", "userfaultfd", "mprotect"];
/// Linux from which a signal reaches a handler whose stacks are closed.
const KERNEL: (u32, u32) = (6, 12);
const REFUSAL: &str = "sees every store of a handler only with protection keys";
pub(crate) const DIFFERENTIAL_STEPS: u64 = 700;

/// Runs `check` for every backend that this machine offers; `mprotect` is one everywhere. A machine on which page
/// mode cannot see every store must refuse on each of them.
pub(crate) fn on_every_backend(check: impl Fn(&Paged)) {
    if can_see_every_store() {
        on_backends(&["page"], check);
        return;
    }
    let programs = Programs::plain();
    for backend in BACKENDS {
        let ended = Paged::new(&programs, backend, &["page"]).run("trap", &["fault=none"]);
        assert_ne!(ended.status, Some(0), "{backend}: {ended:?}");
        assert!(ended.stderr.contains(REFUSAL), "{backend}: {ended:?}");
    }
    println!("NOT RUN: page mode with every store seen, which this machine cannot do");
}

/// The same without protection keys, which every machine can be made to lack.
pub(crate) fn on_every_backend_unguarded(check: impl Fn(&Paged)) {
    on_backends(&["page", "unguarded"], check);
}

fn on_backends(mode: &'static [&'static str], check: impl Fn(&Paged)) {
    let programs = Programs::plain();
    let offered: Vec<_> = BACKENDS
        .map(|backend| Paged::new(&programs, backend, mode))
        .into_iter()
        .filter(Paged::is_offered)
        .collect();
    let is_mprotect = |paged: &Paged| paged.backend == "mprotect";
    assert!(offered.iter().any(is_mprotect));
    offered.iter().for_each(check);
}

/// Asked of the system, so that a runtime that finds no keys by mistake is not believed.
fn can_see_every_store() -> bool {
    let processors = fs::read_to_string("/proc/cpuinfo").expect("Linux tells about its processors");
    let release =
        fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux tells its version");
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse().ok());
    let kernel = numbers.next().zip(numbers.next()).expect("two numbers");
    processors.split_whitespace().any(|flag| flag == "ospke") && kernel >= KERNEL
}

/// The programs on one backend.
pub(crate) struct Paged<'a> {
    programs: &'a Programs,
    backend: &'static str,
    /// The arguments that start page mode.
    mode: &'static [&'static str],
}

impl<'a> Paged<'a> {
    const fn new(
        programs: &'a Programs,
        backend: &'static str,
        mode: &'static [&'static str],
    ) -> Self {
        Self {
            programs,
            backend,
            mode,
        }
    }

    fn is_offered(&self) -> bool {
        let ended = self.run("trap", &["fault=none"]);
        let is_offered = ended.status == Some(0);
        assert!(
            is_offered || ended.stderr.contains("does not offer the page backend"),
            "{}: {ended:?}",
            self.backend
        );
        is_offered
    }

    pub(crate) const fn backend(&self) -> &'static str {
        self.backend
    }

    /// The program from plain cargo, without page mode.
    pub(crate) fn plain(&self, program: &str) -> PathBuf {
        self.programs.program(program)
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Ended {
        self.run_with(program, arguments, &[])
    }

    pub(crate) fn run_with(
        &self,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Ended {
        let arguments = [arguments, self.mode].concat();
        let backend = [("ASC_PAGE_BACKEND", self.backend)];
        let environment = [environment, &backend].concat();
        child::run_with(&self.programs.program(program), &arguments, &environment)
    }

    pub(crate) fn succeed(&self, program: &str, arguments: &[&str]) -> String {
        let ended = self.run(program, arguments);
        assert!(
            ended.status == Some(0) && ended.stderr.is_empty(),
            "{program} {arguments:?} on {}: {ended:#?}",
            self.backend
        );
        ended.stdout
    }

    /// Handlers and plain operations agree, and every handler ran twice.
    pub(crate) fn all_agree(&self) {
        let count = programs::times("count", DIFFERENTIAL_STEPS);
        // Two threads that panic at once, one of them outside of handlers, contend for std's panic hook.
        let printed = self.succeed("differential", &[&count, "threads=2", "only=btrees"]);
        // Handlers of several threads, on state behind the runtime's own locks.
        assert!(printed.contains("  locks held "), "{printed}");
        let printed = self.succeed("differential", &[&count]);
        assert!(printed.contains("mode page"), "{printed}");
        let plain = self.programs.program("differential");
        let expected = child::succeed(&plain, &[&count]);
        for line in expected.lines().filter(|line| line.contains(" steps: ")) {
            assert!(printed.contains(line), "{line:?} is missing in {printed}");
        }
        if self.programs.unwinds {
            self.succeed("bodies", &["first_panic"]);
        }
        for set in ["set=visible", "set=opaque"] {
            let printed = self.succeed("bodies", &[set]);
            assert!(printed.contains(" bodies, mode page"), "{printed}");
        }
    }

    /// Every fault of `trap` ends it with the incident that the table says, but for those that leave
    /// the same memory behind.
    pub(crate) fn all_faults_are_caught(&self) {
        for incident in incidents::of_page_mode() {
            self.expect_incident(&incident);
        }
        for harmless in incidents::EQUAL_IN_EFFECT {
            let fault = format!("fault={harmless}");
            assert_eq!(
                self.succeed("trap", &[&fault]),
                "before\nafter\n",
                "{harmless}"
            );
        }
        for healthy in ["fault=none", "fault=none_in_a_million"] {
            assert_eq!(self.succeed("trap", &[healthy]), "before\nafter\n");
        }
    }

    /// What has no place in a handler ends the program with the way out.
    pub(crate) fn all_misuse_is_refused(&self) {
        let names = programs::list(&self.programs.program("refusal"));
        // In page mode the runtime's locks are plain ones: these programs wait for ever, or just go on.
        let plain_locks = ["lock_twice", "write_what_was_read", "locks_in_a_circle"];
        for name in names
            .into_iter()
            .filter(|name| !plain_locks.contains(&name.as_str()))
        {
            let ended = self.run("refusal", &[&format!("call={name}")]);
            programs::expect_refusal(&name, &ended, "before\n");
        }
        let goes_on = self.succeed("refusal", &["call=write_what_was_read"]);
        assert_eq!(goes_on, "before\nafter\n", "{}", self.backend);
    }

    /// A thread outside of handlers that wants a lock which a handler takes.
    pub(crate) fn contention_stops(&self) {
        // A refusal if the other thread waits for the lock, a fault if it comes between the runs. Or nobody gets it
        // any more: that a thread waits in a handler is undone with everything else. The other thread is outside of
        // handlers, so it may have seen what a run has left.
        let fault = format!("fault={}", incidents::CONTENDED);
        let ended = self.run("trap", &[&fault]);
        let stops = [Some(EXIT_REFUSED), Some(EXIT_FAULT), Some(child::TIMED_OUT)];
        assert!(stops.contains(&ended.status), "{}: {ended:?}", self.backend);
        assert!(
            !ended.stdout.contains("after"),
            "{}: {ended:?}",
            self.backend
        );
    }

    /// A service with a quarter of its messages struck: all of them are dropped, or tried again with
    /// success, and answers and state are right. The program compares them with a model.
    pub(crate) fn all_policies_are_followed(&self) {
        for policy in ["drop", "retry"] {
            let arguments = ["campaign", "count=1000", &format!("policy={policy}")];
            let ended = self.run("policies", &arguments);
            assert_eq!(
                ended.status,
                Some(0),
                "{policy} on {}: {ended:?}",
                self.backend
            );
        }
        let arguments = ["campaign", "count=1000", "policy=abort"];
        assert_eq!(self.run("policies", &arguments).status, Some(EXIT_FAULT));
    }

    fn expect_incident(&self, expected: &Incident) {
        let (fault, backend) = (expected.fault, self.backend);
        let ended = self.run("trap", &[&format!("fault={fault}")]);
        assert_eq!(
            ended.status,
            Some(EXIT_FAULT),
            "{fault} on {backend}: {ended:?}"
        );
        assert_eq!(
            ended.stdout, "before\n",
            "{fault} on {backend}: something left"
        );
        let incident: Value = serde_json::from_str(&ended.stderr).expect("an incident is JSON");
        assert_eq!(
            incident["stage"], expected.stage,
            "{fault} on {backend}: {incident}"
        );
        assert_eq!(
            incident["reason"], expected.reason,
            "{fault} on {backend}: {incident}"
        );
    }
}

/// A program whose allocator page mode cannot use.
pub(crate) fn another_allocator_is_refused() {
    let programs = Programs::plain();
    let ended = child::run(&programs.program("own_allocator"), &["page"]);
    assert_ne!(ended.status, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("page mode needs asc-alloc"),
        "{ended:?}"
    );
}
