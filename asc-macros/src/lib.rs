//! The attribute macro of ASC hardening. Use it through `asc_runtime`, which re-exports it and
//! holds what its expansion calls.
//!
//! The way of a handler through this crate, one file per stage:
//!
//! 1. `attr` reads what stands in the attribute's parentheses;
//! 2. `function` reads the function, its body excepted;
//! 3. `validate` refuses what cannot run twice, and says what to do instead;
//! 4. `arguments` moves the arguments into the run;
//! 5. `expand` writes the result;
//! 6. `intercept` rewrites the body for plain builds, where `intercept = source` asks for it, and
//!    `helper_function` the functions that such handlers call.

#![forbid(unsafe_code)]

mod arguments;
mod attr;
mod expand;
mod function;
#[cfg(test)]
mod golden;
mod helper_function;
mod intercept;
mod validate;

use proc_macro2::TokenStream;
use syn::Result;

use attr::Settings;
use function::Function;

/// Marks an event handler: a function that takes one event, changes the state it is given, and
/// returns.
///
/// Built by `cargo asc`, a handler runs twice from the same state. What the two runs write, where
/// they write it and what they return must be equal, else the processor or the memory has computed
/// or kept a wrong value, and nothing of that leaves the handler. Built by plain `cargo`, a handler
/// runs once, as if the attribute were not there, unless page mode is started or the attribute says
/// `intercept = source`.
///
/// ```
/// use std::collections::HashMap;
///
/// use asc_runtime::asc_handler;
///
/// #[derive(Default)]
/// struct Stock {
///     items: HashMap<String, u32>,
/// }
///
/// impl Stock {
///     /// Takes `count` items out, or says how many are left.
///     #[asc_handler]
///     fn take(&mut self, item: &str, count: u32) -> Result<u32, u32> {
///         let left = self.items.entry(item.to_owned()).or_default();
///         *left = left.checked_sub(count).ok_or(*left)?;
///         Ok(*left)
///     }
///
///     #[asc_handler]
///     fn slot(&mut self, item: &str) -> &mut u32 {
///         self.items.entry(item.to_owned()).or_default()
///     }
/// }
///
/// let mut stock = Stock::default();
/// *stock.slot("bolt") = 5;
/// assert_eq!(stock.take("bolt", 3), Ok(2));
/// assert_eq!(stock.take("bolt", 3), Err(2));
/// ```
///
/// # Where it can stand
///
/// On free functions, on inherent and trait methods (`&self`, `&mut self`, `self`, `self:
/// Box<Self>` and its kind) and on provided methods of traits, with generics, lifetimes, `where`
/// clauses, patterns as arguments, `impl Trait` as argument and as return type, results that borrow
/// from the arguments, and `unsafe`. Attributes, documentation and visibility stay as they are.
///
/// Arguments are references, or values of types that are `Clone`. The handler never clones them;
/// the bound keeps out what cannot be taken back after the first run: a socket, a lock guard, a
/// receiver.
///
/// # Arguments of the attribute
///
/// | argument | meaning | without it |
/// |---|---|---|
/// | `crate = path` | where the runtime is found: `#[asc_handler(crate = my_crate::hardening)]` | `::asc_runtime` |
/// | `intercept = source` | plain builds run the handler twice too, and see the stores that are written in its body: see [`macro@asc_fn`] | plain builds run it once, unless page mode is started |
/// | `on_fault = abort` | a fault in this handler stops the process | the process's policy, see `asc_runtime::Setup` |
/// | `on_fault = drop` | its message is dropped: the state is what it was before, nothing leaves, the caller gets an error | |
/// | `on_fault = retry(n)` | it is tried again from the start, up to `n` times | |
///
/// A handler under `drop` returns a `Result` whose error is `Fault`, or can be
/// made of one by `From`:
///
/// ```
/// use asc_runtime::{Fault, asc_handler};
///
/// #[asc_handler(on_fault = drop)]
/// fn deposit(balance: &mut u64, amount: u64) -> Result<u64, Fault> {
///     *balance += amount;
///     Ok(*balance)
/// }
///
/// let mut balance = 40;
/// match deposit(&mut balance, 2) {
///     Ok(balance) => assert_eq!(balance, 42),
///     Err(fault) => println!("not deposited, ask again: {fault}"),
/// }
/// ```
///
/// What each policy can and cannot do is said in the documentation of `asc_runtime::OnFault`.
///
/// # Expansion
///
/// ```
/// # use asc_runtime::asc_handler;
/// #[asc_handler]
/// fn append(log: &mut Vec<String>, line: String) -> usize {
///     log.push(line);
///     log.len()
/// }
/// ```
///
/// becomes
///
/// ```
/// fn append(log: &mut Vec<String>, line: String) -> usize {
///     static __ASC_HANDLER: ::asc_runtime::__private::Handler = ::asc_runtime::__private::Handler::new(
///         ::core::concat!(::core::module_path!(), "::", "append"),
///         ::core::file!(),
///         ::core::line!(), // of the `fn`
///     );
///     ::asc_runtime::__private::require_argument(&line); // fails to compile unless `Clone`
///     ::asc_runtime::__private::run(&__ASC_HANDLER, move || -> usize {
///         let line = line;
///         let value: usize = {
///             log.push(line);
///             log.len()
///         };
///         value
///     })
/// }
/// ```
///
/// (and `#[allow]`s for lints that would speak of generated code). The closure owns every argument
/// that is passed by value, so they are dropped within the run and in the order of a plain
/// function. With references alone it is `move || -> usize { body }`. It is an `FnOnce`: the second
/// run begins after all that the first one did is undone, the move of what it captured included.
/// The body is handed on token by token, and errors and lints in it are reported where they are.
///
/// # Limits
///
/// - `async fn`, `const fn`, foreign ABIs, variadic functions, `-> !`, `-> impl Future` (and boxed
///   futures) and `main` are refused, each with the way out.
/// - What is lazy runs later and once: the items of a returned `impl Iterator` are computed by the
///   caller, outside of the handler. Collect them where they matter.
/// - A closure returned as `impl Fn(&str) -> usize` needs its parameter types written
///   (`|text: &str| …`), and one that returns a borrow from its parameter has to be returned in a
///   `Box<dyn Fn(&str) -> &str>`: the return type no longer tells the compiler about it.
/// - A struct that holds a `&mut` is no `Clone` value. Pass a reference to it, or its parts.
///   `Option` and `Pin` around a reference count as references.
/// - `#[track_caller]` ends at the handler: the body sees the runtime as its caller.
/// - An attribute that adds code to the body, such as a tracing span, belongs below `#[asc_handler]`:
///   it then wraps the handler instead of running within it.
/// - In generated documentation and in errors an argument that is a pattern is called by its
///   position, `argument_1` for the first.
#[proc_macro_attribute]
pub fn asc_handler(
    attributes: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    HANDLER.apply(attributes.into(), item.into()).into()
}

/// Marks a function that handlers with `intercept = source` call: plain builds see its stores.
///
/// Such a handler runs twice in a plain `cargo build` too. The stores that are written in its body,
/// and in the bodies of the functions marked `#[asc_fn]` that it calls, are logged, undone after the
/// first run, and compared with those of the second.
///
/// ```
/// use asc_runtime::{asc_fn, asc_handler};
///
/// struct Account {
///     balance: i64,
///     movements: [i64; 4],
///     count: usize,
/// }
///
/// impl Account {
///     #[asc_handler(intercept = source)]
///     fn pay(&mut self, amount: i64) -> bool {
///         let Some(rest) = self.balance.checked_sub(amount) else {
///             return false;
///         };
///         self.balance = rest;
///         self.note(-amount);
///         true
///     }
///
///     #[asc_fn]
///     fn note(&mut self, movement: i64) {
///         self.movements[self.count % 4] = movement;
///         self.count += 1;
///     }
/// }
///
/// let mut account = Account { balance: 100, movements: [0; 4], count: 0 };
/// assert!(account.pay(30));
/// assert_eq!((account.balance, account.movements[0]), (70, -30));
/// ```
///
/// What is seen: assignments to fields, elements and dereferenced places of every kind, plain and
/// compound and destructuring, `mem::swap`, `mem::replace` and `mem::take`; calls of marked
/// functions, of closures written in the body, of the runtime's own types, and of the methods of
/// integers, floats, slices, `Vec`, `str`, `Option` and `Result` that change nothing. What is not
/// seen is opaque: any other call, a macro that may store something, and a value that would have to be
/// dropped, be it the old value of a place that is assigned to, one that a constructor of the body has made,
/// or one that a call has given back. A handler that comes to something opaque is refused there (exit status 87) and told
/// the ways out: mark the callee, turn the page level on, or build with `cargo asc`. With the page
/// level on nothing is opaque, and an announced store spares a page fault. In `cargo asc` builds
/// the attribute changes nothing. Plain builds need the feature `page` of `asc-runtime`.
///
/// # Limits
///
/// - A function whose name begins with a capital is taken for a constructor.
/// - An overloaded operator (`Add`, `Index`, `Deref`, …) is trusted to change nothing but its left
///   operand.
/// - A value that needs dropping is opaque by its type, whatever is in it: a `Result<u32, String>` even if it is
///   `Ok`. What a constant or an operator gives is asked for its type where a `let` binds it to a name,
///   and is trusted to need no dropping elsewhere; so is a constructor of constants behind `&`.
/// - A method of a type of std that changes nothing is told by its name. A trait of the program that gives
///   such a type a method of the same name is trusted to change nothing either, and so is the
///   `IntoIterator` of what an iterator is zipped or chained with.
/// - An associated function without a receiver has to mention `Self`, else calls of it are opaque.
/// - A marked function within another function is opaque: it says the module that it is in, and is called by a
///   path that names the function around it. Put it next to that function.
/// - A field that was moved out of cannot be assigned again: bind the parts to names of their own.
#[proc_macro_attribute]
pub fn asc_fn(
    attributes: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    HELPER.apply(attributes.into(), item.into()).into()
}

/// One of the two attributes: what distinguishes them on the way.
struct Attribute {
    name: &'static str,
    /// Where it belongs, if it stands on something else.
    function: &'static str,
    methods: &'static str,
    settings: fn(TokenStream) -> Result<Settings>,
    validate: fn(Function) -> Result<Function>,
    expand: fn(&Settings, Function) -> TokenStream,
}

const HANDLER: Attribute = Attribute {
    name: "asc_handler",
    function: "the function that handles an event",
    methods: "the methods inside that handle events",
    settings: attr::of_handler,
    validate: validate::handler,
    expand: expand::expand,
};

const HELPER: Attribute = Attribute {
    name: "asc_fn",
    function: "a function that handlers call",
    methods: "the methods inside that handlers call",
    settings: attr::of_helper,
    validate: validate::helper,
    expand: helper_function::expand,
};

impl Attribute {
    /// The whole way from the attribute to the expansion. What cannot be marked stays in place as it
    /// was, next to the error, so that the rest of the program does not report it missing.
    fn apply(&self, arguments: TokenStream, item: TokenStream) -> TokenStream {
        let settings = (self.settings)(arguments);
        let function = function::parse(self, item.clone()).and_then(self.validate);
        let error = match (settings, function) {
            (Ok(settings), Ok(function)) => match validate::policy(&settings, &function) {
                Ok(()) => return (self.expand)(&settings, function),
                Err(error) => error,
            },
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => error,
            (Err(mut error), Err(other)) => {
                error.combine(other);
                error
            }
        };
        let mut output = error.into_compile_error();
        output.extend(item);
        output
    }
}
