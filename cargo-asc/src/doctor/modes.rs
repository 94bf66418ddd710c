//! The conclusion for each mode of hardening.

use super::finding::Finding;
use super::kernel::Kernel;
use super::memory::Memory;
use super::processor::Processor;
use crate::integrity::Integrity;

/// What each mode can do here.
pub(super) fn conclude(
    works: bool,
    processor: &Processor,
    kernel: &Kernel,
    memory: &Memory,
) -> Vec<Finding> {
    vec![
        word_level(works),
        page_level(processor, kernel, memory),
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

/// Page mode runs on any machine, but sees every store only where ordinary memory can be closed to
/// handlers.
fn page_level(processor: &Processor, kernel: &Kernel, memory: &Memory) -> Finding {
    const WHAT: &str = "page mode";
    let sees_everything = processor.has_protection_keys && kernel.reaches_closed_stacks;
    let backend = match (memory.has_userfaultfd, processor.has_protection_keys) {
        (true, true) => "protection keys and userfaultfd",
        (true, false) => "userfaultfd",
        (false, _) => "mprotect",
    };
    if sees_everything {
        let found = format!("works, by {backend}: feature `page` of asc-runtime");
        return Finding::good(WHAT, found);
    }
    Finding::limited(
        WHAT,
        format!(
            "sees protected memory alone, by {backend}: all else needs protection keys and Linux 6.12"
        ),
        "keep all state in `protected` memory and call `Builder::accept_unguarded`, or build with cargo asc",
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
            "no sse4.2 and pclmulqdq for the software code, which --integrity crc needs",
            "use a machine with ECC, or a processor with both",
        ),
        Integrity::Crc => Finding::good(WHAT, "crc: a code for each line of the protected heap"),
        Integrity::Ecc => Finding::limited(
            WHAT,
            "no ECC seen: resting state is unprotected by default",
            "build with --integrity crc, which keeps a code for each line of the protected heap",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn page_mode(has_protection_keys: bool, reaches_closed_stacks: bool) -> Finding {
        let processor = Processor {
            findings: Vec::new(),
            has_protection_keys,
            has_crc_instruction: true,
        };
        let kernel = Kernel {
            findings: Vec::new(),
            reaches_closed_stacks,
        };
        let memory = Memory {
            findings: Vec::new(),
            has_userfaultfd: true,
            has_ecc: false,
        };
        page_level(&processor, &kernel, &memory)
    }

    #[test]
    fn page_mode_works_where_every_store_is_seen() {
        assert_eq!(page_mode(true, true).verdict, Verdict::Good);
        for (keys, kernel) in [(true, false), (false, true), (false, false)] {
            let finding = page_mode(keys, kernel);
            assert_eq!(finding.verdict, Verdict::Limited);
            assert!(
                finding.next_step.contains("accept_unguarded"),
                "{finding:?}"
            );
        }
    }
}
