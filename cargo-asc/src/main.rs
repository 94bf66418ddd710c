//! `cargo asc`: builds Rust programs whose event handlers run twice and are compared.
//!
//! The program has two faces:
//!
//! * **The command.** `cargo asc build` and its siblings check the toolchain,
//!   make an instrumented standard library ready ([`sysroot`]) and run the
//!   real cargo ([`cargo`]).
//! * **The wrapper.** cargo then starts this program in place of rustc and
//!   rustdoc, and it adds the flags ([`wrapper`]).
//!
//! What the flags are is written down once, in [`pipeline`].

#![deny(unsafe_code)]

mod bench;
mod cargo;
mod command_line;
mod doctor;
mod fingerprint;
mod integrity;
mod pipeline;
mod refusal;
mod sys;
mod sysroot;
mod toolchain;
mod wrapped_symbols;
mod wrapper;
mod wrapper_programs;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::command_line::{Action, CommandLine, SysrootArguments};
use crate::integrity::Integrity;
use crate::refusal::Refusal;
use crate::sysroot::Sysroot;
use crate::toolchain::Toolchain;

fn main() -> ExitCode {
    let result = match wrapper::run_if_wrapper() {
        Some(result) => result,
        None => run(CommandLine::parse_from(own_arguments())),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::from(refusal.exit_status())
        }
    }
}

fn run(command_line: CommandLine) -> Result<u8, Refusal> {
    match command_line.action {
        Action::Build(passed) => cargo::run("build", &passed.arguments),
        Action::Check(passed) => cargo::run("check", &passed.arguments),
        Action::Run(passed) => cargo::run("run", &passed.arguments),
        Action::Test(passed) => cargo::run("test", &passed.arguments),
        Action::Bench(passed) => bench::run(&passed.arguments),
        Action::Clean(passed) => cargo::clean(&passed.arguments),
        Action::Doctor(arguments) => doctor::run(arguments.json),
        Action::Sysroot(arguments) => make_sysroot(&arguments),
    }
}

fn make_sysroot(arguments: &SysrootArguments) -> Result<u8, Refusal> {
    let toolchain = Toolchain::find(cargo::rustc()?)?;
    let integrity = Integrity::chosen(arguments.integrity.as_deref())?;
    let sysroot = if arguments.rebuild {
        Sysroot::rebuild(&toolchain, integrity)?
    } else {
        Sysroot::ensure(&toolchain, integrity)?
    };
    if arguments.print {
        println!("{}", sysroot.directory().display());
    }
    Ok(0)
}

/// cargo starts `cargo-asc asc …` for `cargo asc …`; the word in between goes.
fn own_arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "asc") {
        arguments.remove(1);
    }
    arguments
}
