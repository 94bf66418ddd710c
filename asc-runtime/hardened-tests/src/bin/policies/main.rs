//! A small service under each policy, with faults injected at a set rate, and the cases that no policy
//! may survive.
//!
//! `campaign` serves messages and strikes some of them: `policy=abort|drop|retry|default` chooses the
//! handler, `count=N`, `seed=N` and `once_in=N` the messages. `case=NAME` plays one case under the
//! process's policy (`ASC_ON_FAULT`); `list` prints the names.
//!
//! The handlers play the faulty processor themselves, with assembly that the hooks do not see; see
//! `asc_hardened_tests::unseen`.

mod campaign;
mod cases;
mod incidents;
mod service;

use asc_hardened_tests::{arguments, page_mode};

#[cfg(not(asc))]
#[global_allocator]
static ALLOC: asc_alloc::AscAlloc = asc_alloc::AscAlloc::new();

fn main() {
    page_mode::start_if_asked();
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains(service::STRUCK) {
            eprintln!("{info}");
        }
    }));
    if arguments::flag("list") {
        cases::ALL.iter().for_each(|(name, _)| println!("{name}"));
    } else if arguments::flag("campaign") {
        campaign::run();
    } else {
        cases::run(&arguments::text("case").unwrap_or_default());
    }
}
