//! Rounds: every server under the same load, one after the other.
//!
//! All servers of a comparison run all the time; whoever is not measured is idle. Within a round
//! they follow each other closely, so that a ratio compares neighbours in time, and the order
//! changes from round to round. A round in which anybody else used the processors is repeated.

use crate::failure::Failure;
use crate::load::{self, Exchanged, Waiting};
use crate::machine::{self, Accounts, Processor, Usage};
use crate::options::Options;
use crate::report::progress::Progress;
use crate::server::Server;
use crate::summary::Summary;
use crate::workload::{self, Pattern, Workload};

/// Keys that are stored at once before a comparison: as many as both socket buffers hold.
const FILL_KEYS: u32 = 8;
/// A load is given up after this many times as many rounds as are wanted.
const ATTEMPTS_PER_ROUND: usize = 4;

/// One load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) threads: u16,
    pub(crate) pattern: Pattern,
    pub(crate) value_bytes: u32,
}

/// One server in one round.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) exchanged: Exchanged,
    pub(crate) usage: Usage,
}

/// The rounds of one load.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(crate) case: Case,
    /// A sample for each server, in the order of the command line.
    pub(crate) clean: Vec<Vec<Sample>>,
    pub(crate) discarded: usize,
}

/// Who runs where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placement {
    server: Option<Processor>,
    generator: Option<Processor>,
    waiting: Waiting,
}

impl Placement {
    /// A server with one thread and the generator get a processor each, if there are two; else the
    /// system places them.
    fn choose(threads: u16, processors: &[Processor]) -> Self {
        match (threads, processors) {
            (1, [generator, .., server]) => Self {
                server: Some(*server),
                generator: Some(*generator),
                waiting: Waiting::Polling,
            },
            _ => Self {
                server: None,
                generator: None,
                waiting: Waiting::Sleeping,
            },
        }
    }
}

/// Measures every load.
pub(crate) fn compare(options: &Options, summary: &mut Summary) -> Result<(), Failure> {
    let processors = machine::processors()?;
    let progress = Progress::new(options);
    for threads in options.threads.iter().copied() {
        let placement = Placement::choose(threads, &processors);
        let servers = options
            .servers
            .iter()
            .map(|contender| Server::start(contender, threads, placement.server))
            .collect::<Result<Vec<_>, _>>()?;
        for value_bytes in options.value_bytes.iter().copied() {
            for server in &servers {
                fill(server, options.keys, value_bytes as usize)?;
            }
            for pattern in options.patterns.iter().copied() {
                let case = Case {
                    threads,
                    pattern,
                    value_bytes,
                };
                let measured = measure(options, case, &servers, placement, &progress);
                summary.add(measured?);
            }
        }
    }
    progress.finish();
    Ok(())
}

/// Stores all keys.
pub(crate) fn fill(server: &Server, keys: u32, value_bytes: usize) -> Result<(), Failure> {
    let mut first = 0;
    while first < keys {
        let end = keys.min(first + FILL_KEYS);
        let (requests, replies) = workload::fill(first..end, value_bytes);
        server.ask(&requests, &replies)?;
        first = end;
    }
    Ok(())
}

fn measure(
    options: &Options,
    case: Case,
    servers: &[Server],
    placement: Placement,
    progress: &Progress,
) -> Result<Rounds, Failure> {
    let workload = Workload::new(case.pattern, case.value_bytes as usize, options.keys);
    let wanted = usize::from(options.rounds);
    let mut rounds = Rounds {
        case,
        clean: Vec::new(),
        discarded: 0,
    };
    for attempt in 0..=ATTEMPTS_PER_ROUND * wanted {
        let samples = round(options, &workload, servers, placement, attempt)?;
        let warm_up = attempt == 0;
        let foreign = samples.iter().map(Sample::foreign).fold(0.0, f64::max);
        let clean = !warm_up && foreign <= options.foreign_max;
        progress.advance(case, clean || warm_up);
        if clean {
            rounds.clean.push(samples);
        } else if !warm_up {
            rounds.discarded += 1;
        }
        if rounds.clean.len() == wanted {
            break;
        }
    }
    Ok(rounds)
}

/// Each server once, beginning with another one each time.
fn round(
    options: &Options,
    workload: &Workload,
    servers: &[Server],
    placement: Placement,
    number: usize,
) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    for position in 0..servers.len() {
        let index = (position + number) % servers.len();
        let sample = drive(options, workload, &servers[index], placement)?;
        samples.push((index, sample));
    }
    samples.sort_by_key(|(index, _)| *index);
    Ok(samples.into_iter().map(|(_, sample)| sample).collect())
}

fn drive(
    options: &Options,
    workload: &Workload,
    server: &Server,
    placement: Placement,
) -> Result<Sample, Failure> {
    let before = Accounts::read(server.pid())?;
    let exchanged = machine::on_processor(placement.generator, || {
        let (connections, window) = (options.connections, options.window());
        load::drive(
            server.address,
            workload,
            connections,
            window,
            placement.waiting,
        )
    })?
    .map_err(|failure| Failure::server(&server.name, failure))?;
    let usage = Accounts::read(server.pid())?.since(&before);
    Ok(Sample { exchanged, usage })
}

impl Sample {
    /// The share of one processor that others used.
    fn foreign(&self) -> f64 {
        self.usage.foreign / self.exchanged.seconds
    }

    pub(crate) fn operations_per_second(&self) -> f64 {
        self.exchanged.operations as f64 / self.exchanged.seconds
    }

    /// Processor seconds of the server per million operations.
    pub(crate) fn server_seconds(&self) -> f64 {
        self.usage.server * 1e6 / self.exchanged.operations as f64
    }

    /// Of these, in user mode.
    pub(crate) fn user_seconds(&self) -> f64 {
        self.usage.server_user * 1e6 / self.exchanged.operations as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_thread_gets_a_processor_of_its_own() {
        let placement = Placement::choose(1, &[0, 1, 5]);
        assert_eq!((placement.generator, placement.server), (Some(0), Some(5)));
        for (threads, processors) in [(1, &[3][..]), (2, &[0, 1, 5])] {
            let placement = Placement::choose(threads, processors);
            assert_eq!((placement.generator, placement.server), (None, None));
            assert_eq!(placement.waiting, Waiting::Sleeping);
        }
    }
}
