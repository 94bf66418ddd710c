//! One server from its start to its end.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::churn::churn;
use super::owner::{Finding, Owner, Stage};
use super::strikes::Strikes;
use super::tally::Tally;
use crate::failure::Result;
use crate::live::call::Call;
use crate::live::server::{Server, Setup};
use crate::live::sites::Sites;
use crate::live::threads::{Event, Threads};
use crate::live::vigil::Vigil;
use crate::oracle::{self, End};
use crate::plan::random_of;
use crate::results::Outcome;

/// Clients that own keys.
const OWNERS: u64 = 3;
/// Streams of random numbers that one life uses: for its clients and for what churns.
const STREAMS: u64 = OWNERS + 1;
/// Between two looks at a server that runs natively.
const LOOK_INTERVAL: Duration = Duration::from_micros(100);
/// A process whose clients have lost it is gone by then.
const ENDING: Duration = Duration::from_secs(2);
/// Between two looks at its memory and at what it reports.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
/// The memory of shorter lives says nothing: the cache is still filling.
const MEASURED_MIN: Duration = Duration::from_secs(12);
/// So long after its start the cache is full.
const FILLED: Duration = Duration::from_secs(4);

/// What is the same in all lives.
#[derive(Debug)]
pub struct Ground {
    /// How servers are started.
    pub setup: Setup,
    /// Where the handler's function begins in the program.
    pub entry: u64,
    /// When all is over.
    pub end: Instant,
    /// Seed of what clients do.
    pub seed: u64,
}

/// Lives life `number`; the calling thread traces the server.
pub fn live(
    ground: &Ground,
    sites: &mut Option<Sites>,
    number: u64,
    strikes: &mut Strikes,
    tally: &mut Tally,
) -> Result<()> {
    let server = Server::start(&ground.setup)?;
    let threads = Threads::seize(server.pid())?;
    let sites = match sites {
        Some(sites) => sites,
        none => none.insert(Sites::new(&ground.setup.program, threads.process())?),
    };
    let stage = Arc::new(Stage::default());
    let mut life = Life {
        vigil: Vigil::over(threads.process(), &stage.replies),
        watch: Watch::over(threads.process()),
        clients: clients(ground, &server, &stage, number),
        entry: sites.loaded(ground.entry),
        threads,
        server,
        stage,
        armed: false,
        over: false,
        in_time: false,
    };
    strikes.begin();
    tally.lives += 1;
    let lived = life.run(ground.end, sites, strikes, tally);
    life.stage.over.store(true, Relaxed);
    lived?;
    life.judge(strikes, tally)
}

/// The clients of a life and what they found.
type Clients = Vec<JoinHandle<Finding>>;

fn clients(ground: &Ground, server: &Server, stage: &Arc<Stage>, life: u64) -> Clients {
    let random = |stream| random_of(ground.seed, life * STREAMS + stream);
    let address = server.address;
    let (churning, churned) = (Arc::clone(stage), random(OWNERS));
    // It ends with the others and has nothing to tell.
    thread::spawn(move || churn(address, churned, &churning.over));
    (0..OWNERS)
        .map(|number| {
            let (owner, stage) = (
                Owner::new(address, number, random(number)),
                Arc::clone(stage),
            );
            thread::spawn(move || owner.work(&stage))
        })
        .collect()
}

struct Life {
    /// Before the threads, so that the process is there while it is watched.
    vigil: Vigil,
    watch: Watch,
    clients: Clients,
    entry: u64,
    threads: Threads,
    server: Server,
    stage: Arc<Stage>,
    /// Whether a breakpoint waits.
    armed: bool,
    /// Whether the process is no more.
    over: bool,
    /// Whether the soak has ended before anything else did.
    in_time: bool,
}

impl Life {
    /// Until the process has ended, or all clients have: with the soak, or with a wrong reply.
    fn run(
        &mut self,
        end: Instant,
        sites: &mut Sites,
        strikes: &mut Strikes,
        tally: &mut Tally,
    ) -> Result<()> {
        while !self.over && !self.clients.iter().any(JoinHandle::is_finished) {
            if Instant::now() >= end {
                self.stage.over.store(true, Relaxed);
            }
            let is_struck = strikes.is_due() && !self.stage.over.load(Relaxed);
            self.arm(is_struck);
            if let Event::Reached(tracee) = self.look()? {
                self.armed = false;
                let mut call = Call::begin(tracee)?;
                // A thread that vanishes under the tracer's hands ends with its process.
                let struck = strikes.strike(&mut call, sites).unwrap_or(false);
                tally.strikes += u64::from(struck);
                self.threads.resume(call.end());
                self.over = self.threads.end().is_some();
            }
            self.watch
                .look(&self.server.errors, strikes.is_calm(), tally)?;
        }
        // Clients that nobody listens to any more end before the process is reaped.
        self.in_time = self.stage.over.swap(true, Relaxed);
        let patience = Instant::now() + ENDING;
        self.arm(false);
        while !self.over
            && (!self.clients.iter().all(JoinHandle::is_finished)
                || !self.in_time && Instant::now() < patience)
        {
            self.look()?;
        }
        Ok(())
    }

    /// A process that a strike is ending has no memory any more; its end is reported soon.
    fn arm(&mut self, wanted: bool) {
        if wanted && !self.armed {
            self.armed = self.threads.set_breakpoint(self.entry).is_ok();
        } else if !wanted && self.armed {
            self.armed = self.threads.clear_breakpoint().is_err();
        }
    }

    fn look(&mut self) -> Result<Event> {
        let event = self.threads.poll()?;
        if event.is_none() {
            thread::sleep(LOOK_INTERVAL);
        }
        self.over = matches!(event, Some(Event::Ended)) || self.threads.end().is_some();
        Ok(event.unwrap_or(Event::Nothing))
    }

    fn judge(mut self, strikes: &Strikes, tally: &mut Tally) -> Result<()> {
        self.vigil.end();
        let ended = self.threads.end();
        for client in std::mem::take(&mut self.clients) {
            let finding = client
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            tally.seen += finding.seen;
            let told = |wrong| format!("{wrong}; struck before: {}", strikes.latest());
            tally.wrong.extend(finding.wrong.map(told));
        }
        self.watch.finish(&self.server.errors, tally)?;
        let end = match ended {
            None if self.in_time => "soak over".to_owned(),
            None if tally.wrong.is_empty() => name(Outcome::Hung).to_owned(),
            None => "wrong reply".to_owned(),
            Some(stop) => {
                let end = End {
                    stop,
                    signals: self.threads.signals().to_vec(),
                    hung: self.vigil.has_bitten(),
                };
                let errors = oracle::appended(&self.server.errors, 0)?;
                name(oracle::ended_early(&end, &errors).0).to_owned()
            }
        };
        *tally.ends.entry(end).or_default() += 1;
        Ok(())
    }
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Detected => "detected",
        Outcome::Hung => "hung",
        _ => "crashed",
    }
}

/// What a server occupies and what it reports.
struct Watch {
    process: Pid,
    begun: Instant,
    next: Instant,
    /// Bytes of its standard error that were read.
    read: u64,
    /// When, and how many bytes of main memory.
    samples: Vec<(Duration, u64)>,
}

impl Watch {
    fn over(process: Pid) -> Self {
        Self {
            process,
            begun: Instant::now(),
            next: Instant::now(),
            read: 0,
            samples: Vec::new(),
        }
    }

    fn look(&mut self, errors: &File, calm: bool, tally: &mut Tally) -> Result<()> {
        if Instant::now() < self.next {
            return Ok(());
        }
        self.next = Instant::now() + SAMPLE_INTERVAL;
        if let Some(bytes) = resident_bytes(self.process) {
            self.samples.push((self.begun.elapsed(), bytes));
        }
        let reported = self.report(errors, tally)?;
        tally.false_alarms += if calm { reported } else { 0 };
        Ok(())
    }

    fn finish(&mut self, errors: &File, tally: &mut Tally) -> Result<()> {
        self.report(errors, tally)?;
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

    /// Counts the incidents that are new.
    fn report(&mut self, errors: &File, tally: &mut Tally) -> Result<u64> {
        let text = oracle::appended(errors, self.read)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let Some(whole) = whole else { return Ok(0) };
        self.read += whole as u64 + 1;
        let mut new = 0;
        for line in String::from_utf8_lossy(&text[..whole]).lines() {
            if let Some(action) = action_of(line) {
                *tally.incidents.entry(action).or_default() += 1;
                new += 1;
            }
        }
        Ok(new)
    }
}

/// What was done, if the line is an incident.
fn action_of(line: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value.get("asc_incident")?;
    Some(value["action"].as_str()?.to_owned())
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

    #[test]
    fn incidents_are_told_from_other_lines() {
        let incident = r#"{"asc_incident":2,"action":"retry","note":""}"#;
        assert_eq!(action_of(incident).as_deref(), Some("retry"));
        for line in ["", "asc: refused", "{}", r#"{"action":"retry"}"#] {
            assert_eq!(action_of(line), None, "{line}");
        }
    }
}
