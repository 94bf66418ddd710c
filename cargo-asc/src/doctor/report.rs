//! Writes the findings down: a table for people, JSON for programs.

use super::finding::Finding;

/// A table: what, verdict, found, and what to do below it.
pub(super) fn table(findings: &[Finding], modes: &[Finding]) -> String {
    let all = || findings.iter().chain(modes);
    let width = all().map(|finding| finding.what.len()).max().unwrap_or(0);
    let heading = |what: &str| format!("{what:width$}  {:8} found\n", "verdict");
    let lines = |findings: &[Finding]| -> String {
        findings
            .iter()
            .map(|finding| line(finding, width))
            .collect()
    };
    format!(
        "{}{}\n{}{}",
        heading("what"),
        lines(findings),
        heading("mode"),
        lines(modes)
    )
}

fn line(finding: &Finding, width: usize) -> String {
    let indent = format!("\n{:1$}", "", width + 11);
    let found = finding.found.replace('\n', &indent);
    let next_step = match finding.next_step.as_str() {
        "" => String::new(),
        next_step => format!("{indent}to do: {next_step}"),
    };
    format!(
        "{:width$}  {:8} {found}{next_step}\n",
        finding.what,
        finding.verdict.word()
    )
}

/// One JSON object.
pub(super) fn json(findings: &[Finding], modes: &[Finding], works: bool) -> String {
    let report = serde_json::json!({
        "hardened_builds_work": works,
        "findings": findings,
        "modes": modes,
    });
    format!("{report:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_below_each_other() {
        let findings = [
            Finding::good("a", "one\ntwo"),
            Finding::missing("longer", "none", "mend"),
        ];
        let expected = "\
what    verdict  found
a       good     one
                 two
longer  missing  none
                 to do: mend

mode    verdict  found
";
        assert_eq!(table(&findings, &[]), expected);
    }
}
