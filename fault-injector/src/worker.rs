//! Carries injections out: one worker, one core, one traced target at a time.
//!
//! For each struck request:
//! 1. The target is brought to it.
//! 2. It is stepped from planned instruction to planned instruction; every step must be that of the
//!    golden walk.
//! 3. At each it is copied, the copy is struck, runs natively to its end and is judged.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::aftermath::{Difference, Memory};
use crate::failure::{Failure, Result};
use crate::fault::{MaskKind, Strike, Struck};
use crate::latency::Alarms;
use crate::oracle::{self, Golden, Verdict};
use crate::plan::{Injection, random_of};
use crate::profile::{Profile, Site};
use crate::results::{Outcome, Record, Zone};
use crate::tracer::launch::Launcher;
use crate::tracer::watchdog::Watchdog;
use crate::walk::{Markers, Walk};

/// What all workers share.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The golden walks.
    pub profile: &'a Profile,
    /// The golden replies and state.
    pub golden: &'a Golden,
    /// Where the runtime is when it reports.
    pub alarms: &'a Alarms,
    /// See [`Settings::latency_every`](crate::campaign::Settings::latency_every).
    pub latency_every: u64,
    /// The target's markers.
    pub markers: &'a Markers,
    /// Seed of the campaign.
    pub seed: u64,
    /// How many bits flip.
    pub mask: MaskKind,
}

/// One worker.
#[derive(Debug)]
pub struct Worker<'a> {
    assignment: &'a Assignment<'a>,
    launcher: Launcher,
    watchdog: Watchdog,
}

impl<'a> Worker<'a> {
    /// A worker with its own launcher. The calling thread becomes the tracer of all its targets.
    pub fn new(assignment: &'a Assignment<'a>, launcher: Launcher) -> Self {
        Self {
            assignment,
            launcher,
            watchdog: Watchdog::start(),
        }
    }

    /// Carries out injections of one request, ordered by step.
    pub fn carry_out(&self, injections: &[Injection], mut done: impl FnMut(Record)) -> Result<()> {
        let Some(first) = injections.first() else {
            return Ok(());
        };
        let golden_walk = &self.assignment.profile.requests[first.walk];
        let request = golden_walk.request;
        let mut walk = Walk::to_request(&self.launcher, self.assignment.markers, request)?;
        let said = length(&walk)?;
        let mut step = 0;
        for injection in injections {
            while step < injection.step {
                walk.advance(&self.site(golden_walk.steps[step as usize]).facts)?;
                step += 1;
            }
            let site = self.site(golden_walk.steps[step as usize]);
            demand_site(&walk, site, request, step)?;
            done(self.inject(&mut walk, injection, site, said)?);
        }
        Ok(())
    }

    /// Copies the target in the middle of each request without any fault; each copy must be as
    /// the golden life.
    pub fn check_fault_free(&self, number: usize) -> Result<()> {
        let golden_walk = &self.assignment.profile.requests[number];
        let request = golden_walk.request;
        let mut walk = Walk::to_request(&self.launcher, self.assignment.markers, request)?;
        let said = length(&walk)?;
        for step in 0..golden_walk.steps.len() / 2 {
            walk.advance(&self.site(golden_walk.steps[step]).facts)?;
        }
        let mut copy = walk.copy()?;
        let [limit, _] = oracle::TIME_LIMITS;
        let verdict = self.conclude(&walk, &mut copy, request, said, limit)?;
        if verdict.outcome == Outcome::Masked && verdict.detail.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            format!("a copy without a fault in request {request} to go unnoticed"),
            format!("{:?}: {}", verdict.outcome, verdict.detail),
            "the target depends on something but its requests; make it a function of them",
        ))
    }

    /// Words of memory in which a struck life ends unlike a healthy one; `None` if one of them ended
    /// before it could be read.
    pub fn aftermath(&self, injection: &Injection) -> Result<Option<Vec<Difference>>> {
        let (mut walk, site) = self.walk_to(injection)?;
        let healthy = Memory::at_the_end(&mut walk.copy()?)?;
        let mut copy = walk.copy()?;
        self.strike(&walk, injection, site).apply(&mut copy)?;
        let struck = match copy.has_ended() {
            true => None,
            false => Memory::at_the_end(&mut copy)?,
        };
        Ok(healthy
            .zip(struck)
            .map(|(healthy, struck)| healthy.differences(&struck)))
    }

    /// A target before the instruction that is to be struck.
    fn walk_to(&self, injection: &Injection) -> Result<(Walk, &'a Site)> {
        let golden_walk = &self.assignment.profile.requests[injection.walk];
        let markers = self.assignment.markers;
        let mut walk = Walk::to_request(&self.launcher, markers, golden_walk.request)?;
        for step in 0..injection.step {
            walk.advance(&self.site(golden_walk.steps[step as usize]).facts)?;
        }
        Ok((walk, self.site(golden_walk.steps[injection.step as usize])))
    }

    /// Strikes a copy and starts gdb on it, stopped behind the strike.
    pub fn debug(&self, injection: &Injection, program: &Path) -> Result<()> {
        let (mut walk, site) = self.walk_to(injection)?;
        let mut copy = walk.copy()?;
        let struck = self.strike(&walk, injection, site).apply(&mut copy)?;
        if copy.has_ended() {
            return Err(Failure::new(
                "a struck process to debug",
                format!("it ended at the strike: {:?}", copy.stop()),
                "debug the target's program without a fault",
            ));
        }
        eprintln!(
            "struck {} ^ {:#x} at `{}`, {}",
            struck.place, struck.mask, site.facts.text, site.place.symbol
        );
        copy.release()?;
        Command::new("gdb")
            .arg("-q")
            .arg(program)
            .args(["-p", &copy.pid().to_string()])
            .status()
            .map(drop)
            .map_err(|error| {
                Failure::new(
                    "gdb",
                    error.to_string(),
                    "install it (Debian and Ubuntu: apt-get install gdb)",
                )
            })
    }

    fn site(&self, number: u32) -> &'a Site {
        &self.assignment.profile.sites[number as usize]
    }

    fn inject(
        &self,
        walk: &mut Walk,
        injection: &Injection,
        site: &Site,
        said: u64,
    ) -> Result<Record> {
        let golden_walk = &self.assignment.profile.requests[injection.walk];
        let request = golden_walk.request;
        let [first, longer] = oracle::TIME_LIMITS;
        let mut attempt = |limit| {
            let mut copy = walk.copy()?;
            let struck = self.strike(walk, injection, site).apply(&mut copy)?;
            let verdict = self.conclude(walk, &mut copy, request, said, limit)?;
            Ok((struck, verdict))
        };
        let (mut struck, mut verdict) = attempt(first)?;
        if verdict.outcome == Outcome::Hung {
            (struck, verdict) = attempt(longer)?;
        }
        let counted = verdict.outcome == Outcome::Detected
            && self.assignment.latency_every > 0
            && injection.id.is_multiple_of(self.assignment.latency_every);
        let instructions_later = match counted {
            true => self.count_instructions(walk, injection, site, said)?,
            false => None,
        };
        let zone = (self.assignment.profile).zone(golden_walk, injection.step, injection.model);
        let record = record(injection, request, zone, site, struck, verdict);
        Ok(Record {
            instructions_later,
            ..record
        })
    }

    /// Strikes once more and steps until the fault is seen.
    fn count_instructions(
        &self,
        walk: &mut Walk,
        injection: &Injection,
        site: &Site,
        said: u64,
    ) -> Result<Option<u64>> {
        let mut copy = walk.copy()?;
        self.strike(walk, injection, site).apply(&mut copy)?;
        let count = self.assignment.alarms.count(&mut copy, &self.watchdog)?;
        drop(copy);
        forget(walk, said)?;
        Ok(count)
    }

    fn strike<'b>(&self, walk: &Walk, injection: &Injection, site: &'b Site) -> Strike<'b>
    where
        'a: 'b,
    {
        let profile = self.assignment.profile;
        Strike {
            model: injection.model,
            mask: self.assignment.mask,
            site,
            registers: *walk.registers(),
            walk: &profile.requests[injection.walk],
            sites: &profile.sites,
            end: walk.end(),
            text: profile.text,
            random: random_of(self.assignment.seed, injection.id),
        }
    }

    /// Lets a copy run out, judges it and forgets what it said.
    fn conclude(
        &self,
        walk: &Walk,
        copy: &mut crate::tracer::Tracee,
        request: u32,
        said: u64,
        limit: Duration,
    ) -> Result<Verdict> {
        let end = oracle::run_out(copy, &self.watchdog, limit)?;
        let messages = oracle::appended(&walk.messages, said)?;
        let errors = oracle::appended(&walk.errors, 0)?;
        forget(walk, said)?;
        let golden = self.assignment.golden;
        Ok(golden.judge(request, &messages, &end, &errors))
    }
}

/// Forgets what copies have said; `said` bytes of it are the original's.
fn forget(walk: &Walk, said: u64) -> Result<()> {
    for (file, keep) in [(&walk.messages, said), (&walk.errors, 0)] {
        file.set_len(keep)
            .map_err(|error| Failure::system("to forget what a copy said", error))?;
    }
    Ok(())
}

/// Pins the calling thread to one of the cores that it may use, and with it all its targets.
pub fn pin(worker: usize) -> Result<()> {
    let cores = allowed_cores()?;
    pin_to(Pid::from_raw(0), cores[worker % cores.len()])
}

/// The cores that the injector may use: those of its first thread, which is never pinned.
pub fn allowed_cores() -> Result<Vec<usize>> {
    let allowed = sched_getaffinity(Pid::this())
        .map_err(|error| Failure::system("the cores allowed", error))?;
    let cores = 0..CpuSet::count();
    Ok(cores
        .filter(|&core| allowed.is_set(core) == Ok(true))
        .collect())
}

/// Has a thread run on one core.
pub fn pin_to(thread: Pid, core: usize) -> Result<()> {
    let wanted = |error| Failure::system(format!("core {core} for a thread"), error);
    let mut own = CpuSet::new();
    own.set(core).map_err(wanted)?;
    sched_setaffinity(thread, &own).map_err(wanted)
}

fn length(walk: &Walk) -> Result<u64> {
    let metadata = walk.messages.metadata();
    Ok(metadata
        .map_err(|error| Failure::system("the length of the messages", error))?
        .len())
}

fn demand_site(walk: &Walk, site: &Site, request: u32, step: u64) -> Result<()> {
    if walk.registers().rip == site.address {
        return Ok(());
    }
    Err(Failure::new(
        format!("step {step} of request {request} at {}", site.place.symbol),
        format!("{:#x}", walk.registers().rip),
        "the target differs from itself: see that nothing but the requests decides what it does",
    ))
}

fn record(
    injection: &Injection,
    request: u32,
    zone: Zone,
    site: &Site,
    struck: Struck,
    verdict: Verdict,
) -> Record {
    Record {
        id: injection.id,
        request,
        instruction: injection.step,
        model: injection.model,
        zone,
        address: site.place.address,
        symbol: site.place.symbol.clone(),
        line: site.place.line.clone(),
        text: site.facts.text.clone(),
        place: struck.place,
        mask: struck.mask,
        outcome: verdict.outcome,
        detail: verdict.detail,
        requests_later: verdict.replies,
        instructions_later: None,
    }
}
