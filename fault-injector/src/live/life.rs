//! One life of the server, with at most one injection.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use super::call::Call;
use super::client::Load;
use super::script::Script;
use super::server::{Server, Setup};
use super::sites::Sites;
use super::threads::{Event, Threads};
use super::verdict;
use super::vigil::Vigil;
use crate::failure::Result;
use crate::oracle::Verdict;

/// Between two looks at a server that runs natively.
const LOOK_INTERVAL: Duration = Duration::from_micros(100);
/// A process that has closed its connections at its end is gone by then.
const CLOSING: Duration = Duration::from_secs(2);

/// What is the same in all lives.
#[derive(Debug)]
pub struct Ground {
    /// How servers are started.
    pub setup: Setup,
    /// What they are asked.
    pub script: Script,
    /// Where the handler begins in the program.
    pub entry: u64,
}

/// What a visitor has done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Nothing yet: it wants another call.
    Again,
    /// What it came for.
    Done,
}

/// How a life went.
#[derive(Debug)]
pub struct Lived {
    /// Replies that had come when the visitor was done; `None` if no call was left for it.
    pub visited_at: Option<u64>,
    /// What came of it.
    pub verdict: Verdict,
}

/// Lives one life. Behind `moment` replies `visit` gets calls of the handler until it is done.
///
/// The calling thread traces the server.
pub fn live(
    ground: &Ground,
    sites: &mut Option<Sites>,
    moment: u64,
    visit: impl FnMut(&mut Call<'_>, &mut Sites) -> Result<Visit>,
) -> Result<Lived> {
    let server = Server::start(&ground.setup)?;
    let threads = Threads::seize(server.pid())?;
    let sites = match sites {
        Some(sites) => sites,
        none => none.insert(Sites::new(&ground.setup.program, threads.process())?),
    };
    let replies = Arc::new(AtomicU64::new(0));
    let mut life = Life {
        load: Load::start(server.address, &ground.script.connections, &replies),
        vigil: Vigil::over(threads.process(), &replies),
        threads,
        server,
        replies,
        over: false,
    };
    life.wait_for(moment)?;
    let visited = life.show_calls(sites.loaded(ground.entry), sites, visit)?;
    let visited_at = visited.then(|| life.load.replies());
    let mut verdict = life.run_out(&ground.script)?;
    let replies = life.load.replies();
    verdict.replies = (replies - visited_at.unwrap_or(replies)) as u32;
    Ok(Lived {
        visited_at,
        verdict,
    })
}

struct Life {
    /// Before the threads, so that the process is there while it is watched.
    vigil: Vigil,
    threads: Threads,
    server: Server,
    load: Load,
    replies: Arc<AtomicU64>,
    over: bool,
}

impl Life {
    fn wait_for(&mut self, moment: u64) -> Result<()> {
        while self.load.replies() < moment && !self.load.is_over() {
            self.look()?;
        }
        Ok(())
    }

    /// Says whether the visitor was done before the clients were.
    fn show_calls(
        &mut self,
        entry: u64,
        sites: &mut Sites,
        mut visit: impl FnMut(&mut Call<'_>, &mut Sites) -> Result<Visit>,
    ) -> Result<bool> {
        self.threads.set_breakpoint(entry)?;
        while !self.over && !self.load.is_over() {
            let Event::Reached(tracee) = self.look()? else {
                continue;
            };
            let (visited, tracee) = Call::within(tracee, |call| visit(call, sites));
            if matches!(visited, Ok(Visit::Again)) {
                self.threads.set_breakpoint(entry)?;
            }
            self.threads.resume(tracee);
            if visited? == Visit::Done {
                return Ok(true);
            }
        }
        self.threads.clear_breakpoint()?;
        Ok(false)
    }

    /// Until the clients have seen a wrong reply, or all is asked, or the process is no more.
    fn run_out(&mut self, script: &Script) -> Result<Verdict> {
        if let Some(verdict) = self.finish_load()? {
            return Ok(verdict);
        }
        let address = self.server.address;
        let sweep = std::slice::from_ref(&script.sweep);
        let asked = std::mem::replace(&mut self.load, Load::start(address, sweep, &self.replies));
        drop(asked);
        match self.finish_load()? {
            Some(verdict) => Ok(verdict.of_state()),
            None => verdict::unnoticed(self.threads.signals(), &self.server.errors),
        }
    }

    /// `None` if all replies were right.
    fn finish_load(&mut self) -> Result<Option<Verdict>> {
        let mut closing = None;
        loop {
            self.look()?;
            let answered = self.load.is_over();
            if let Some(detail) = self.load.wrong() {
                return Ok(Some(verdict::wrong_reply(detail)));
            }
            if self.over {
                return self.judge_end().map(Some);
            }
            if answered && !self.load.closed() {
                return Ok(None);
            }
            let now = Instant::now();
            if answered && now > *closing.get_or_insert(now) + CLOSING {
                return Ok(Some(verdict::closed()));
            }
        }
    }

    fn judge_end(&mut self) -> Result<Verdict> {
        // Their connections are at an end.
        self.load.finish();
        if let Some(detail) = self.load.wrong() {
            return Ok(verdict::wrong_reply(detail));
        }
        let (end, signals) = (self.threads.end(), self.threads.signals());
        verdict::ended(end, signals, self.vigil.has_bitten(), &self.server.errors)
    }

    fn look(&mut self) -> Result<Event> {
        if self.over {
            return Ok(Event::Nothing);
        }
        let event = self.threads.poll()?;
        if event.is_none() {
            thread::sleep(LOOK_INTERVAL);
        }
        self.over = matches!(event, Some(Event::Ended)) || self.threads.end().is_some();
        Ok(event.unwrap_or(Event::Nothing))
    }
}
