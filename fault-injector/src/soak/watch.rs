//! What a server occupies and what it reports, looked at while it runs and once more behind its end.

use std::fs::File;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::blame::{Blame, Shows};
use super::tally::Tally;
use crate::failure::Result;
use crate::oracle;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(100);
/// The memory of shorter lives says nothing: the cache is still filling.
pub const MEASURED_MIN: Duration = Duration::from_secs(12);
/// So long after its start the cache is full.
const FILLED: Duration = Duration::from_secs(4);
/// The stage at which the runtime finds what has changed in memory at rest.
pub(super) const AT_REST: &str = "integrity";

/// Watches one server.
#[derive(Debug)]
pub(super) struct Watch {
    process: Pid,
    begun: Instant,
    next: Instant,
    /// Bytes of its standard error that were read.
    read: u64,
    /// The latest report, as a line.
    latest: String,
    /// When, and how many bytes of main memory.
    samples: Vec<(Duration, u64)>,
}

impl Watch {
    pub(super) fn over(process: Pid) -> Self {
        Self {
            process,
            begun: Instant::now(),
            next: Instant::now(),
            read: 0,
            latest: String::new(),
            samples: Vec::new(),
        }
    }

    /// The line in which the server has said last that it has seen something; empty if it has not.
    pub(super) fn latest(&self) -> &str {
        &self.latest
    }

    /// Looks, if it is time to.
    pub(super) fn look(&mut self, errors: &File, blame: Blame, tally: &mut Tally) -> Result<()> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.look_now(errors, blame, tally)
    }

    /// Looks.
    pub(super) fn look_now(
        &mut self,
        errors: &File,
        blame: Blame,
        tally: &mut Tally,
    ) -> Result<()> {
        self.next = Instant::now() + INTERVAL;
        if let Some(bytes) = resident_bytes(self.process) {
            self.samples.push((self.begun.elapsed(), bytes));
        }
        self.read_reports(errors, blame, tally)
    }

    /// The last look, at what the server has said before its end. `blame` is that of the moment when the
    /// end was noticed.
    pub(super) fn finish(&mut self, errors: &File, blame: Blame, tally: &mut Tally) -> Result<()> {
        self.read_reports(errors, blame, tally)?;
        let life = self.begun.elapsed();
        tally.life_seconds_max = tally.life_seconds_max.max(life.as_secs_f64());
        let most = |samples: &mut dyn Iterator<Item = &(Duration, u64)>| {
            samples.map(|(_, bytes)| *bytes).max().unwrap_or(0)
        };
        tally.resident_bytes_max = tally.resident_bytes_max.max(most(&mut self.samples.iter()));
        if life >= MEASURED_MIN {
            let middle = (FILLED + life) / 2;
            let settled = self.samples.iter().filter(|(at, _)| *at >= FILLED);
            let early = most(&mut settled.clone().filter(|(at, _)| *at < middle));
            let late = most(&mut settled.filter(|(at, _)| *at >= middle));
            tally.add_growth(late.saturating_sub(early));
        }
        Ok(())
    }

    /// Counts the reports that are new.
    fn read_reports(&mut self, errors: &File, blame: Blame, tally: &mut Tally) -> Result<()> {
        let text = oracle::appended(errors, self.read)?;
        let Some(whole) = text.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        self.read += whole as u64 + 1;
        for line in String::from_utf8_lossy(&text[..whole]).lines() {
            if let Some((action, shows)) = report(line) {
                tally.add_report(action, blame.explains(shows));
                line.clone_into(&mut self.latest);
            }
        }
        Ok(())
    }
}

/// What was done, and when the like shows, if the line is an incident or a correction.
fn report(line: &str) -> Option<(String, Shows)> {
    let value = oracle::seen(line)?;
    let action = value["action"].as_str()?;
    let shows = if value["stage"] == AT_REST {
        Shows::Late
    } else {
        Shows::Soon
    };
    Some((action.to_owned(), shows))
}

/// `None` when the process is no more.
fn resident_bytes(process: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const STOPPED: &str = r#"{"asc_incident":2,"stage":"compare","action":"stop"}"#;
    const CORRECTED: &str = r#"{"asc_correction":1,"stage":"integrity","action":"correct"}"#;

    #[test]
    fn reports_are_told_from_other_lines() {
        assert_eq!(report(STOPPED), Some(("stop".to_owned(), Shows::Soon)));
        assert_eq!(report(CORRECTED), Some(("correct".to_owned(), Shows::Late)));
        for line in ["", "asc: refused", "{}", r#"{"action":"retry"}"#] {
            assert_eq!(report(line), None, "{line}");
        }
    }

    /// False alarms when a server says `line` right before its end, too late for any look but the last.
    fn alarms(line: &str, blame: Blame) -> u64 {
        let (mut errors, mut tally) = (tempfile::tempfile().unwrap(), Tally::default());
        let mut watch = Watch::over(Pid::this());
        watch.look(&errors, blame, &mut tally).unwrap();
        writeln!(errors, "{line}").unwrap();
        watch.look(&errors, blame, &mut tally).unwrap();
        assert_eq!(tally.false_alarms, 0, "looked at too early for this test");
        watch.finish(&errors, blame, &mut tally).unwrap();
        assert_eq!(watch.latest(), line);
        assert_eq!(tally.incidents.values().sum::<u64>(), 1);
        tally.false_alarms
    }

    #[test]
    fn the_last_words_of_a_server_can_be_a_false_alarm() {
        assert_eq!(alarms(STOPPED, Blame::Struck), 0);
        assert_eq!(alarms(STOPPED, Blame::Settled), 1);
        assert_eq!(alarms(STOPPED, Blame::Unstruck), 1);
    }

    #[test]
    fn a_correction_is_a_false_alarm_where_nothing_was_struck() {
        assert_eq!(alarms(CORRECTED, Blame::Unstruck), 1);
        assert_eq!(alarms(CORRECTED, Blame::Settled), 0);
    }
}
