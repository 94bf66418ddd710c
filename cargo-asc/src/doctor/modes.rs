//! The conclusion for each mode of hardening.

use super::finding::Finding;
use super::memory::Memory;
use super::processor::Processor;
use crate::integrity::Integrity;

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
    let chosen = match Integrity::of_environment() {
        Ok(chosen) => chosen,
        Err(refusal) => return Finding::missing(WHAT, refusal.found(), refusal.next_step()),
    };
    match chosen {
        _ if memory.has_ecc && chosen == Integrity::Ecc => {
            Finding::good(WHAT, "ecc: the hardware corrects")
        }
        _ if !processor.has_crc_instruction => Finding::limited(
            WHAT,
            "no sse4.2 for the software code, which --integrity crc needs",
            "use a machine with ECC, or a processor with sse4.2",
        ),
        Integrity::Crc => Finding::good(WHAT, "crc: a code for each line of the protected heap"),
        Integrity::Ecc => Finding::limited(
            WHAT,
            "no ECC seen: resting state is unprotected by default",
            "build with --integrity crc, which keeps a code for each line of the protected heap",
        ),
    }
}
