//! Messages, some of them struck, against a model that never is.

use asc_hardened_tests::page_mode::protected;
use asc_hardened_tests::random::Random;
use asc_hardened_tests::{arguments, unseen};
use asc_runtime::{Input, Mode, Output, mode, prometheus, statistics};

use crate::incidents;
use crate::service::{self, Bank, Serve, Strike};

const REQUEST_BYTES_MAX: usize = 24;
const WARM_UP: u64 = 200;

/// Serves messages and looks at every answer.
pub(crate) fn run() {
    let seed = arguments::number("seed", 1);
    let count = arguments::number("count", 2_000);
    let once_in = arguments::number("once_in", 4) as usize;
    let policy = arguments::text("policy").unwrap_or_default();
    println!("campaign policy={policy} count={count} once_in={once_in} seed={seed}");
    let serve: Serve = match policy.as_str() {
        "abort" => service::aborting,
        "drop" => service::dropping,
        "retry" => service::retrying,
        _ => service::default,
    };
    incidents::listen();
    let mut service = Service::new(serve, seed);
    // In good health first, so that the runtime knows how deep the handler's stack reaches.
    (0..WARM_UP).for_each(|_| assert!(service.message(None)));
    unseen::arm();
    let (mut struck, mut dropped) = (0, 0);
    for number in 0..count {
        let strike = service.random.once_in(once_in);
        let strike = strike.then(|| Strike::random(&mut service.random));
        struck += u64::from(strike.is_some_and(Strike::is_seen));
        println!("message {number}: {strike:?}");
        dropped += u64::from(!service.message(strike));
        println!("answered {number}");
    }
    let counted = statistics();
    println!("struck {struck} dropped {dropped}");
    let heard = incidents::print();
    // Every strike is detected, and nothing else.
    let expected = if mode() == Mode::Plain { 0 } else { struck };
    assert_eq!((counted.faults, heard), (expected, expected));
    assert_eq!(counted.dropped, dropped);
    print!("{}", prometheus());
}

struct Service {
    serve: Serve,
    bank: Bank,
    reply: Output,
    model: Bank,
    expected: Output,
    random: Random,
}

impl Service {
    fn new(serve: Serve, seed: u64) -> Self {
        Self {
            serve,
            bank: protected(Bank::new),
            reply: Output::new(),
            model: Bank::new(),
            expected: Output::new(),
            random: Random::new(seed),
        }
    }

    /// One message; says whether it was answered. Whatever was struck, answer and state are right.
    fn message(&mut self, strike: Option<Strike>) -> bool {
        let length = 2 + self.random.below(REQUEST_BYTES_MAX - 1);
        let mut bytes: Vec<u8> = (0..length).map(|_| self.random.byte()).collect();
        let address = bytes.as_mut_ptr().expose_provenance();
        let (request, copy) = (Input::seal(&bytes), bytes.clone());
        unseen::start_counting();
        // A plain build has no second run to be right in.
        let strike = strike.filter(|_| mode() != Mode::Plain);
        let outcome = (self.serve)(&mut self.bank, &request, address, &mut self.reply, strike);
        unseen::start_counting();
        if let Ok(answer) = outcome {
            let request = Input::seal(&copy);
            let expected = self.model.serve(&request, 0, &mut self.expected, None);
            assert_eq!(answer, expected, "{strike:?}");
        }
        assert_eq!(self.reply.bytes(), self.expected.bytes(), "{strike:?}");
        assert!(self.bank == self.model, "{strike:?}");
        self.reply.clear();
        self.expected.clear();
        outcome.is_ok()
    }
}
