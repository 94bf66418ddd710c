//! What a thread needs to run handlers in page mode.
//!
//! A context is one mapping of the runtime's own: this structure, and the private stack behind it.
//! Contexts are never unmapped; a thread that ends leaves its context to the next one, so their
//! counters stay in the sum.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use asc_alloc::page::Session;

use crate::__private::Handler;
use crate::fault::Fault;
use crate::refuse::refuse;
use crate::source::Announced;

use super::after_commit::Deferred;
use super::caller_stack::CallerStack;
use super::captured::Captured;
use super::closure::FreedInEffect;
use super::context_list::{Linked, Links, List};
use super::event_log::EventLog;
use super::handler_stack::HandlerStack;
use super::mapping::Mapping;
use super::output::OutputList;
use super::panic_hook::HookCall;
use super::result_slot::{BASE_BYTES, ResultSlot};
use super::signals::Step;
use super::surroundings::Surroundings;
use super::sys::{
    EffectStack, abandon_body, own_words, protection_key, restartable, thread_words,
    vector_registers,
};
use super::used_inputs::UsedInputs;
use super::{start, system_call};

/// Bytes of the private stack. The deepest user is the panic hook, which may resolve a backtrace.
const PRIVATE_STACK_BYTES: usize = 512 << 10;

/// Everything of one thread.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) stack: HandlerStack,
    pub(crate) caller: CallerStack,
    pub(crate) surroundings: Surroundings,
    pub(crate) events: EventLog,
    pub(crate) outputs: OutputList,
    pub(crate) inputs: UsedInputs,
    pub(crate) deferred: Deferred,
    pub(crate) freed: FreedInEffect,
    pub(crate) effect_stack: EffectStack,
    /// The session of the handler in progress.
    pub(crate) session: Option<Session>,
    pub(crate) result: ResultSlot,
    pub(crate) captured: Captured,
    /// The handler in progress.
    pub(crate) handler: Option<&'static Handler>,
    /// 1 or 2 while the body runs.
    pub(crate) run: u32,
    /// Runs of the handler in progress.
    pub(crate) runs: u64,
    /// The handler was struck, and all that it stored is undone, verified.
    pub(crate) is_undone: bool,
    /// Counts the runs of this thread.
    pub(crate) run_number: u64,
    /// Number of the handler in progress on this thread.
    pub(crate) sequence: u64,
    /// Why the run in progress was abandoned.
    pub(crate) fault: Option<Fault>,
    /// The instruction that is being executed alone.
    pub(crate) step: Option<Step>,
    /// Of handlers that announce their stores.
    pub(crate) announced: Announced,
    /// Of the program's panic hook, by the handler in progress.
    pub(crate) hook_call: HookCall,
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
    pub(crate) log_bytes_max: AtomicU64,
    pub(crate) stores: AtomicU64,
}

impl Counters {
    /// Adds without a locked instruction: this thread is the only writer.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
}

static CONTEXTS: List<Context> = List::new(AtomicPtr::new(ptr::null_mut()));

/// The calling thread's context. It has executed a handler.
#[inline]
pub(crate) fn current() -> &'static mut Context {
    let context = own_words().context;
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
    let words = own_words();
    if words.has_keys != 0 && words.open_rights != 0 {
        // SAFETY: opens what the body had closed.
        unsafe { protection_key::set_rights(words.open_rights) };
    }
    words.active = 0;
    asc_alloc::diversion::restore();
}

/// The calling thread's context, attached on first use.
pub(crate) fn attach() -> &'static mut Context {
    if own_words().context.is_null() {
        attach_first();
    }
    current()
}

#[cold]
fn attach_first() {
    // What std and the allocator make at a thread's first need is made now: in a handler it would
    // become protected state.
    core::hint::black_box(std::thread::current().id());
    asc_alloc::diversion::prepare_thread();
    if !asc_alloc::page::prepare_thread() {
        refuse(format_args!(
            "no memory for the signal stack of a thread with handlers: raise the limit (ulimit -v)"
        ));
    }
    let has_keys = protection_key::stack_key() != 0;
    if has_keys {
        protection_key::open_stacks();
        if !restartable::give_up() {
            refuse(format_args!(
                "the system would not give up this thread's restartable sequences, which page mode \
                 cannot have: start the program with GLIBC_TUNABLES=glibc.pthread.rseq=0"
            ));
        }
    }
    if start::dispatches_system_calls() && !system_call::dispatch() {
        refuse(format_args!(
            "the system would not dispatch this thread's system calls: is another library using \
             Syscall User Dispatch?"
        ));
    }
    let context = match CONTEXTS.claim() {
        Some(context) => {
            // SAFETY: the context is this thread's now; nobody refers to its fields.
            unsafe { (*context).caller = CallerStack::attach() };
            context
        }
        None => create(),
    };
    let words = own_words();
    words.vectors = vector_registers();
    words.has_keys = u64::from(has_keys);
    // SAFETY: the context is this thread's now.
    words.private_top = unsafe { (*context).private_top() };
    // SAFETY: as above.
    words.base = unsafe { (*context).stack.top() } - BASE_BYTES;
    words.context = context;
    release_at_exit(context);
}

/// All contexts ever made.
pub(crate) fn counters() -> impl Iterator<Item = &'static Counters> {
    let counters = |context: *mut Context| {
        // SAFETY: contexts are never freed, and counters are atomic.
        unsafe { &(*context).counters }
    };
    CONTEXTS.all().map(counters)
}

impl Context {
    /// Unwraps an outcome inside a run; a fault abandons the run.
    pub(crate) fn demand<T>(&mut self, outcome: Result<T, Fault>) -> T {
        match outcome {
            Ok(value) => value,
            Err(fault) => {
                self.fault = Some(fault);
                // SAFETY: called on the private stack, on behalf of a handler that is running.
                unsafe { abandon_body(thread_words()) }
            }
        }
    }

    /// The name of the handler in progress.
    pub(crate) fn handler_name(&self) -> &'static str {
        self.handler.map_or("", |handler| handler.name)
    }

    fn private_top(&self) -> usize {
        let start = (&raw const *self).addr();
        start + context_bytes() + PRIVATE_STACK_BYTES
    }

    fn new() -> Self {
        Self {
            stack: HandlerStack::new(),
            caller: CallerStack::attach(),
            surroundings: Surroundings::new(),
            events: EventLog::new(),
            outputs: OutputList::new(),
            inputs: UsedInputs::new(),
            deferred: Deferred::new(),
            freed: FreedInEffect::new(),
            effect_stack: EffectStack::unmapped(),
            session: None,
            result: ResultSlot::new(),
            captured: Captured::new(),
            handler: None,
            run: 0,
            runs: 0,
            is_undone: false,
            run_number: 0,
            sequence: 0,
            fault: None,
            step: None,
            announced: Announced::default(),
            hook_call: HookCall::NotYet,
            counters: Counters::default(),
            links: Links::in_use(),
        }
    }
}

fn context_bytes() -> usize {
    size_of::<Context>().next_multiple_of(4096)
}

fn create() -> *mut Context {
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
    own_words().context = ptr::null_mut();
    // SAFETY: the value set by this thread, whose context it is to this moment.
    let context = unsafe { &mut *context.cast::<Context>() };
    context.caller.detach();
    context.links.release();
}
