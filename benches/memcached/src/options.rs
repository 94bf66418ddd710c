//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;

use crate::workload::Pattern;

const SERVERS_HELP: &str = "\
`cargo asc bench memcached` builds the servers and names them itself. It takes a list instead of --server:
      --servers <LIST>  Some of stock,plain,hardened,crc,page (all of them), each once; the first is what
                        the others are compared with";

/// Compares memcached servers under the same load, in turn
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo asc bench memcached", after_help = SERVERS_HELP)]
pub(crate) struct Options {
    /// A server to compare, as NAME=PROGRAM; ratios refer to the first, and to the one named `plain`
    #[arg(long = "server", value_name = "NAME=PROGRAM", required = true)]
    pub(crate) servers: Vec<Contender>,
    /// Rounds that count, for each load; one more comes before them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Seconds that a server is driven in a round
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub(crate) seconds: f64,
    /// Worker threads of the servers (-t)
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2], value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Vec<u16>,
    /// Bytes of a value
    #[arg(long, value_delimiter = ',', default_values_t = [128, 1024, 4096], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) value_bytes: Vec<u32>,
    /// How clients ask
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Pattern::Unpipelined, Pattern::Pipelined, Pattern::Multiget])]
    pub(crate) patterns: Vec<Pattern>,
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Keys, all of them present
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..10_000_000))]
    pub(crate) keys: u32,
    /// A round is repeated if other processes and the hypervisor took more than this share of one
    /// processor
    #[arg(long, default_value_t = 0.05, value_parser = positive)]
    pub(crate) foreign_max: f64,
    /// Items whose memory is measured; 0 for none
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) memory: u32,
    /// Measure nothing but memory
    #[arg(long)]
    pub(crate) memory_only: bool,
    /// Let memcaslap confirm the first load, where it is installed
    #[arg(long)]
    pub(crate) memcaslap: bool,
    /// Print JSON instead of tables on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Write charts (SVG) into this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) svg: Option<PathBuf>,
}

impl Options {
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Items whose memory is measured, if it is.
    pub(crate) fn memory_items(&self) -> Option<u32> {
        (self.memory > 0).then_some(self.memory)
    }
}

/// A server that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, program)) if !name.is_empty() && !program.is_empty() => Ok(Self {
                name: name.into(),
                program: program.into(),
            }),
            _ => Err("write NAME=PROGRAM, for instance stock=/usr/bin/memcached".into()),
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("give a number greater than 0".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_have_a_name_and_a_program() {
        let contender: Contender = "stock=/usr/bin/memcached".parse().unwrap();
        assert_eq!(contender.name, "stock");
        assert_eq!(contender.program, PathBuf::from("/usr/bin/memcached"));
        for text in ["", "stock", "=x", "stock="] {
            assert!(text.parse::<Contender>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_positive() {
        assert_eq!(positive("0.5"), Ok(0.5));
        for text in ["0", "-1", "inf", "NaN", "x"] {
            assert!(positive(text).is_err(), "{text}");
        }
    }
}
