//! One body after another, as a plain function and as a handler: equal results, equal states.
//!
//! Arguments: `set=visible|opaque|struck` and optionally `only=NAME` or `list`; or `survive`, or
//! `threads`, or `first_panic`; or those of `astray`.

mod astray;
mod first_panic;
mod opaque;
mod state;
mod struck;
mod threads;
mod visible;

use std::process::ExitCode;

use asc_hardened_tests::random::Random;
use asc_hardened_tests::{arguments, page_mode};
use asc_runtime::{mode, statistics};

use state::State;

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

/// Calls of each body; the first ones with the smallest seeds.
const STEPS: u64 = 40;
const SMALL_SEEDS: u64 = 12;

type Function = fn(&mut State, u64) -> u64;

/// The same body twice.
struct Body {
    name: &'static str,
    plain: Function,
    handler: Function,
}

/// Defines each function twice, and lists them.
#[macro_export]
macro_rules! bodies {
    ($(fn $name:ident($state:ident, $seed:ident) { $($body:tt)* })+) => {
        // Syntax for its own sake.
        #[allow(clippy::let_and_return, clippy::never_loop)]
        mod plain {
            use super::*;
            $(pub(super) fn $name($state: &mut State, $seed: u64) -> u64 { $($body)* })+
        }
        #[allow(clippy::let_and_return, clippy::never_loop)]
        mod handler {
            use super::*;
            $(
                #[asc_runtime::asc_handler(intercept = source)]
                pub(super) fn $name($state: &mut State, $seed: u64) -> u64 { $($body)* }
            )+
        }
        pub(crate) const ALL: &[$crate::Body] = &[
            $($crate::Body { name: stringify!($name), plain: plain::$name, handler: handler::$name }),+
        ];
    };
}

fn main() -> ExitCode {
    page_mode::start_if_asked();
    let set = match arguments::text("set").as_deref() {
        Some("opaque") => opaque::ALL,
        Some("struck") => struck::ALL,
        _ => visible::ALL,
    };
    if arguments::flag("list") {
        set.iter().for_each(|body| println!("{}", body.name));
        return ExitCode::SUCCESS;
    }
    if arguments::flag("survive") {
        struck::survive();
        return ExitCode::SUCCESS;
    }
    if arguments::flag("first_panic") {
        first_panic::run();
        return ExitCode::SUCCESS;
    }
    if arguments::flag("threads") {
        threads::run();
        return ExitCode::SUCCESS;
    }
    if arguments::text("policy").is_some() {
        return astray::run();
    }
    let only = arguments::text("only");
    let mut checked = 0;
    for body in set {
        if only.as_deref().is_none_or(|only| only == body.name) {
            check(body);
            checked += 1;
        }
    }
    let statistics = statistics();
    println!("{checked} bodies, mode {} {statistics:?}", mode().name());
    assert_eq!(statistics.faults, 0);
    assert_eq!(statistics.runs, 2 * statistics.handlers);
    ExitCode::SUCCESS
}

/// Runs both on states of their own, again and again.
fn check(body: &Body) {
    let mut random = Random::new(1);
    let (mut expected, mut found) = (State::default(), page_mode::protected(State::default));
    for step in 0..STEPS {
        let seed = if step < SMALL_SEEDS {
            step
        } else {
            random.word() >> 20
        };
        let result = (body.plain)(&mut expected, seed);
        let handlers = statistics().handlers;
        assert_eq!(
            (body.handler)(&mut found, seed),
            result,
            "{}({seed})",
            body.name
        );
        assert_eq!(found, expected, "{}({seed})", body.name);
        assert_eq!(statistics().handlers, handlers + 1, "{}", body.name);
    }
}
