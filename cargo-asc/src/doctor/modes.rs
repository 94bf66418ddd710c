//! The conclusion for each mode of hardening.

use super::finding::Finding;
use super::memory::Memory;
use super::processor::Processor;

/// What each mode can do here.
pub(super) fn conclude(works: bool, processor: &Processor, memory: &Memory) -> Vec<Finding> {
    vec![
        word_level(works),
        page_level(processor, memory),
        integrity(processor, memory),
    ]
}

fn word_level(works: bool) -> Finding {
    const WHAT: &str = "hardened (word level)";
    if works {
        Finding::good(WHAT, "works: cargo asc build")
    } else {
        Finding::missing(WHAT, "does not work", "mend what is missing above")
    }
}

/// Page mode and the software code are not part of this version; what the machine offers them is
/// said all the same, because it decides what to buy.
fn page_level(processor: &Processor, memory: &Memory) -> Finding {
    let offer = match (memory.has_userfaultfd, processor.has_protection_keys) {
        (true, true) => "userfaultfd and protection keys",
        (true, false) => "userfaultfd, no protection keys",
        (false, true) => "mprotect and protection keys",
        (false, false) => "mprotect alone",
    };
    Finding::limited(
        "page mode",
        format!("not in this version; for it this machine has {offer}"),
        "use the word level",
    )
}

fn integrity(processor: &Processor, memory: &Memory) -> Finding {
    const WHAT: &str = "integrity of resting state";
    if memory.has_ecc {
        return Finding::good(WHAT, "ECC: the hardware corrects");
    }
    let crc = if processor.has_crc_instruction {
        "the instructions for a software code are there"
    } else {
        "a software code would be slow without sse4.2"
    };
    Finding::limited(
        WHAT,
        format!("no ECC seen: resting state is unprotected; {crc}"),
        "use a machine with ECC; the software code is not in this version",
    )
}
