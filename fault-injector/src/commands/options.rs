//! What several commands take: the target, the trace, and how it is struck.

use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::campaign::Settings;
use crate::failure::{Failure, Result};
use crate::fault::MaskKind;
use crate::program::{self, Build};
use crate::results::Model;
use crate::statistics::group::Group;
use crate::trace::Trace;

/// Requests of a synthetic trace unless told otherwise.
pub const REQUESTS: usize = 50;

/// Which program.
#[derive(Debug, Clone, Args)]
pub struct TargetOptions {
    /// The target: package `asc-inject-<TARGET>` of this workspace is built and struck; with
    /// `run --live` package `asc-<TARGET>`, a server
    #[arg(long)]
    pub target: String,
    /// How it is built: `plain` by cargo, `hardened` by `cargo asc`, `crc` by `cargo asc --integrity crc`
    #[arg(long, value_enum)]
    pub build: Build,
    /// Strike this executable instead of building one; --target and --build then only name it
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}

impl TargetOptions {
    /// The executable.
    pub fn program(&self) -> Result<PathBuf> {
        match &self.program {
            Some(path) => program::real(path),
            None => program::build(&self.target, self.build),
        }
    }

    /// The executable of a server.
    pub fn server(&self) -> Result<PathBuf> {
        match &self.program {
            Some(path) => program::real(path),
            None => program::build_server(&self.target, self.build),
        }
    }
}

/// Which campaign.
#[derive(Debug, Clone, Args)]
pub struct CampaignOptions {
    /// The target.
    #[command(flatten)]
    pub target: TargetOptions,
    /// The requests, recorded with `asc-inject record`; without it the target generates them from
    /// the seed
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Requests of a generated trace; with `run --live`, requests of each connection
    #[arg(long, default_value_t = REQUESTS, conflicts_with = "trace")]
    pub requests: usize,
    /// Fault models and groups of them, separated by commas: transient, runtime, message, memory,
    /// permanent, all, register-read, register-write, vector-register, flags, instruction-pointer,
    /// branch-inversion, wild-jump, instruction-once, instruction-persistent, memory-read,
    /// memory-write, address, heap, stack, input-unsealed, input-sealed, output-unsealed,
    /// output-sealed, runtime-data, stuck-at, stuck-at-moved
    #[arg(long, default_value = "transient", value_parser = parse_models)]
    pub models: Models,
    /// Bits that flip at a time: one, two anywhere in the place, or two to eight neighbours
    #[arg(long, value_enum, default_value_t = MaskKind::Single)]
    pub mask: MaskKind,
    /// What a hardened target does with a struck handler: abort, drop or retry(N); it must not set a
    /// policy of its own
    #[arg(long, value_name = "POLICY", value_parser = parse_policy)]
    pub on_fault: Option<String>,
    /// Seed of everything that is drawn
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Parallel workers, one core each; results do not depend on it, except with `run --live` [default: all
    /// cores allowed]
    #[arg(long)]
    pub workers: Option<usize>,
}

/// Models to strike with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Models(pub Vec<Model>);

impl CampaignOptions {
    /// Builds the target and reads or generates the trace.
    pub fn settings(&self) -> Result<Settings> {
        let program = self.target.program()?;
        let trace = match &self.trace {
            Some(path) => read_trace(path)?,
            None => program::generate(&program, self.seed, self.requests)?,
        };
        Ok(Settings {
            target: self.target.target.clone(),
            build: self.target.build.name().to_owned(),
            program,
            trace,
            seed: self.seed,
            mask: self.mask,
            on_fault: self.on_fault.clone(),
            workers: self.workers(),
            latency_every: 0,
        })
    }

    /// As asked for, or one for each core.
    pub fn workers(&self) -> usize {
        self.workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        })
    }
}

/// Reads a trace file.
pub fn read_trace(path: &Path) -> Result<Trace> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("a trace", path, error))?;
    Trace::decode(&bytes).map_err(|error| Failure::file("a trace", path, error))
}

/// Names of models and groups to models, each once, in the order of the reports.
pub fn parse_models(text: &str) -> std::result::Result<Models, String> {
    let mut chosen = Vec::new();
    for name in text.split(',').map(str::trim) {
        let of_name = |model: &Model| {
            name == "all" || model.name() == name || Group::of(*model).name() == name
        };
        let before = chosen.len();
        chosen.extend(Model::ALL.into_iter().filter(of_name));
        if chosen.len() == before {
            return Err(format!(
                "`{name}` is neither a fault model nor a group of them"
            ));
        }
    }
    Ok(Models(
        Model::ALL
            .into_iter()
            .filter(|model| chosen.contains(model))
            .collect(),
    ))
}

/// A policy as the runtime reads it from the environment.
fn parse_policy(text: &str) -> std::result::Result<String, String> {
    let trials = text
        .strip_prefix("retry(")
        .and_then(|rest| rest.strip_suffix(')'));
    let is_known = match trials {
        Some(trials) => trials.parse::<NonZeroU8>().is_ok(),
        None => matches!(text, "abort" | "drop"),
    };
    is_known
        .then(|| text.to_owned())
        .ok_or_else(|| "a policy is `abort`, `drop` or `retry(N)` with N from 1 to 255".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_models_are_understood() {
        let models = |text: &str| parse_models(text).map(|models| models.0);
        assert_eq!(models("transient").unwrap().len(), 11);
        assert_eq!(models("all").unwrap().len(), Model::ALL.len());
        assert_eq!(
            models("flags, register-read,flags").unwrap(),
            [Model::RegisterRead, Model::Flags]
        );
        assert!(models("cosmic").unwrap_err().contains("cosmic"));
    }

    #[test]
    fn only_policies_are_understood() {
        for policy in ["abort", "drop", "retry(1)", "retry(255)"] {
            assert_eq!(parse_policy(policy).as_deref(), Ok(policy));
        }
        for other in [
            "",
            "Abort",
            "retry",
            "retry(0)",
            "retry(256)",
            "retry(1",
            "retry(x)",
        ] {
            assert!(parse_policy(other).is_err(), "{other}");
        }
    }
}
