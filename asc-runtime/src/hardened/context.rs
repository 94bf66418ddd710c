//! What a thread needs to run handlers.
//!
//! A context is one mapping of the runtime's own: this structure, and the private stack behind it.
//! Contexts are never unmapped; a thread that ends leaves its context to the next one, so their
//! counters stay in the sum.

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::__private::Handler;
use crate::audit::Audit;
use crate::fault::Fault;
use crate::incident::Incident;
use crate::incident::source_line::Callers;
use crate::policy::{self, OnFault};
use crate::refuse::refuse;

use super::after_commit::Deferred;
use super::captured::Captured;
use super::closure::FreedInEffect;
use super::context_list::{Linked, Links, List};
use super::event_log::EventLog;
use super::fresh_blocks::FreshBlocks;
use super::integrity::{self, LineSet};
use super::lock_graph::Waiter;
use super::locks::Locks;
use super::mapping::Mapping;
use super::output::OutputList;
use super::panic_hook::HookCall;
use super::result_slot::ResultSlot;
use super::sys::{EffectStack, ThreadWords, abandon_body, thread_words, vector_registers};
use super::touched::Touched;
use super::undo_log::{UndoLog, own_words};
use super::used_inputs::UsedInputs;
use super::working_set::WorkingSet;

/// Bytes of the private stack. The deepest user is the panic hook, which may resolve a backtrace.
const PRIVATE_STACK_BYTES: usize = 512 << 10;

/// Everything of one thread.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) log: UndoLog,
    pub(crate) lines: LineSet,
    pub(crate) events: EventLog,
    pub(crate) fresh: FreshBlocks,
    pub(crate) touched: Touched,
    pub(crate) outputs: OutputList,
    pub(crate) result: ResultSlot,
    pub(crate) captured: Captured,
    pub(crate) inputs: UsedInputs,
    pub(crate) deferred: Deferred,
    pub(crate) working_set: WorkingSet,
    pub(crate) freed: FreedInEffect,
    pub(crate) effect_stack: EffectStack,
    pub(crate) locks: Locks,
    pub(crate) waiter: Waiter,
    /// The handler in progress.
    pub(crate) handler: Option<&'static Handler>,
    /// 1 or 2 while the body runs.
    pub(crate) run: u32,
    /// Runs of the handler in progress.
    pub(crate) runs: u64,
    /// Counts the runs of this thread.
    pub(crate) run_number: u64,
    /// Number of the handler in progress on this thread.
    pub(crate) sequence: u64,
    /// Sum of the addresses that each run stored to.
    pub(crate) stores: [u64; 2],
    /// The last run reached below the part of the stack that was cleared for it.
    pub(crate) went_too_deep: bool,
    /// Of the program's panic hook, by the handler in progress.
    pub(crate) hook_call: HookCall,
    /// Why the run in progress was abandoned, or the message dropped.
    pub(crate) fault: Option<Fault>,
    /// Who asked for what abandoned the run.
    pub(crate) callers: Callers,
    /// What is known of the fault that the handler in progress recovers from.
    pub(crate) incident: Option<Incident>,
    /// The audit that wants to look at the next handler.
    pub(crate) audit: Option<NonNull<Audit>>,
    pub(crate) counters: Counters,
    links: Links<Context>,
}

// SAFETY: the links are a field.
unsafe impl Linked for Context {
    fn links(element: *const Self) -> *const Links<Self> {
        // SAFETY: only the address of the field is computed.
        unsafe { &raw const (*element).links }
    }
}

/// Counters of one context; written by its thread, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) handlers: AtomicU64,
    pub(crate) runs: AtomicU64,
    pub(crate) begun_anew: AtomicU64,
    pub(crate) log_bytes_max: AtomicU64,
}

impl Counters {
    /// Adds to a counter that only this thread writes.
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }
}

static CONTEXTS: List<Context> = List::new(AtomicPtr::new(ptr::null_mut()));

/// The calling thread's context. Only inside the runtime, after [`attach`].
pub(crate) fn current() -> &'static mut Context {
    // SAFETY: W1: this thread's words, which are always valid.
    let context = unsafe { (*thread_words()).context };
    // SAFETY: W2: a thread that executes handlers has a context, which is its own while the
    // thread lives; runtime functions do not hold such a reference across one another.
    unsafe { &mut *context }
}

/// The calling thread's context, if it has executed a handler.
pub(crate) fn attached() -> Option<&'static Context> {
    // SAFETY: W1, W2: null or this thread's own context, which is never freed.
    unsafe { own_words().context.as_ref() }
}

/// Ends the handler in progress, if any, for a thread that is about to end the process: what it
/// still does (looking a symbol up, writing a line) is not the handler's.
pub(crate) fn leave_handler() {
    own_words().active = 0;
}

/// The calling thread's context, attached on first use.
pub(crate) fn attach() -> &'static mut Context {
    if own_words().context.is_null() {
        let context = CONTEXTS.claim().unwrap_or_else(create);
        own_words().context = context;
        own_words().vectors = vector_registers();
        // SAFETY: the context is this thread's now.
        own_words().private_top = unsafe { (*context).private_top() };
        current().log.view.attach(thread_words());
        release_at_exit(context);
    }
    current()
}

/// What every thread that ever had a context publishes.
#[cfg(asc_crc)]
pub(crate) fn views() -> impl Iterator<Item = &'static integrity::View> {
    let view = |context: *mut Context| {
        // SAFETY: contexts are never freed, and views are atomic.
        unsafe { &(*context).log.view }
    };
    CONTEXTS.all().map(view)
}

/// All contexts ever made.
pub(crate) fn counters() -> impl Iterator<Item = &'static Counters> {
    let counters = |context: *mut Context| {
        // SAFETY: contexts are never freed, and counters are atomic.
        unsafe { &(*context).counters }
    };
    CONTEXTS.all().map(counters)
}

/// What all threads hold and wait for.
pub(crate) fn waiters<'a>() -> impl Iterator<Item = &'a Waiter> {
    let waiter = |context: *mut Context| {
        // SAFETY: contexts are never freed, and what a waiter publishes is atomic.
        unsafe { &(*context).waiter }
    };
    CONTEXTS.all().map(waiter)
}

impl Context {
    /// Unwraps an outcome inside a run; a fault abandons the run.
    pub(crate) fn demand<T>(&mut self, outcome: Result<T, Fault>) -> T {
        match outcome {
            Ok(value) => value,
            Err(fault) => {
                self.fault = Some(fault);
                self.callers = Callers::here();
                // SAFETY: called on the private stack, on behalf of a handler that is running.
                unsafe { abandon_body(thread_words()) }
            }
        }
    }

    /// Logs (or checks) a store that is about to happen.
    pub(crate) fn store(&mut self, address: usize, length: usize) {
        integrity::check_range(self, address, length);
        let may_skip = length > 64 && !integrity::LOGS_NEW_BLOCKS;
        if may_skip && self.fresh.covers_recently(address, length) {
            return;
        }
        let handler = self.handler;
        let outcome = self.log.store(address, length, || survives(handler));
        self.demand(outcome);
    }

    /// Whether an address lies in the frames of the handler itself.
    pub(crate) fn is_local(&self, address: usize) -> bool {
        let words = own_words();
        (words.deepest..words.entry).contains(&address)
    }

    /// Whether an address belongs to the handler alone; see [`super::touched`].
    pub(crate) fn owns(&mut self, address: usize) -> bool {
        self.is_local(address) || self.touched.contains(address, &self.log, &self.fresh)
    }

    /// Memory of the runtime's own that a run changes.
    pub(crate) fn own_ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let context = (&raw const *self).addr();
        let this = (context, self.private_top() - context);
        let words = (thread_words().addr(), size_of::<ThreadWords>());
        [this, words]
            .into_iter()
            .chain(self.log.ranges())
            .chain(self.lines.ranges())
            .chain(self.events.ranges())
            .chain(self.fresh.ranges())
            .chain(self.touched.ranges())
            .chain(self.outputs.ranges())
            .chain(self.working_set.ranges())
            .chain([self.freed.range(), self.effect_stack.range()])
            .chain(self.deferred.ranges())
    }

    /// The name of the handler in progress.
    pub(crate) fn handler_name(&self) -> &'static str {
        self.handler.map_or("", |handler| handler.name)
    }

    fn private_top(&self) -> usize {
        let start = (&raw const *self).addr();
        start + context_bytes() + PRIVATE_STACK_BYTES
    }
}

/// Whether the process may go on with what a rollback of this handler leaves.
fn survives(handler: Option<&'static Handler>) -> bool {
    handler.is_some_and(|handler| policy::in_force(handler, true) != OnFault::Abort)
}

fn context_bytes() -> usize {
    size_of::<Context>().next_multiple_of(4096)
}

fn create() -> *mut Context {
    if !std::is_x86_feature_detected!("xsave") || !std::is_x86_feature_detected!("cmpxchg16b") {
        refuse(format_args!(
            "this processor lacks XSAVE or CMPXCHG16B: use a plain build here"
        ));
    }
    let mapping = Mapping::new(context_bytes() + PRIVATE_STACK_BYTES);
    let context: *mut Context = mapping.base().cast();
    // Contexts live as long as the process.
    core::mem::forget(mapping);
    // SAFETY: the mapping is page-aligned, large enough and ours alone until it is published.
    unsafe { context.write(Context::new()) };
    // SAFETY: it was written just now and is never unmapped.
    unsafe { CONTEXTS.add(context) };
    context
}

impl Context {
    fn new() -> Self {
        Self {
            log: UndoLog::new(),
            lines: LineSet::new(),
            events: EventLog::new(),
            fresh: FreshBlocks::new(),
            touched: Touched::new(),
            outputs: OutputList::new(),
            result: ResultSlot::new(),
            captured: Captured::new(),
            inputs: UsedInputs::new(),
            deferred: Deferred::new(),
            working_set: WorkingSet::new(),
            freed: FreedInEffect::new(),
            effect_stack: EffectStack::unmapped(),
            locks: Locks::new(),
            waiter: Waiter::new(),
            handler: None,
            run: 0,
            runs: 0,
            run_number: 0,
            sequence: 0,
            stores: [0; 2],
            went_too_deep: false,
            hook_call: HookCall::NotYet,
            fault: None,
            callers: Callers::NOBODY,
            incident: None,
            audit: None,
            counters: Counters::default(),
            links: Links::in_use(),
        }
    }
}

/// Key of the thread-exit hook, plus one; 0 while there is none.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);

/// Makes the thread's end give its context back.
fn release_at_exit(context: *mut Context) {
    let mut key = EXIT_KEY.load(Ordering::Acquire);
    if key == 0 {
        let mut fresh: libc::pthread_key_t = 0;
        // SAFETY: a valid place for the key and a destructor of the right type.
        if unsafe { libc::pthread_key_create(&raw mut fresh, Some(release)) } != 0 {
            // Without a key contexts are not reused; nothing else depends on it.
            return;
        }
        // If another thread was faster, its key is used and this one stays unused.
        key = match EXIT_KEY.compare_exchange(0, fresh + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh + 1,
            Err(found) => found,
        };
    }
    // SAFETY: the key was created above.
    unsafe { libc::pthread_setspecific(key - 1, context.cast::<c_void>()) };
}

extern "C" fn release(context: *mut c_void) {
    #[cfg(asc_crc)]
    integrity::outside::settle();
    own_words().context = ptr::null_mut();
    // SAFETY: as below.
    unsafe {
        (*context.cast::<Context>())
            .log
            .view
            .attach(ptr::null_mut())
    };
    // SAFETY: the value set by this thread; contexts are never freed.
    unsafe { (*context.cast::<Context>()).links.release() };
}
