//! The processor: checksum instructions, protection keys, cores.

use std::fs;
use std::thread;

use super::finding::Finding;

/// What the processor offers.
pub(super) struct Processor {
    pub(super) findings: Vec<Finding>,
    /// Whether the kernel lets programs use protection keys.
    pub(super) has_protection_keys: bool,
    /// Whether the processor has what line codes are computed with.
    pub(super) has_crc_instruction: bool,
}

/// Looks at the processor.
pub(super) fn look() -> Processor {
    let has_protection_keys = has_flag("ospke");
    let has_crc_instruction =
        is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("pclmulqdq");
    Processor {
        findings: vec![checksums(), protection_keys(has_protection_keys), cores()],
        has_protection_keys,
        has_crc_instruction,
    }
}

fn checksums() -> Finding {
    const WHAT: &str = "checksum instructions";
    let instructions = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("vpclmulqdq", is_x86_feature_detected!("vpclmulqdq")),
    ];
    let names = |wanted: bool| -> Vec<&str> {
        instructions
            .iter()
            .filter(|(_, is)| *is == wanted)
            .map(|(name, _)| *name)
            .collect()
    };
    let (there, absent) = (names(true), names(false));
    if absent.is_empty() {
        return Finding::good(WHAT, there.join(", "));
    }
    let found = format!("{}; without {}", there.join(", "), absent.join(", "));
    // sse4.2 and pclmulqdq cover all short messages.
    if absent == ["vpclmulqdq"] {
        return Finding::good(WHAT, found);
    }
    Finding::limited(
        WHAT,
        found,
        "expect slower checksums; a virtual machine may hide instructions",
    )
}

fn protection_keys(has_protection_keys: bool) -> Finding {
    const WHAT: &str = "protection keys (PKU)";
    if has_protection_keys {
        Finding::good(WHAT, "there, switched on by the kernel (ospke)")
    } else if has_flag("pku") {
        Finding::limited(
            WHAT,
            "in the processor, but switched off by the kernel",
            "start the kernel without nopku",
        )
    } else {
        Finding::limited(
            WHAT,
            "none",
            "page mode protects by page only; word level needs no keys",
        )
    }
}

fn cores() -> Finding {
    let count = thread::available_parallelism().map_or(1, |count| count.get());
    if count > 1 {
        return Finding::good("cores", count.to_string());
    }
    Finding::limited(
        "cores",
        "1",
        "the second run stays on the core of the first: a permanent fault of that core goes unseen",
    )
}

/// Whether /proc/cpuinfo names a flag.
fn has_flag(flag: &str) -> bool {
    fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| flags_contain(&text, flag))
}

fn flags_contain(text: &str, flag: &str) -> bool {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == "flags")
        .is_some_and(|(_, flags)| flags.split_whitespace().any(|word| word == flag))
}

#[cfg(test)]
mod tests {
    use super::flags_contain;

    #[test]
    fn flags_are_whole_words_of_the_flags_line() {
        let text = "model name\t: ospke\nflags\t\t: fpu pku ospkex\n";
        assert!(flags_contain(text, "pku"));
        assert!(!flags_contain(text, "ospke"));
    }
}
