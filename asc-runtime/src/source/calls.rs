//! Who is being called, and whether the callee announces its stores.
//!
//! 1. The caller notes whom it is about to call, and where ([`Calls::enter`]).
//! 2. A callee that announces its stores says first who it is ([`Calls::announce`]); if that is one who is
//!    being called, the call is visible.
//! 3. When the call has returned ([`Calls::leave`]) it must have been visible, or be known to change
//!    nothing.
//!
//! A call that is left by `return`, `break` or `?` among its arguments stays noted, above the calls in whose
//! arguments it stands. So a note is found by its place in the source and not by its height, and takes along
//! what lies above it. A function ends with all of its own notes; one place has one note in it at most,
//! because whoever would call itself among its own arguments is another function in progress.

use std::borrow::Cow;

use super::harmless;

/// Whom a caller calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callee {
    /// A function, by its full path, as [`core::any::type_name`] gives it.
    Function(&'static str),
    /// A method, by the type of what it is called on.
    Method {
        receiver: &'static str,
        name: &'static str,
    },
}

impl Callee {
    /// The name in the source.
    pub(super) fn name(self) -> String {
        match self {
            Self::Function(path) => {
                let path = without_generics(path);
                path.rsplit("::").next().unwrap_or_default().to_owned()
            }
            Self::Method { name, .. } => name.to_owned(),
        }
    }

    fn is_harmless(self) -> bool {
        match self {
            Self::Function(path) => harmless::function(path),
            Self::Method { receiver, name } => harmless::method(referent(receiver), name),
        }
    }

    /// Whether the function called `name` that is defined in `place` (a module or a type) is the one.
    fn is(self, place: &str, name: &str) -> bool {
        match self {
            Self::Function(path) => {
                let path = with_its_type(path);
                let (place, path) = (without_generics(place), without_generics(&path));
                path.strip_suffix(name)
                    .and_then(|rest| rest.strip_suffix("::"))
                    .is_some_and(|owner| owner == place)
            }
            Self::Method {
                receiver,
                name: called,
            } => called == name && referent(receiver) == place,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Call {
    /// Which of the calls in the source of the function in progress.
    site: usize,
    callee: Callee,
    visible: bool,
}

/// The calls in progress on one thread, innermost last.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// Where those of the function in progress begin.
    floor: usize,
}

/// Why a call that has returned was not visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Nobody there announced its stores.
    Unannounced(Callee),
    /// There is no note of it.
    Unknown,
}

impl Calls {
    /// A call begins; its arguments may be evaluated after this.
    pub(super) fn enter(&mut self, site: usize, callee: Callee) {
        // In a loop: the last time it was left among its arguments.
        if let Some(left) = self.noted_at(site) {
            self.calls.truncate(left);
        }
        let visible = callee.is_harmless();
        self.calls.push(Call {
            site,
            callee,
            visible,
        });
    }

    /// A function that announces its stores says who it is; returns what to give to
    /// [`Self::end`] when it ends.
    pub(super) fn announce(&mut self, place: &str, name: &str) -> usize {
        // All notes of it: one that was left among its arguments may lie above the one that is meant.
        for call in self.calls.get_mut(self.floor..).unwrap_or_default() {
            call.visible |= call.callee.is(place, name);
        }
        core::mem::replace(&mut self.floor, self.calls.len())
    }

    /// The call has returned; says why it was not visible, if it was not.
    pub(super) fn leave(&mut self, site: usize) -> Result<(), Hidden> {
        let at = self.noted_at(site).ok_or(Hidden::Unknown)?;
        let Call {
            callee, visible, ..
        } = self.calls[at];
        self.calls.truncate(at);
        if visible {
            return Ok(());
        }
        Err(Hidden::Unannounced(callee))
    }

    /// The function in progress ends, and the one that called it goes on.
    pub(super) fn end(&mut self, outer: usize) {
        self.calls.truncate(self.floor);
        self.floor = outer;
    }

    /// A run begins.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.floor = 0;
    }

    /// The note that the function in progress made at this place.
    fn noted_at(&self, site: usize) -> Option<usize> {
        let own = self.calls.get(self.floor..)?;
        let above = own.iter().rposition(|call| call.site == site)?;
        Some(self.floor + above)
    }
}

/// The type behind references and boxes.
fn referent(mut name: &'static str) -> &'static str {
    loop {
        let boxed = name
            .strip_prefix("alloc::boxed::Box<")
            .and_then(|inner| inner.strip_suffix('>'));
        let Some(inner) = name
            .strip_prefix("&mut ")
            .or_else(|| name.strip_prefix('&'))
            .or(boxed)
        else {
            return name;
        };
        name = inner;
    }
}

/// The path of an associated function, with the type in the place of an `impl` in another module than
/// the type's own: `service::stock::<impl service::Account>::note` is `service::Account::note`.
fn with_its_type(path: &str) -> Cow<'_, str> {
    let of_impl = path.rsplit_once("::<impl ");
    let parts = of_impl.and_then(|(_, owner)| owner.rsplit_once(">::"));
    match parts {
        // What a trait's method contains is nobody's associated function.
        Some((ty, name)) if !ty.contains(" for ") => Cow::Owned(format!("{ty}::{name}")),
        _ => Cow::Borrowed(path),
    }
}

/// A path with everything between `<` and `>` taken out. (The `<` of `<T as Trait>::f` included: such
/// a path then names no module, and fits none.)
fn without_generics(path: &str) -> String {
    let mut depth = 0_usize;
    let mut kept: String = path
        .chars()
        .filter(|&character| {
            depth += usize::from(character == '<');
            let keep = depth == 0;
            depth -= usize::from(character == '>' && depth > 0);
            keep
        })
        .collect();
    // The turbofish of a generic function or type.
    while let Some(rest) = kept.strip_suffix("::") {
        kept.truncate(rest.len());
    }
    kept.replace("::::", "::")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELPER: Callee = Callee::Function("service::stock::limited");
    const NOTE: Callee = Callee::Method {
        receiver: "&mut service::Account",
        name: "note",
    };
    const HARMLESS: Callee = Callee::Method {
        receiver: "u64",
        name: "min",
    };

    fn left(callee: Callee, announced: &[(&str, &str)]) -> Result<(), Hidden> {
        let mut calls = Calls::default();
        calls.enter(0, callee);
        for (place, name) in announced {
            run(&mut calls, place, name);
        }
        calls.leave(0)
    }

    /// A function that announces its stores, from its beginning to its end.
    fn run(calls: &mut Calls, place: &str, name: &str) {
        let outer = calls.announce(place, name);
        calls.end(outer);
    }

    fn unannounced(callee: Callee) -> Result<(), Hidden> {
        Err(Hidden::Unannounced(callee))
    }

    #[test]
    fn a_callee_that_names_itself_is_visible() {
        assert_eq!(left(HELPER, &[("service::stock", "limited")]), Ok(()));
        assert_eq!(left(NOTE, &[("service::Account", "note")]), Ok(()));
        let generic = Callee::Function("service::Table<u32>::slot<u8>");
        assert_eq!(left(generic, &[("service::Table<u32>", "slot")]), Ok(()));
    }

    #[test]
    fn an_impl_may_stand_in_another_module_than_its_type() {
        let elsewhere = Callee::Function("service::ops::<impl service::Account>::note");
        assert_eq!(left(elsewhere, &[("service::Account", "note")]), Ok(()));
        assert_eq!(
            left(elsewhere, &[("service::ops", "note")]),
            unannounced(elsewhere)
        );
        let generic = Callee::Function("service::ops::<impl service::Table<u32>>::slot<u8>");
        assert_eq!(left(generic, &[("service::Table<u32>", "slot")]), Ok(()));
        let nested =
            Callee::Function("service::<impl service::Limits for service::Account>::limit::note");
        assert_eq!(
            left(nested, &[("service::Account", "note")]),
            unannounced(nested)
        );
    }

    #[test]
    fn a_callee_that_says_nothing_is_not() {
        assert_eq!(left(HELPER, &[]), unannounced(HELPER));
        assert_eq!(left(NOTE, &[]), unannounced(NOTE));
    }

    #[test]
    fn nor_is_one_that_calls_a_marked_function_of_another_name_or_place() {
        assert_eq!(
            left(HELPER, &[("service::stock", "other")]),
            unannounced(HELPER)
        );
        assert_eq!(left(HELPER, &[("service", "limited")]), unannounced(HELPER));
        assert_eq!(
            left(HELPER, &[("service::stock::Shelf", "limited")]),
            unannounced(HELPER)
        );
        assert_eq!(left(NOTE, &[("service::Book", "note")]), unannounced(NOTE));
        let of_trait = Callee::Function("<service::Shelf as service::Limits>::limited");
        assert_eq!(
            left(of_trait, &[("service::Shelf", "limited")]),
            unannounced(of_trait)
        );
    }

    #[test]
    fn calls_among_the_arguments_are_their_own() {
        let mut calls = Calls::default();
        calls.enter(0, NOTE);
        calls.enter(1, HELPER);
        run(&mut calls, "service::stock", "limited");
        assert_eq!(calls.leave(1), Ok(()));
        assert_eq!(calls.leave(0), unannounced(NOTE));
    }

    #[test]
    fn calls_left_early_disturb_nobody() {
        let mut calls = Calls::default();
        let outer = calls.announce("service", "handler");
        calls.enter(0, NOTE);
        // `?` among the arguments; another call follows.
        calls.enter(1, HELPER);
        run(&mut calls, "service::stock", "limited");
        assert_eq!(calls.leave(1), Ok(()));
        calls.end(outer);
        assert_eq!(calls.leave(0), Err(Hidden::Unknown), "nothing is left");
    }

    #[test]
    fn a_call_is_not_taken_for_one_that_was_left_among_its_arguments() {
        let mut calls = Calls::default();
        calls.enter(0, HELPER);
        calls.enter(1, HARMLESS);
        // `break` among the arguments of `min`, in the arguments of the helper.
        assert_eq!(calls.leave(0), unannounced(HELPER));
        // The same with a helper that announces its stores.
        calls.enter(0, HELPER);
        calls.enter(1, NOTE);
        calls.enter(2, HELPER);
        run(&mut calls, "service::stock", "limited");
        assert_eq!(calls.leave(0), Ok(()));
    }

    #[test]
    fn a_function_has_its_own_places() {
        let mut calls = Calls::default();
        calls.enter(0, HELPER);
        let outer = calls.announce("service::stock", "limited");
        assert_eq!(calls.leave(0), Err(Hidden::Unknown), "the caller's");
        calls.enter(0, NOTE);
        assert_eq!(calls.leave(0), unannounced(NOTE));
        calls.end(outer);
        assert_eq!(calls.leave(0), Ok(()));
    }

    #[test]
    fn a_loop_leaves_one_note_behind() {
        let mut calls = Calls::default();
        for _ in 0..1000 {
            calls.enter(0, NOTE);
            calls.enter(1, HELPER);
        }
        assert_eq!(calls.calls.len(), 2);
    }

    #[test]
    fn names_are_read_from_paths() {
        assert_eq!(HELPER.name(), "limited");
        assert_eq!(Callee::Function("a::b::c<alloc::vec::Vec<u8>>").name(), "c");
        assert_eq!(
            Callee::Function("alloc::boxed::Box<a::B<u8>>::new").name(),
            "new"
        );
        assert_eq!(referent("&&mut alloc::boxed::Box<a::B>"), "a::B");
    }
}
