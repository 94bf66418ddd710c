//! Threads whose handlers share state through `&self` and the runtime's own locks, in every way that
//! two-phase locking must survive: any order of locks, reading before writing, panics, poisoning.
//!
//! In a plain build a handler holds a lock as long as a guard lives, and others see what it has done so far.
//! In page mode that is so for threads outside of handlers; handlers see nothing of each other, because
//! they are one at a time. So the threads outside are left out there.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use asc_hardened_tests::random::Random;
use asc_runtime::sync::{Mutex, RwLock, TryLockError};
use asc_runtime::{Mode, after_commit, asc_handler, mode, statistics};

use crate::driver::Run;

const ACCOUNTS: usize = 6;
const START: i64 = 1_000;
const MEETINGS_MAX: usize = 2_000;
/// Long enough for another thread to come in between.
const PAUSE: Duration = Duration::from_millis(1);

/// Accounts, each behind a lock of its own, and what is known of them behind another.
struct Bank {
    accounts: Vec<Mutex<Account>>,
    names: RwLock<BTreeMap<u64, String>>,
    watched: Mutex<u64>,
    total: RwLock<[u64; 2]>,
}

#[derive(Debug)]
struct Account {
    balance: i64,
    /// Always the negative of the balance between handlers.
    mirror: i64,
    history: Vec<i64>,
}

/// Every thread transfers and looks; nothing is lost, and nobody sees a transfer half done.
pub(crate) fn run(run: Run, threads: usize) {
    let bank = Arc::new(Bank::new());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let bank = &bank;
                scope.spawn(move || work(bank, run, thread))
            })
            .collect();
        let outside = scope.spawn(|| {
            if mode() == Mode::Hardened {
                look_from_outside(&bank, &done);
            }
        });
        for worker in workers {
            worker.join().expect("a worker failed");
        }
        done.store(true, Ordering::SeqCst);
        outside.join().expect("the thread outside failed");
    });
    let steps = run.count * threads as u64;
    assert_eq!(*bank.watched.lock().expect("never poisoned"), steps);
    assert_eq!(bank.total(), START * ACCOUNTS as i64);
    assert_eq!(*bank.total.read().expect("never poisoned"), [steps; 2]);
    if mode() == Mode::Hardened {
        meet_crosswise(&bank);
    }
    assert_eq!(bank.total(), START * ACCOUNTS as i64);
    println!("  locks held {steps} steps");
}

/// Two threads that take two locks crosswise until they have met at least once.
fn meet_crosswise(bank: &Bank) {
    let before = statistics().begun_anew;
    let has_met = || statistics().begun_anew > before;
    let transfer = |from, to| {
        (0..MEETINGS_MAX)
            .take_while(|_| !has_met())
            .for_each(|_| bank.transfer_slowly(from, to));
    };
    thread::scope(|scope| {
        scope.spawn(|| transfer(0, 1));
        scope.spawn(|| transfer(1, 0));
    });
    assert!(has_met(), "no circle in {MEETINGS_MAX} crossings");
}

fn work(bank: &Arc<Bank>, run: Run, thread: usize) {
    let mut random = Random::new(run.seed ^ (thread as u64) << 7);
    for number in 0..run.count {
        let (from, to) = (random.below(ACCOUNTS), random.below(ACCOUNTS));
        let amount = random.below(50) as i64;
        match random.below(8) {
            0 => bank.rename(random.below(40) as u64, number),
            1 => assert_eq!(bank.sum(), START * ACCOUNTS as i64),
            2 => bank.try_transfer(from, to, amount),
            3 => bank.panic_and_recover(from),
            4 => bank.private_locks(amount),
            // What is deferred locks outside of handlers.
            5 if mode() == Mode::Hardened => bank.tell(from),
            _ => bank.transfer(from, to, amount),
        }
        bank.count();
    }
}

impl Bank {
    fn new() -> Self {
        let account = |_| {
            Mutex::new(Account {
                balance: START,
                mirror: -START,
                history: Vec::new(),
            })
        };
        Self {
            accounts: (0..ACCOUNTS).map(account).collect(),
            names: RwLock::default(),
            watched: Mutex::new(0),
            total: RwLock::new([0; 2]),
        }
    }

    /// Takes two locks one after the other, in whatever order: plainly no deadlock is possible.
    #[asc_handler]
    fn transfer(&self, from: usize, to: usize, amount: i64) {
        self.accounts[from].lock().expect("cleared").add(-amount);
        self.accounts[to].lock().expect("cleared").add(amount);
    }

    /// With a pause between the two locks.
    #[asc_handler]
    fn transfer_slowly(&self, from: usize, to: usize) {
        self.accounts[from].lock().expect("cleared").add(-1);
        let start = Instant::now();
        while start.elapsed() < PAUSE {}
        self.accounts[to].lock().expect("cleared").add(1);
    }

    #[asc_handler]
    fn try_transfer(&self, from: usize, to: usize, amount: i64) {
        let mut first = self.accounts[from].lock().expect("cleared");
        match self.accounts[to].try_lock() {
            Ok(mut second) => {
                first.add(-amount);
                second.add(amount);
            }
            Err(TryLockError::WouldBlock) => first.history.clear(),
            Err(TryLockError::Poisoned(_)) => panic!("nobody leaves a poisoned account"),
        }
    }

    /// Reads, lets go, and writes.
    #[asc_handler]
    fn rename(&self, key: u64, number: u64) {
        let known = self
            .names
            .read()
            .expect("never poisoned")
            .get(&key)
            .cloned();
        let name = match known {
            Some(name) if name.len() < 30 => name + &number.to_string(),
            Some(_) => {
                self.names.write().expect("never poisoned").remove(&key);
                return;
            }
            None => format!("account {key}"),
        };
        self.names
            .write()
            .expect("never poisoned")
            .insert(key, name);
    }

    /// Two guards at once, and the same lock again in one handler.
    #[asc_handler]
    fn count(&self) {
        let mut total = self.total.write().expect("never poisoned");
        total[0] += 1;
        *self.watched.lock().expect("never poisoned") += 1;
        drop(total);
        let seen = self.total.read().expect("never poisoned")[0];
        self.total.write().expect("never poisoned")[1] = seen;
    }

    #[asc_handler]
    fn sum(&self) -> i64 {
        let guards: Vec<_> = self
            .accounts
            .iter()
            .map(|account| account.lock().expect("cleared"))
            .collect();
        guards.iter().map(|account| account.checked()).sum()
    }

    /// The handler's panic is an outcome: what it did stays, the lock is free and poisoned.
    fn panic_and_recover(&self, index: usize) {
        if cfg!(panic = "abort") {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| self.panic_in(index)));
        assert!(outcome.is_err());
    }

    #[asc_handler]
    fn panic_in(&self, index: usize) {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut account = self.accounts[index].lock().expect("cleared");
            account.add(0);
            resume_unwind(Box::new("with a guard"))
        }));
        assert!(caught.is_err() && self.accounts[index].is_poisoned());
        let poisoned = self.accounts[index].lock();
        poisoned.expect_err("poisoned").into_inner().history.push(0);
        self.accounts[index].clear_poison();
        resume_unwind(Box::new("out of the handler"))
    }

    /// Locks that nobody else knows, in frames and in new blocks.
    #[asc_handler]
    fn private_locks(&self, amount: i64) {
        let local = Mutex::new(amount);
        if cfg!(asc_crc) {
            // A lock does not belong under a line code: in a handler's block it is refused.
            assert_eq!(*local.lock().expect("new"), amount);
            return;
        }
        let boxed: Vec<_> = (0..80).map(|_| Box::new(RwLock::new(amount))).collect();
        for lock in &boxed {
            *lock.write().expect("new") += *local.lock().expect("new");
        }
        let sum: i64 = boxed.iter().map(|lock| *lock.read().expect("new")).sum();
        assert_eq!(sum, 160 * amount);
        let kept = boxed.into_iter().next().expect("many");
        assert_eq!(kept.into_inner().expect("new"), 2 * amount);
    }

    /// What is deferred may lock what the handler had locked.
    #[asc_handler]
    fn tell(self: &Arc<Self>, index: usize) {
        self.accounts[index].lock().expect("cleared").add(0);
        let bank = Arc::clone(self);
        after_commit(move || {
            bank.accounts[index].lock().expect("cleared").checked();
            bank.transfer(index, (index + 1) % ACCOUNTS, 1);
        });
    }

    fn total(&self) -> i64 {
        let accounts = self.accounts.iter();
        accounts
            .map(|account| account.lock().expect("cleared").checked())
            .sum()
    }
}

impl Account {
    fn add(&mut self, amount: i64) {
        self.balance += amount;
        if self.history.len() > 30 {
            self.history = Vec::new();
        }
        self.history.push(amount);
        self.mirror -= amount;
    }

    fn checked(&self) -> i64 {
        assert_eq!(self.balance, -self.mirror, "a transfer was seen half done");
        self.balance
    }
}

/// A thread without handlers takes part like any other.
fn look_from_outside(bank: &Bank, done: &AtomicBool) {
    let mut last = 0;
    while !done.load(Ordering::SeqCst) {
        for account in &bank.accounts {
            account
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .checked();
        }
        let [first, second] = *bank.total.read().expect("never poisoned");
        assert_eq!(first, second, "a count was seen half done");
        assert!(first >= last);
        last = first;
        thread::yield_now();
    }
}
