//! Who is being called, and whether the callee announces its stores.
//!
//! 1. The caller notes whom it is about to call ([`Calls::enter`]).
//! 2. A callee that announces its stores says first who it is ([`Calls::announce`]); if that is the one
//!    who is being called, the call is visible.
//! 3. When the call has returned ([`Calls::leave`]) it must have been visible, or be known to change
//!    nothing.
//!
//! A call that was left by `return`, `break` or `?` among its arguments stays noted below those that
//! follow. It is never asked for again: the notes are cut back when the function that made them ends.

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
                let (place, path) = (without_generics(place), without_generics(path));
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

#[derive(Debug)]
struct Call {
    callee: Callee,
    visible: bool,
}

/// The calls in progress on one thread, innermost last.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
}

impl Calls {
    /// A call begins; its arguments may be evaluated after this.
    pub(super) fn enter(&mut self, callee: Callee) {
        let visible = callee.is_harmless();
        self.calls.push(Call { callee, visible });
    }

    /// A function that announces its stores says who it is; returns what to give to
    /// [`Self::cut`] when it ends.
    pub(super) fn announce(&mut self, place: &str, name: &str) -> usize {
        if let Some(call) = self.calls.last_mut() {
            call.visible |= call.callee.is(place, name);
        }
        self.calls.len()
    }

    /// The call has returned; gives back whom it called if nobody there announced its stores.
    pub(super) fn leave(&mut self) -> Result<(), Callee> {
        match self.calls.pop() {
            Some(call) if !call.visible => Err(call.callee),
            _ => Ok(()),
        }
    }

    /// Forgets calls that were left early.
    pub(super) fn cut(&mut self, depth: usize) {
        self.calls.truncate(depth);
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

    fn left(callee: Callee, announced: &[(&str, &str)]) -> Result<(), Callee> {
        let mut calls = Calls::default();
        calls.enter(callee);
        for (place, name) in announced {
            calls.announce(place, name);
        }
        calls.leave()
    }

    #[test]
    fn a_callee_that_names_itself_is_visible() {
        assert_eq!(left(HELPER, &[("service::stock", "limited")]), Ok(()));
        assert_eq!(left(NOTE, &[("service::Account", "note")]), Ok(()));
        let generic = Callee::Function("service::Table<u32>::slot<u8>");
        assert_eq!(left(generic, &[("service::Table<u32>", "slot")]), Ok(()));
    }

    #[test]
    fn a_callee_that_says_nothing_is_not() {
        assert_eq!(left(HELPER, &[]), Err(HELPER));
        assert_eq!(left(NOTE, &[]), Err(NOTE));
    }

    #[test]
    fn nor_is_one_that_calls_a_marked_function_of_another_name_or_place() {
        assert_eq!(left(HELPER, &[("service::stock", "other")]), Err(HELPER));
        assert_eq!(left(HELPER, &[("service", "limited")]), Err(HELPER));
        assert_eq!(
            left(HELPER, &[("service::stock::Shelf", "limited")]),
            Err(HELPER)
        );
        assert_eq!(left(NOTE, &[("service::Book", "note")]), Err(NOTE));
        let of_trait = Callee::Function("<service::Shelf as service::Limits>::limited");
        assert_eq!(
            left(of_trait, &[("service::Shelf", "limited")]),
            Err(of_trait)
        );
    }

    #[test]
    fn calls_among_the_arguments_are_their_own() {
        let mut calls = Calls::default();
        calls.enter(NOTE);
        calls.enter(HELPER);
        calls.announce("service::stock", "limited");
        assert_eq!(calls.leave(), Ok(()));
        assert_eq!(calls.leave(), Err(NOTE));
    }

    #[test]
    fn calls_left_early_disturb_nobody() {
        let mut calls = Calls::default();
        let depth = calls.announce("service", "handler");
        calls.enter(NOTE);
        // `?` among the arguments; another call follows.
        calls.enter(HELPER);
        calls.announce("service::stock", "limited");
        assert_eq!(calls.leave(), Ok(()));
        calls.cut(depth);
        assert_eq!(calls.leave(), Ok(()), "nothing is left");
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
