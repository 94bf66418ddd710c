//! A campaign: from a program and a trace to records.
//!
//! 1. [`Campaign::prepare`] runs the target fault-free, walks through every request and checks that
//!    copies without a fault go unnoticed.
//! 2. [`Campaign::run`] carries a plan out on any number of workers; requests are the shards, and
//!    what comes of an injection does not depend on who carries it out.
//! 3. [`Campaign::header`] describes what was struck.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::aftermath::Difference;
use crate::code::image::{Image, LINES};
use crate::failure::{Failure, Result};
use crate::fault::MaskKind;
use crate::latency::Alarms;
use crate::oracle::{self, Golden};
use crate::plan::Injection;
use crate::profile::Profile;
use crate::program::Build;
use crate::results::{Backend, Header, Record, SCHEMA, Stratum};
use crate::trace::{Trace, crc32c};
use crate::tracer::launch::Launcher;
use crate::tracer::{Stop, startup};
use crate::walk::Markers;
use crate::worker::{Assignment, Worker, pin};

/// Injections that one worker takes at a time: the walk to them is paid once.
const SHARD_INJECTIONS_MAX: usize = 2000;
/// Makes a nonce of a seed; any odd constant would do.
const NONCE: u64 = 0x9E6C_63D0_876A_68DD;

/// What is struck and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The target's name.
    pub target: String,
    /// `plain`, `hardened` or `crc`.
    pub build: String,
    /// Its executable.
    pub program: PathBuf,
    /// The requests.
    pub trace: Trace,
    /// Seed of everything drawn.
    pub seed: u64,
    /// How many bits flip.
    pub mask: MaskKind,
    /// The policy of the target's runtime, if not the target's own.
    pub on_fault: Option<String>,
    /// Parallel workers.
    pub workers: usize,
    /// For each of so many injections that are detected, the instructions until then are counted; for
    /// none if 0.
    pub latency_every: u64,
}

/// A campaign whose target was found fit.
#[derive(Debug)]
pub struct Campaign {
    settings: Settings,
    markers: Markers,
    golden: Golden,
    profile: Profile,
    alarms: Alarms,
    trace: Vec<u8>,
    binary_crc: u32,
}

impl Campaign {
    /// Runs the target fault-free in every way that a campaign will.
    pub fn prepare(settings: Settings, progress: impl Fn(&str) + Sync) -> Result<Self> {
        if settings.trace.requests.is_empty() {
            return Err(Failure::new(
                "a trace with requests",
                "none",
                "record one with `asc-inject record`",
            ));
        }
        let image = Image::read(&settings.program)?;
        demand_line_codes(&settings, &image)?;
        let markers = Markers::find(settings.program.clone(), &image)?;
        let bytes = std::fs::read(&settings.program)
            .map_err(|error| Failure::file("the target", &settings.program, error))?;
        let mut campaign = Self {
            markers,
            golden: Golden {
                replies: Vec::new(),
                digest: 0,
                nonce: settings.seed ^ NONCE,
            },
            profile: Profile::default(),
            alarms: Alarms::default(),
            trace: settings.trace.encode(),
            binary_crc: crc32c(&bytes),
            settings,
        };
        let requests: Vec<u32> = (0..campaign.settings.trace.requests.len() as u32).collect();
        on_own_thread(|| campaign.prepare_here(&requests, &progress))?;
        let golden = campaign.profile.sites.iter().map(|site| site.address);
        let base = campaign.profile.text.address - image.text.0;
        campaign.alarms = Alarms::find(&image, base, golden);
        Ok(campaign)
    }

    fn prepare_here(&mut self, requests: &[u32], progress: &(impl Fn(&str) + Sync)) -> Result<()> {
        pin(0)?;
        progress("fault-free lives");
        self.golden = self.live()?;
        if self.live()? != self.golden {
            return Err(Failure::new(
                "two fault-free lives to be equal",
                "other replies or another final state",
                "the target depends on something but its requests: clocks, addresses, random \
                 seeds, other threads; make it a function of its requests",
            ));
        }
        let launcher = self.launcher()?;
        self.profile = Profile::take(&launcher, &self.markers, requests, || {
            progress("golden walk");
        })?;
        let assignment = self.assignment();
        let worker = Worker::new(&assignment, launcher);
        for number in 0..self.profile.requests.len() {
            progress("fault-free copies");
            worker.check_fault_free(number)?;
        }
        Ok(())
    }

    /// The golden walks.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What it was prepared from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The first line of the results.
    pub fn header(&self, strata: &[Stratum]) -> Header {
        Header {
            schema: SCHEMA,
            target: self.settings.target.clone(),
            build: self.settings.build.clone(),
            backend: Backend::Replay,
            binary_crc: self.binary_crc,
            kernel: kernel(),
            cpu: cpu(),
            seed: self.settings.seed,
            mask: self.settings.mask,
            on_fault: self.settings.on_fault.clone(),
            trace_crc: crc32c(&self.trace),
            requests: self.profile.requests.len() as u32,
            latency_every: self.settings.latency_every,
            instructions: self.profile.instructions(),
            injections: strata.iter().map(|stratum| stratum.injections).sum(),
            fault_space: strata.to_vec(),
        }
    }

    /// CRC32C of the program and of the trace.
    pub fn checksums(&self) -> (u32, u32) {
        (self.binary_crc, crc32c(&self.trace))
    }

    /// What an injection leaves in memory.
    pub fn aftermath(&self, injection: &Injection) -> Result<Option<Vec<Difference>>> {
        on_own_thread(|| {
            pin(0)?;
            let assignment = self.assignment();
            Worker::new(&assignment, self.launcher()?).aftermath(injection)
        })
    }

    /// Strikes one copy and starts a debugger on it.
    pub fn debug(&self, injection: &Injection) -> Result<()> {
        on_own_thread(|| {
            pin(0)?;
            let assignment = self.assignment();
            Worker::new(&assignment, self.launcher()?).debug(injection, &self.settings.program)
        })
    }

    /// Carries injections out; `done` gets the records as they come, in any order.
    pub fn run(&self, injections: &[Injection], mut done: impl FnMut(Record)) -> Result<()> {
        let shards: VecDeque<&[Injection]> = injections
            .chunk_by(|a, b| a.walk == b.walk)
            .flat_map(|request| request.chunks(SHARD_INJECTIONS_MAX))
            .collect();
        let assignment = self.assignment();
        let shards = Mutex::new(shards);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.settings.workers.max(1))
                .map(|number| {
                    let sender = sender.clone();
                    let (assignment, shards) = (&assignment, &shards);
                    scope.spawn(move || self.work(number, assignment, shards, &sender))
                })
                .collect();
            drop(sender);
            receiver.into_iter().for_each(&mut done);
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }

    fn work(
        &self,
        number: usize,
        assignment: &Assignment<'_>,
        shards: &Mutex<VecDeque<&[Injection]>>,
        sender: &mpsc::Sender<Record>,
    ) -> Result<()> {
        pin(number)?;
        let worker = Worker::new(assignment, self.launcher()?);
        let next = || {
            shards
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        };
        while let Some(shard) = next() {
            worker.carry_out(shard, |record| {
                // Nobody listens any more only when the campaign has failed.
                let _ = sender.send(record);
            })?;
        }
        Ok(())
    }

    fn assignment(&self) -> Assignment<'_> {
        Assignment {
            profile: &self.profile,
            golden: &self.golden,
            alarms: &self.alarms,
            latency_every: self.settings.latency_every,
            markers: &self.markers,
            seed: self.settings.seed,
            mask: self.settings.mask,
        }
    }

    /// A launcher of the campaign's target.
    pub fn launcher(&self) -> Result<Launcher> {
        Launcher::new(
            &self.settings.program,
            self.golden.nonce,
            &self.trace,
            self.settings.on_fault.as_deref(),
        )
    }

    /// One fault-free life from beginning to end.
    fn live(&self) -> Result<Golden> {
        let mut launched = self.launcher()?.launch()?;
        let maps = crate::tracer::maps::of(launched.tracee.pid())?;
        let base = crate::code::place::base_of(&self.markers.program, &maps)?;
        let begin = base + self.markers.begin;
        let (breakpoint, _) = startup::run_to(&mut launched.tracee, begin)?;
        breakpoint.clear(&launched.tracee)?;
        while !launched.tracee.has_ended() {
            launched.tracee.resume()?;
        }
        let messages = oracle::appended(&launched.messages, 0)?;
        let golden = oracle::read_golden(&messages, self.golden.nonce);
        match golden {
            Some(golden)
                if launched.tracee.stop() == Stop::Exited(0)
                    && golden.replies.len() == self.settings.trace.requests.len() =>
            {
                Ok(golden)
            }
            _ => Err(Failure::new(
                "a fault-free life that answers every request and ends with status 0",
                format!(
                    "{:?}, {}",
                    launched.tracee.stop(),
                    String::from_utf8_lossy(&oracle::appended(&launched.errors, 0)?).trim()
                ),
                "run the target's program without arguments: it checks itself",
            )),
        }
    }
}

/// Without them it would be a campaign against another build under this one's name.
fn demand_line_codes(settings: &Settings, image: &Image) -> Result<()> {
    if settings.build != Build::Crc.name() || image.lines.is_some() {
        return Ok(());
    }
    Err(Failure::new(
        "a program with line codes for the build `crc`",
        format!("no symbol `{LINES}` in {}", settings.program.display()),
        "build it with `cargo asc build --integrity crc` and do not strip it, or name its build",
    ))
}

/// The caller's thread keeps its cores.
fn on_own_thread<T: Send>(body: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        scope
            .spawn(body)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

pub(crate) fn kernel() -> String {
    read_trimmed("/proc/sys/kernel/osrelease")
}

pub(crate) fn cpu() -> String {
    let information = read_trimmed("/proc/cpuinfo");
    let model = information
        .lines()
        .find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": "));
    name.map_or("unknown", |(_, name)| name).to_owned()
}

fn read_trimmed(path: &str) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
