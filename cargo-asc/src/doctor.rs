//! `cargo asc doctor`: what works on this machine, and what to do about the rest.
//!
//! 1. [`toolchain`], [`processor`], [`kernel`] and [`memory`] each look at one part of
//!    the machine and report [`Finding`]s. Looking changes nothing: the sysroot is
//!    not built and no setting is touched.
//! 2. [`modes`] draws the conclusion for each mode of hardening.
//! 3. [`report`] prints a table or JSON.

mod finding;
mod kernel;
mod memory;
mod modes;
mod processor;
mod report;
mod toolchain;

use std::io::Write;

use self::finding::{Finding, Verdict};
use crate::refusal::Refusal;

/// Exit status when hardened builds do not work here.
const NOT_WORKING: u8 = 1;

/// Prints the state of this machine; 0 when hardened builds work here.
pub(crate) fn run(as_json: bool) -> Result<u8, Refusal> {
    let toolchain = toolchain::look();
    let processor = processor::look();
    let kernel = kernel::look();
    let memory = memory::look();
    let works = is_without_fault(&toolchain);
    let modes = modes::conclude(works, &processor, &kernel, &memory);
    let findings: Vec<Finding> = toolchain
        .into_iter()
        .chain(processor.findings)
        .chain(kernel.findings)
        .chain(memory.findings)
        .collect();
    let report = if as_json {
        report::json(&findings, &modes, works)
    } else {
        report::table(&findings, &modes)
    };
    std::io::stdout()
        .write_all(report.as_bytes())
        .map_err(|error| Refusal::file("write", "standard output".as_ref(), &error))?;
    Ok(if works { 0 } else { NOT_WORKING })
}

fn is_without_fault(findings: &[Finding]) -> bool {
    findings
        .iter()
        .all(|finding| finding.verdict != Verdict::Missing)
}
