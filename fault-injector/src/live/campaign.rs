//! A live campaign: surveyed first, then one life for each injection, on any number of workers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;

use super::draw::Draw;
use super::life::{Ground, Visit, live};
use super::script::Script;
use super::server::Setup;
use super::sites::Sites;
use super::survey::{self, Survey};
use crate::campaign::{cpu, kernel};
use crate::code::image::Image;
use crate::failure::{Failure, Result};
use crate::fault::{MaskKind, Strike, Struck};
use crate::profile::{RequestWalk, Site};
use crate::results::{Backend, Header, Model, Record, SCHEMA, Stratum};
use crate::trace::crc32c;

/// What is struck and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's name.
    pub target: String,
    /// `plain`, `hardened` or `crc`.
    pub build: String,
    /// Its executable and its threads.
    pub setup: Setup,
    /// The function whose calls are struck, as [`Image::entry`] finds it.
    pub entry: String,
    /// Clients at a time.
    pub connections: usize,
    /// Requests of each.
    pub requests: usize,
    /// Calls that are surveyed for the fault space.
    pub surveyed: u64,
    /// The models, of those that strike an instruction.
    pub models: Vec<Model>,
    /// How many bits flip.
    pub mask: MaskKind,
    /// The policy that `setup` starts the server with, if not its own.
    pub on_fault: Option<String>,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Servers at a time.
    pub workers: usize,
}

/// A live campaign whose server was found fit.
#[derive(Debug)]
pub struct LiveCampaign {
    settings: Settings,
    ground: Ground,
    survey: Survey,
    binary_crc: u32,
}

impl LiveCampaign {
    /// Surveys the server; `progress` gets the number of calls surveyed so far.
    pub fn prepare(settings: Settings, mut progress: impl FnMut(u32)) -> Result<Self> {
        demand_strikable(&settings.models)?;
        let program = &settings.setup.program;
        let bytes =
            std::fs::read(program).map_err(|error| Failure::file("the server", program, error))?;
        let mut campaign = Self {
            ground: Ground {
                setup: settings.setup.clone(),
                script: Script::draw(settings.seed, settings.connections, settings.requests),
                entry: Image::read(program)?.entry(&settings.entry)?,
            },
            survey: Survey::default(),
            binary_crc: crc32c(&bytes),
            settings,
        };
        let ids: Vec<u64> = (0..campaign.settings.surveyed.max(1)).collect();
        let mut whole = Survey::default();
        let Settings { models, seed, .. } = &campaign.settings;
        let take = |sites: &mut Option<Sites>, id| {
            Survey::take(&campaign.ground, sites, models, *seed, id)
        };
        campaign.on_workers(&ids, take, |survey: Survey| {
            whole.add(&survey);
            progress(whole.calls);
        })?;
        campaign.survey = whole;
        Ok(campaign)
    }

    /// The first line of the results, of which nothing is struck yet.
    pub fn header(&self, injections: u64) -> Header {
        Header {
            schema: SCHEMA,
            target: self.settings.target.clone(),
            build: self.settings.build.clone(),
            backend: Backend::Live,
            binary_crc: self.binary_crc,
            kernel: kernel(),
            cpu: cpu(),
            seed: self.settings.seed,
            mask: self.settings.mask,
            on_fault: self.settings.on_fault.clone(),
            trace_crc: self.ground.script.checksum(),
            requests: self.survey.calls,
            latency_every: 0,
            instructions: self.survey.instructions,
            injections,
            fault_space: self.survey.strata(),
        }
    }

    /// Carries injections out by their numbers; `done` gets the records as they come.
    pub fn run(&self, ids: &[u64], done: impl FnMut(Record)) -> Result<()> {
        self.on_workers(ids, |sites, id| self.inject(sites, id), done)
    }

    fn inject(&self, sites: &mut Option<Sites>, id: u64) -> Result<Record> {
        let Settings { models, seed, .. } = &self.settings;
        let replies = self.ground.script.requests();
        let mut draw = Draw::new(*seed, id, models, self.survey.steps_max(), replies);
        for _ in 0..survey::attempts_max() {
            let mut struck = None;
            let lived = live(&self.ground, sites, draw.moment(), |call, sites| {
                let (step, model) = draw.place();
                struck = self.strike(call, sites, step, model, &draw)?;
                Ok(match struck {
                    Some(_) => Visit::Done,
                    None => Visit::Again,
                })
            })?;
            let (Some(replies), Some(place)) = (lived.visited_at, struck) else {
                lived.verdict.demand_unnoticed()?;
                continue;
            };
            return Ok(Record {
                id,
                request: replies as u32,
                outcome: lived.verdict.outcome,
                detail: lived.verdict.detail,
                requests_later: lived.verdict.replies,
                ..place
            });
        }
        Err(survey::no_calls())
    }

    /// Steps a call to its `step`th instruction and strikes there. `None` if the call is shorter or the
    /// model has nothing to strike there. The record has yet to say what comes of it.
    fn strike(
        &self,
        call: &mut super::call::Call<'_>,
        sites: &mut Sites,
        step: u64,
        model: Model,
        draw: &Draw<'_>,
    ) -> Result<Option<Record>> {
        let text = sites.text();
        for _ in 0..step {
            let (site, _) = call.next(sites)?;
            let facts = site.facts.clone();
            call.advance(&facts)?;
            if call.is_over() {
                return Ok(None);
            }
        }
        let (site, inside) = call.next(sites)?;
        if !site.facts.admits(model) {
            return Ok(None);
        }
        let strike = Strike {
            model,
            mask: self.settings.mask,
            site,
            registers: call.registers,
            walk: &RequestWalk::default(),
            sites: &[],
            end: 0,
            text,
            random: draw.random(),
        };
        let struck = strike.apply(call.tracee)?;
        if struck.mask == 0 {
            return Ok(None);
        }
        let zone = self.survey.zone(site.place.zone, inside);
        Ok(Some(begun(site, zone, step, model, struck)))
    }

    /// Every worker is a thread of its own, which traces its servers.
    fn on_workers<T: Send>(
        &self,
        ids: &[u64],
        work: impl Fn(&mut Option<Sites>, u64) -> Result<T> + Sync,
        mut done: impl FnMut(T),
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.settings.workers.max(1))
                .map(|_| {
                    let (sender, next, work) = (sender.clone(), &next, &work);
                    scope.spawn(move || {
                        let mut sites = None;
                        while let Some(id) = ids.get(next.fetch_add(1, Relaxed)) {
                            // A failure ends the others' work, too.
                            let come = work(&mut sites, *id)
                                .inspect_err(|_| next.store(ids.len(), Relaxed))?;
                            // Nobody listens any more only when the campaign has failed.
                            let _ = sender.send(come);
                        }
                        Ok(())
                    })
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
}

/// Notes in `header` what has been struck: a live campaign's strata get what chance gives them.
pub fn count_injections<'r>(header: &mut Header, records: impl Iterator<Item = &'r Record>) {
    let strata = &mut header.fault_space;
    strata.iter_mut().for_each(|stratum| stratum.injections = 0);
    for record in records {
        let known = strata
            .iter_mut()
            .find(|stratum| (stratum.model, stratum.zone) == (record.model, record.zone));
        match known {
            Some(stratum) => stratum.injections += 1,
            // The survey has not met it.
            None => strata.push(Stratum {
                model: record.model,
                zone: record.zone,
                points: 0,
                injections: 1,
            }),
        }
    }
}

/// A record that has yet to say when and with which outcome.
fn begun(
    site: &Site,
    zone: crate::results::Zone,
    step: u64,
    model: Model,
    struck: Struck,
) -> Record {
    Record {
        id: 0,
        request: 0,
        instruction: step,
        model,
        zone,
        address: site.place.address,
        symbol: site.place.symbol.clone(),
        line: site.place.line.clone(),
        text: site.facts.text.clone(),
        place: struck.place,
        mask: struck.mask,
        outcome: crate::results::Outcome::Masked,
        detail: String::new(),
        requests_later: 0,
        instructions_later: None,
    }
}

/// Refuses models that need more than the instruction they strike.
pub(crate) fn demand_strikable(models: &[Model]) -> Result<()> {
    match models.iter().find(|model| !model.strikes_one_instruction()) {
        None => Ok(()),
        Some(model) => Err(Failure::new(
            "models that strike an instruction of a running server",
            model.name(),
            "choose among --models transient,instruction-persistent; the others need recorded \
             requests, so run them without --live",
        )),
    }
}
