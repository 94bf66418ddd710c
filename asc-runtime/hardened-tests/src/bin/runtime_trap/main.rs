//! Faults that strike the runtime itself, between the stages of a handler.
//!
//! `fault=NAME` injects one and must end like every trap: one incident, status 86, nothing printed
//! after it. `list` prints the names. `campaign` flips bits all over the runtime's own memory at
//! every point, one per child process, and fails if a single one leads to a wrong result that
//! nobody notices. Arguments of the campaign: `seed=N`, `flips=N`. With `undoable` the victim does
//! nothing that stands in the way of a policy (`ASC_ON_FAULT`).

#[cfg(asc)]
mod campaign;
#[cfg(asc)]
mod single;
#[cfg(asc)]
mod strike;
#[cfg(asc)]
mod victim;

#[cfg(asc)]
fn main() -> std::process::ExitCode {
    use asc_hardened_tests::{arguments, unseen};

    unseen::arm();
    if arguments::flag("list") {
        single::FAULTS
            .iter()
            .for_each(|fault| println!("{}", fault.name));
    } else if arguments::flag("campaign") {
        return campaign::run(
            arguments::number("seed", 1),
            arguments::number("flips", 5_000),
        );
    } else {
        single::run(&arguments::text("fault").unwrap_or_default());
    }
    std::process::ExitCode::SUCCESS
}

#[cfg(not(asc))]
fn main() {
    println!("a plain build has no runtime to strike");
}
