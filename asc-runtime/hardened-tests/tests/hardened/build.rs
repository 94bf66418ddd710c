//! Builds the programs with `cargo asc`, one build at a time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

const PACKAGE: &str = "asc-hardened-tests";
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What is built in the profiles that do not build everything.
const CHOSEN: &[&str] = &[
    "differential",
    "policies",
    "popular_crates",
    "raft_cluster",
    "trap",
];

/// The target directory that this test was built into.
static TARGET_DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = Path::new(env!("CARGO_BIN_EXE_differential"));
    let directory = program.ancestors().nth(2);
    directory
        .expect("programs lie in a profile's directory")
        .to_owned()
});

/// The built `cargo-asc`; holding it is the right to build.
static CARGO_ASC: LazyLock<Mutex<PathBuf>> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--package", "cargo-asc"]);
    cargo.arg("--target-dir").arg(&*TARGET_DIRECTORY);
    succeed(&mut cargo);
    Mutex::new(TARGET_DIRECTORY.join("release/cargo-asc"))
});

/// How to build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build {
    profile: &'static str,
    native: bool,
    integrity: &'static str,
}

impl Build {
    pub(crate) const fn profile(profile: &'static str) -> Self {
        Self {
            profile,
            native: false,
            integrity: "ecc",
        }
    }

    pub(crate) const fn for_this_processor(self) -> Self {
        Self {
            native: true,
            ..self
        }
    }

    /// With a code for each line of the protected heap.
    pub(crate) const fn with_line_codes(self) -> Self {
        Self {
            integrity: "crc",
            ..self
        }
    }

    fn has_line_codes(&self) -> bool {
        self.integrity == "crc"
    }

    /// Builds what `arguments` select; returns where the programs are.
    fn run(&self, arguments: &[&str]) -> PathBuf {
        let cargo_asc = CARGO_ASC
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut command = Command::new(&*cargo_asc);
        command.args(["asc", "build", "--quiet", "--package", PACKAGE]);
        command.args(["--integrity", self.integrity, "--profile", self.profile]);
        // C libraries, which would be compiled once per profile, are asked for by name.
        command.arg("--no-default-features");
        command.args(arguments);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("CARGO", env!("CARGO"));
        let mut directory = TARGET_DIRECTORY.clone();
        if self.native {
            // Other flags rebuild everything: they get a directory of their own.
            directory.push("native");
            command.env("RUSTFLAGS", "-Ctarget-cpu=native");
        }
        command.env("CARGO_TARGET_DIR", &directory);
        succeed(&mut command);
        let profile = if self.profile == "dev" {
            "debug"
        } else {
            self.profile
        };
        let ours = if self.has_line_codes() {
            "asc-crc"
        } else {
            "asc"
        };
        directory.join(ours).join(TARGET).join(profile)
    }

    /// The program that strikes the runtime, which is built with fault points.
    pub(crate) fn runtime_trap(&self) -> PathBuf {
        let arguments = ["--features", "fault-points", "--bin", "runtime_trap"];
        self.run(&arguments).join("runtime_trap")
    }

    /// The program around a C library, in which the C code has no hooks.
    pub(crate) fn sqlite(&self) -> PathBuf {
        let arguments = ["--features", "sqlite", "--bin", "sqlite"];
        self.run(&arguments).join("sqlite")
    }
}

/// Where the programs of one build are.
#[derive(Debug)]
pub(crate) struct Programs {
    directory: PathBuf,
    /// Whether a panic unwinds in them.
    pub(crate) unwinds: bool,
    /// Whether lines of the protected heap have codes in them.
    pub(crate) line_codes: bool,
}

impl Programs {
    /// Builds every program.
    pub(crate) fn built(build: &Build) -> Self {
        Self::with(build, &["--bins"])
    }

    /// Builds the programs that every profile must run.
    pub(crate) fn chosen(build: &Build) -> Self {
        let arguments: Vec<_> = CHOSEN.iter().flat_map(|name| ["--bin", name]).collect();
        Self::with(build, &arguments)
    }

    /// The programs that cargo has built for this test.
    pub(crate) fn plain() -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_differential"));
        Self {
            directory: program.with_file_name(""),
            unwinds: true,
            line_codes: false,
        }
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn with(build: &Build, arguments: &[&str]) -> Self {
        Self {
            directory: build.run(arguments),
            unwinds: build.profile != "asc-abort",
            line_codes: build.has_line_codes(),
        }
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}",
        output.status
    );
}
