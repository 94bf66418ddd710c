//! `cargo asc bench memcached`: `asc-memcached` beside stock memcached.
//!
//! 1. `--servers` says which of them are compared.
//! 2. `asc-memcached` is built in every variant that is wanted, the generator plainly.
//! 3. The generator, `asc-bench-memcached`, gets the programs and does everything else.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use super::program::Program;
use crate::integrity::Integrity;
use crate::refusal::{Cause, Refusal};

const SERVER: Program = Program {
    package: "asc-memcached",
    name: "asc-memcached",
};
const GENERATOR: Program = Program {
    package: "asc-bench-memcached",
    name: "asc-bench-memcached",
};
const OPTION: &str = "--servers";

/// Where a server comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Debian's, found on PATH.
    Stock,
    Plain,
    /// Plain, with the feature of that name.
    Page,
    Hardened(Integrity),
}

/// The servers and their columns. All of them are compared where `--servers` does not choose; the ratios refer to
/// the first.
const SERVERS: [(&str, Source); 5] = [
    ("stock", Source::Stock),
    ("plain", Source::Plain),
    ("hardened", Source::Hardened(Integrity::Ecc)),
    ("crc", Source::Hardened(Integrity::Crc)),
    ("page", Source::Page),
];

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    servers: Vec<(&'static str, Source)>,
    /// The generator's.
    passed_on: Vec<OsString>,
}

/// Builds, measures and reports.
pub(crate) fn run(arguments: &[OsString]) -> Result<u8, Refusal> {
    let arguments = Arguments::read(arguments)?;
    let generator = GENERATOR.build_plain(&[])?;
    let mut command = Command::new(&generator);
    // Each build may put its program where the one before has put its own.
    let kept = tempfile::tempdir().map_err(|error| Refusal::program(&generator, &error))?;
    for (name, source) in arguments.servers {
        let program = match source.build()? {
            None => PathBuf::from("memcached"),
            Some(program) => {
                let copy = kept.path().join(name);
                std::fs::copy(&program, &copy)
                    .map_err(|error| Refusal::file("copy", &program, &error))?;
                copy
            }
        };
        command.arg("--server").arg(contender(name, program));
    }
    let status = command
        .args(arguments.passed_on)
        .status()
        .map_err(|error| Refusal::program(&generator, &error))?;
    Ok(u8::from(!status.success()))
}

impl Source {
    /// Where the program is, if it is one of ours.
    fn build(self) -> Result<Option<PathBuf>, Refusal> {
        match self {
            Self::Stock => Ok(None),
            Self::Plain => SERVER.build_plain(&[]).map(Some),
            Self::Page => SERVER.build_plain(&["--features", "page"]).map(Some),
            Self::Hardened(integrity) => SERVER.build_hardened(integrity, &[]).map(Some),
        }
    }
}

impl Arguments {
    /// Takes `--servers` out. Whoever asks for help wants no server.
    fn read(arguments: &[OsString]) -> Result<Self, Refusal> {
        let mut read = Self {
            servers: SERVERS.to_vec(),
            passed_on: Vec::new(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let text = argument.to_string_lossy();
            if text == OPTION {
                read.servers = chosen(rest.next().map_or(OsStr::new(""), OsString::as_os_str))?;
            } else if let Some(list) = text
                .strip_prefix(OPTION)
                .and_then(|it| it.strip_prefix('='))
            {
                read.servers = chosen(OsStr::new(list))?;
            } else {
                read.passed_on.push(argument.clone());
            }
        }
        if read.passed_on.iter().any(|it| it == "-h" || it == "--help") {
            read.servers.clear();
        }
        Ok(read)
    }
}

/// The servers of a list, in its order, each once.
fn chosen(list: &OsStr) -> Result<Vec<(&'static str, Source)>, Refusal> {
    let list = list.to_string_lossy();
    let mut servers = Vec::new();
    for name in list.split(',') {
        let known = SERVERS.into_iter().find(|(known, _)| *known == name);
        match known.filter(|server| !servers.contains(server)) {
            Some(server) => servers.push(server),
            None => return Err(refusal(&list)),
        }
    }
    Ok(servers)
}

fn refusal(list: &str) -> Refusal {
    let names = SERVERS.map(|(name, _)| name).join(",");
    Refusal::new(
        Cause::ConflictingSetting,
        format!("some of {names} for {OPTION}, each once"),
        format!("`{list}`"),
        "the first is what the others are compared with; without the option all take part",
    )
}

fn contender(name: &str, program: PathBuf) -> OsString {
    let mut contender = OsString::from(format!("{name}="));
    contender.push(program);
    contender
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, Refusal> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Arguments::read(&words)
    }

    fn names(line: &str) -> Vec<&'static str> {
        let servers = read(line).unwrap().servers;
        servers.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_list_chooses_the_servers_and_their_order() {
        assert_eq!(names(""), ["stock", "plain", "hardened", "crc", "page"]);
        assert_eq!(names("--servers plain,crc --json"), ["plain", "crc"]);
        assert_eq!(names("--json --servers=page"), ["page"]);
    }

    #[test]
    fn help_builds_no_server() {
        for line in ["--help", "--servers plain -h"] {
            assert_eq!(names(line), [""; 0]);
        }
    }

    #[test]
    fn everything_else_is_the_generators() {
        let read = read("--json --servers stock --rounds 3").unwrap();
        assert_eq!(read.passed_on, ["--json", "--rounds", "3"]);
    }

    #[test]
    fn unknown_missing_and_repeated_servers_are_refused() {
        for line in [
            "--servers",
            "--servers=",
            "--servers ecc",
            "--servers plain,plain",
        ] {
            let refusal = read(line).unwrap_err();
            assert_eq!(refusal.exit_status(), 84, "{line}");
            assert!(
                refusal
                    .to_string()
                    .contains("stock,plain,hardened,crc,page")
            );
        }
    }
}
