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

fn page_level(processor: &Processor, memory: &Memory) -> Finding {
    const WHAT: &str = "page mode";
    match (memory.has_userfaultfd, processor.has_protection_keys) {
        (true, true) => Finding::good(
            WHAT,
            "userfaultfd for cold pages, protection keys as the gate",
        ),
        (true, false) => Finding::limited(
            WHAT,
            "userfaultfd, without the gate of protection keys",
            "expect more faults per handler",
        ),
        (false, true) => Finding::limited(
            WHAT,
            "mprotect for cold pages, protection keys as the gate",
            "allow userfaultfd, see above",
        ),
        (false, false) => Finding::limited(WHAT, "mprotect alone", "allow userfaultfd, see above"),
    }
}

fn integrity(processor: &Processor, memory: &Memory) -> Finding {
    const WHAT: &str = "integrity of resting state";
    if memory.has_ecc {
        return Finding::good(WHAT, "Integrity::Ecc: the hardware corrects");
    }
    if processor.has_crc_instruction {
        return Finding::limited(
            WHAT,
            "no ECC seen: Integrity::Crc is needed, its instructions are there",
            "choose Integrity::Crc",
        );
    }
    Finding::limited(
        WHAT,
        "no ECC seen: Integrity::Crc is needed, and slow without sse4.2",
        "use a machine with ECC, or choose Integrity::Crc",
    )
}
