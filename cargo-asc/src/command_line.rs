//! The command line of `cargo asc`.

use std::ffi::{OsStr, OsString};

use clap::{Args, CommandFactory, Parser, Subcommand};

const EXIT_STATUSES: &str = "\
Output goes to target/asc/x86_64-unknown-linux-gnu/<profile>/; that of builds
with --integrity crc to target/asc-crc/.
RUSTFLAGS, RUSTC_WRAPPER and cargo's configuration stay in force.

Options of build, check, run, test, bench, clean and sysroot, before any `--`:
  --integrity ecc|crc  what protects resting state: ECC memory (the default), or
                       a software code for each line of the protected heap

Environment:
  ASC_INTEGRITY  the same, where --integrity is not given
  ASC_CACHE_DIR  where the instrumented standard library is kept
                 (else $XDG_CACHE_HOME/cargo-asc, else ~/.cache/cargo-asc);
                 `clean` leaves it alone, because all projects share it. When a
                 new one is built, those are removed whose toolchain is gone or
                 that were not used for 30 days

Exit status:
  0   done
  1   doctor: hardened builds do not work here
  2   the command line is wrong
  80  the host or the target is not x86_64-unknown-linux-gnu
  81  the toolchain lacks rust-lld or bitcode in its standard library, or
      rustc and rust-lld contain different versions of LLVM
  82  the instrumented standard library could not be built
  83  the instrumented standard library was built but does not work
  84  a setting contradicts a hardened build
  85  a file or program that is needed could not be used
  Any other status is cargo's, or that of the program that cargo ran. What is
  found out about a single crate (84: a shared library, a flag) is said while
  cargo runs, and cargo's own status for a failed build is 101.";

/// Builds Rust programs whose event handlers run twice and are compared.
#[derive(Debug, Parser)]
#[command(name = "cargo asc", bin_name = "cargo asc", version, after_help = EXIT_STATUSES)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Build hardened, with cargo's own arguments
    #[command(visible_alias = "b")]
    Build(Passed),
    /// Check without building, with cargo's own arguments
    #[command(visible_alias = "c")]
    Check(Passed),
    /// Build hardened and run, with cargo's own arguments
    #[command(visible_alias = "r")]
    Run(Passed),
    /// Build hardened and test, doctests too, with cargo's own arguments
    #[command(visible_alias = "t")]
    Test(Passed),
    /// Build hardened and run benchmarks, with cargo's own arguments; `bench handler`, `bench integrity` and `bench
    /// memcached` compare builds of this project side by side
    Bench(Passed),
    /// Remove what hardened builds left in this workspace's target/asc, with cargo's own arguments
    Clean(Passed),
    /// Say what works on this machine, and what to do about the rest
    Doctor(DoctorArguments),
    /// Build the instrumented standard library now, if it is not there yet
    Sysroot(SysrootArguments),
}

/// Whether this is the name of an action.
pub(crate) fn is_action(name: &OsStr) -> bool {
    let command = CommandLine::command();
    name == "help"
        || command.get_subcommands().any(|action| {
            name == action.get_name() || action.get_all_aliases().any(|alias| name == alias)
        })
}

/// Arguments for cargo.
#[derive(Debug, Args)]
pub(crate) struct Passed {
    /// Arguments for cargo, for instance -p NAME, --release, --features X, -- …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// Arguments of `cargo asc doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `cargo asc sysroot`.
#[derive(Debug, Args)]
pub(crate) struct SysrootArguments {
    /// Build it again, even when a sound one is there
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Print its directory on standard output
    #[arg(long)]
    pub(crate) print: bool,
    /// The builds that it is for: ecc or crc
    #[arg(long)]
    pub(crate) integrity: Option<OsString>,
}
