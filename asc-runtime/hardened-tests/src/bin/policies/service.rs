//! The service: accounts, a history, a reply; and the ways in which a run can be struck.
//!
//! No strike leaves by chance what was there before: that would look like a store gone astray, and the process
//! would stop, as it must.

use std::collections::BTreeMap;
use std::hint::black_box;

use asc_hardened_tests::random::Random;
use asc_hardened_tests::unseen::{armed, count_run, flip};
use asc_runtime::{Fault, Input, Mode, Output, asc_handler, mode};

/// Part of the message of a panic that a strike causes.
pub(crate) const STRUCK: &str = "struck";

const ACCOUNTS: usize = 64;
const PAGE_BYTES: usize = 400;
const HISTORY_MAX: usize = 40;
/// Makes a block so large that it never lies where an entry of the history was.
const EXCESS_BYTES: usize = 200;

/// The state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bank {
    accounts: Vec<u64>,
    names: BTreeMap<usize, String>,
    history: Vec<Box<[u8]>>,
    page: Vec<u8>,
    served: u64,
}

/// What a strike does to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A wrong value is computed and stored.
    Value,
    /// A bit flips in a word that was stored.
    Word,
    /// A value is stored to a wrong place.
    Place,
    /// A block of a wrong size is allocated.
    Length,
    /// A wrong branch stores once more.
    Path,
    /// A wrong byte is copied in a long range.
    Range,
    /// A wrong byte is said.
    Reply,
    /// A wrong result is returned.
    Result,
    /// A bit of the request is flipped, for this run.
    Request,
    /// A bounds check fails that should not. Only where panics unwind.
    Panic,
}

const KINDS: [Kind; 10] = [
    Kind::Value,
    Kind::Word,
    Kind::Place,
    Kind::Length,
    Kind::Path,
    Kind::Range,
    Kind::Reply,
    Kind::Result,
    Kind::Request,
    Kind::Panic,
];

/// One strike: what, and in which run of the handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strike {
    kind: Kind,
    run: u64,
}

impl Strike {
    /// Whether memory shows it: page mode compares what is left there, not the way to it.
    pub(crate) fn is_seen(self) -> bool {
        mode() != Mode::Page || self.kind != Kind::Path
    }

    pub(crate) fn random(random: &mut Random) -> Self {
        let kinds = KINDS.len() - usize::from(cfg!(panic = "abort"));
        Self {
            kind: KINDS[random.below(kinds)],
            run: random.below(2) as u64 + 1,
        }
    }
}

/// `value`, or `wrong` in a struck run, so that the compiler cannot tell.
#[inline(never)]
fn pick<T>(is_struck: bool, wrong: T, value: T) -> T {
    black_box(if is_struck { wrong } else { value })
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self {
            accounts: vec![1000; ACCOUNTS],
            names: BTreeMap::new(),
            history: Vec::new(),
            page: vec![0; PAGE_BYTES],
            served: 0,
        }
    }

    /// Answers a request of two bytes or more.
    pub(crate) fn serve(
        &mut self,
        request: &Input<'_>,
        address: usize,
        reply: &mut Output,
        strike: Option<Strike>,
    ) -> u64 {
        let run = if armed() { count_run() } else { 0 };
        let kind = strike
            .filter(|strike| strike.run == run)
            .map(|strike| strike.kind);
        let is = |wanted| kind == Some(wanted);
        Self::strike_request(strike, run, address);
        let bytes = request.bytes();
        let account = usize::from(bytes[0]) % ACCOUNTS;
        // Never 0, which would change no account.
        let amount = pick(is(Kind::Value), 1 << 40, 0) | (u64::from(bytes[1]) + 1);
        let place = pick(is(Kind::Place), (account + 1) % ACCOUNTS, account);
        self.accounts[place] += amount;
        if is(Kind::Word) {
            // A bit that no sum sets.
            let byte = (&raw mut self.accounts[place]).cast::<u8>().wrapping_add(5);
            // SAFETY: a byte of a live word.
            unsafe { flip(byte, 0x20) };
        }
        if is(Kind::Path) {
            self.page[PAGE_BYTES - 1] = 1;
        }
        assert!(!pick(is(Kind::Panic), true, false), "{STRUCK}");
        let name = self.names.entry(account).or_default();
        name.clear();
        name.push_str(&format!("account {account} served at {}", self.served));
        self.record(bytes, pick(is(Kind::Length), EXCESS_BYTES, 0));
        // Without the bit that a strike sets.
        let mut page = [bytes[1] & 0x7F; PAGE_BYTES];
        page[PAGE_BYTES / 2] ^= pick(is(Kind::Range), 0x80, 0);
        self.page.copy_from_slice(&page);
        self.served += 1;
        let balance = self.accounts[account];
        reply.write(format!("{account}: {}", balance ^ pick(is(Kind::Reply), 1, 0)).as_bytes());
        balance ^ pick(is(Kind::Result), 1 << 13, 0)
    }

    fn record(&mut self, bytes: &[u8], excess: usize) {
        let mut entry = vec![0; bytes.len() + excess];
        entry[..bytes.len()].copy_from_slice(bytes);
        self.history.push(entry.into_boxed_slice());
        if self.history.len() > HISTORY_MAX {
            self.history.drain(..HISTORY_MAX / 2);
        }
    }

    /// Flips a bit of the request in the struck run, and back in the next.
    fn strike_request(strike: Option<Strike>, run: u64, address: usize) {
        let Some(Strike {
            kind: Kind::Request,
            run: struck,
        }) = strike
        else {
            return;
        };
        if run == struck || run == struck + 1 {
            // SAFETY: the caller passed the address of the request.
            unsafe { flip(std::ptr::with_exposed_provenance_mut(address), 4) };
        }
    }
}

/// A handler of the service.
pub(crate) type Serve =
    fn(&mut Bank, &Input<'_>, usize, &mut Output, Option<Strike>) -> Result<u64, Fault>;

macro_rules! handlers {
    ($($name:ident $attribute:tt;)*) => {
        $(
            #[asc_handler $attribute]
            pub(crate) fn $name(
                bank: &mut Bank,
                request: &Input<'_>,
                address: usize,
                reply: &mut Output,
                strike: Option<Strike>,
            ) -> Result<u64, Fault> {
                Ok(bank.serve(request, address, reply, strike))
            }
        )*
    };
}

handlers! {
    aborting (on_fault = abort);
    dropping (on_fault = drop);
    retrying (on_fault = retry(3));
    default ();
}
