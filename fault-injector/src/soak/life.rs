//! One server from its start to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::blame::Blame;
use super::churn::churn;
use super::ending::Ending;
use super::owner::{Finding, Owner, Stage};
use super::strikes::Strikes;
use super::tally::Tally;
use super::watch::Watch;
use crate::failure::Result;
use crate::live::call::Call;
use crate::live::server::{Server, Setup};
use crate::live::sites::Sites;
use crate::live::threads::{Event, Threads};
use crate::live::vigil::Vigil;
use crate::oracle::{self, End};
use crate::plan::random_of;
use crate::results::Outcome;
use crate::tracer::Tracee;

/// Clients that own keys.
const OWNERS: u64 = 3;
/// Streams of random numbers that one life uses: for its clients and for what churns.
const STREAMS: u64 = OWNERS + 1;
/// Between two looks at a server that runs natively.
const LOOK_INTERVAL: Duration = Duration::from_micros(100);
/// A process whose clients have lost it is gone by then.
const ENDING: Duration = Duration::from_secs(2);

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
        blame: Blame::Unstruck,
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
    /// Whether the soak has ended before anything else did, and all clients were served to the end.
    in_time: bool,
    /// What strikes could be blamed for when the server was looked at last.
    blame: Blame,
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
            self.blame = strikes.blame();
            if let Event::Reached(tracee) = self.look()? {
                self.armed = false;
                tally.calls += 1;
                tally.strikes += u64::from(self.strike(tracee, sites, strikes, tally)?);
            }
            self.watch.look(&self.server.errors, self.blame, tally)?;
        }
        let in_time = self.stage.over.swap(true, Relaxed);
        self.arm(false);
        self.wait_for_end(in_time, strikes, tally)?;
        self.in_time = in_time && !self.stage.lost.load(Relaxed);
        Ok(())
    }

    /// Clients that nobody listens to any more end before the process is reaped.
    fn wait_for_end(&mut self, in_time: bool, strikes: &Strikes, tally: &mut Tally) -> Result<()> {
        let patience = Instant::now() + ENDING;
        while !self.over {
            let is_left = self.clients.iter().all(JoinHandle::is_finished);
            let is_ending = !in_time || self.stage.lost.load(Relaxed);
            if is_left && !(is_ending && Instant::now() < patience) {
                break;
            }
            self.blame = strikes.blame();
            self.look()?;
            self.watch.look(&self.server.errors, self.blame, tally)?;
        }
        Ok(())
    }

    /// Strikes the call at whose entry the thread stands; says whether it did. A thread that vanishes under
    /// the tracer's hands ends with its process, and one whose process was struck before may be lost anywhere.
    ///
    /// Stepping takes up to a second, in which the server reports what strikes before have led to: it is
    /// looked at before and behind that, with what these can be blamed for.
    fn strike(
        &mut self,
        tracee: Tracee,
        sites: &mut Sites,
        strikes: &mut Strikes,
        tally: &mut Tally,
    ) -> Result<bool> {
        self.watch
            .look_now(&self.server.errors, self.blame, tally)?;
        let (struck, tracee) = Call::within(tracee, |call| strikes.strike(call, sites));
        self.watch
            .look_now(&self.server.errors, self.blame, tally)?;
        let excused = self.blame != Blame::Unstruck || tracee.registers().is_err();
        self.blame = self.blame.max(strikes.blame());
        self.threads.resume(tracee);
        self.over = self.threads.end().is_some();
        match struck {
            Err(_) if excused => Ok(false),
            struck => struck,
        }
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
        let mut unanswered = 0;
        for client in std::mem::take(&mut self.clients) {
            let finding = client
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            unanswered += finding.seen.unanswered;
            tally.seen += finding.seen;
            let told = |wrong| format!("{wrong}; struck before: {}", strikes.latest());
            tally.wrong.extend(finding.wrong.map(told));
        }
        if self.threads.end().is_none() {
            tally.add_unanswered(unanswered, self.blame);
        }
        self.watch.finish(&self.server.errors, self.blame, tally)?;
        tally.add_ending(&self.ending(tally), self.blame);
        Ok(())
    }

    fn ending(&self, tally: &Tally) -> Ending {
        let Some(stop) = self.threads.end() else {
            return match (self.in_time, tally.wrong.is_empty()) {
                (true, _) => Ending::InTime,
                (false, true) => Ending::Early(Outcome::Hung, "a worker".to_owned()),
                (false, false) => Ending::WrongReply,
            };
        };
        let end = End {
            stop,
            signals: self.threads.signals().to_vec(),
            hung: self.vigil.has_bitten(),
        };
        let (outcome, detail) = oracle::ended_early(&end, self.watch.latest().as_bytes());
        Ending::Early(outcome, detail)
    }
}
