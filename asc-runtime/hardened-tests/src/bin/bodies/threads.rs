//! Handlers on threads that std did not make, and beside threads that use their callers' frames.

use std::ffi::c_void;
use std::ops::Index;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use asc_runtime::{asc_handler, statistics};

/// Calls of the handler that meets another thread.
const MEETINGS: u64 = 20;

/// All of this works, or the program ends otherwise than with success.
pub(crate) fn run() {
    a_deep_handler_runs_on_a_thread_of_c();
    what_other_threads_do_in_the_callers_frame_stays();
    assert_eq!(statistics().faults, 0);
}

/// Needs far more of its stack than is open from the beginning.
#[asc_handler(intercept = source)]
fn deep(total: &mut u64, seed: u64) -> u64 {
    let mut table = [seed; 8192];
    let mut index = 0;
    while index < table.len() {
        table[index] += index as u64;
        index += 1;
    }
    *total = table[8191];
    *total
}

extern "C" fn on_a_thread_of_c(_: *mut c_void) -> *mut c_void {
    let mut total = 0;
    assert_eq!((deep(&mut total, 5), total), (8196, 8196));
    ptr::null_mut()
}

/// Such a thread has no alternate signal stack but for the runtime's.
fn a_deep_handler_runs_on_a_thread_of_c() {
    let (mut id, nothing) = (0, ptr::null_mut());
    // SAFETY: a live place for the id; the function expects nothing.
    let created =
        unsafe { libc::pthread_create(&raw mut id, ptr::null(), on_a_thread_of_c, nothing) };
    assert_eq!(created, 0);
    // SAFETY: created above, joined once.
    assert_eq!(unsafe { libc::pthread_join(id, ptr::null_mut()) }, 0);
}

/// Words of the caller's frame that a worker waits for and writes to. Read with `[()]`, which is 1, it has
/// the worker add a hit and waits until it has.
struct Meeting {
    asked: AtomicU64,
    hits: AtomicU64,
}

impl Index<()> for Meeting {
    type Output = u64;

    fn index(&self, (): ()) -> &u64 {
        static MET: AtomicU64 = AtomicU64::new(0);
        let number = MET.fetch_add(1, Ordering::Relaxed) + 1;
        self.asked.store(number, Ordering::SeqCst);
        while ANSWERED.load(Ordering::SeqCst) < number {
            thread::yield_now();
        }
        &1
    }
}

/// Not in anybody's frame, so that nobody waits for ever.
static ANSWERED: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicBool = AtomicBool::new(false);

#[asc_handler(intercept = source)]
fn meet(total: &mut u64, meeting: &Meeting) -> u64 {
    *total += meeting[()];
    *total
}

fn what_other_threads_do_in_the_callers_frame_stays() {
    let meeting = Meeting {
        asked: AtomicU64::new(0),
        hits: AtomicU64::new(0),
    };
    let mut total = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !DONE.load(Ordering::SeqCst) {
                let answered = ANSWERED.load(Ordering::SeqCst);
                if meeting.asked.load(Ordering::SeqCst) > answered {
                    meeting.hits.fetch_add(1, Ordering::SeqCst);
                    ANSWERED.store(answered + 1, Ordering::SeqCst);
                }
                thread::yield_now();
            }
        });
        for _ in 0..MEETINGS {
            meet(&mut total, &meeting);
        }
        DONE.store(true, Ordering::SeqCst);
    });
    assert_eq!(total, MEETINGS);
    let runs = ANSWERED.load(Ordering::SeqCst);
    assert_eq!(runs, 2 * MEETINGS);
    assert_eq!(meeting.hits.into_inner(), runs);
}
