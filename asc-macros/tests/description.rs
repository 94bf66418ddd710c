//! What the runtime is told, and what is inside the run: seen by a runtime that takes notes.

use notebook::{note, notes};

/// A runtime of another name at another path, as `crate = …` allows.
mod notebook {
    use std::cell::RefCell;

    thread_local! {
        static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn note(text: impl Into<String>) {
        NOTES.with_borrow_mut(|notes| notes.push(text.into()));
    }

    /// The notes since the last call.
    pub(crate) fn notes() -> Vec<String> {
        NOTES.take()
    }

    pub(crate) mod __private {
        pub(crate) struct Handler {
            name: &'static str,
            file: &'static str,
            line: u32,
        }

        impl Handler {
            pub(crate) const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
                Self { name, file, line }
            }
        }

        pub(crate) fn require_argument<T: Clone>(_argument: &T) {
            super::note("checked");
        }

        pub(crate) fn run<R, F: FnOnce() -> R>(handler: &'static Handler, body: F) -> R {
            super::note(format!(
                "run {} {}:{} at {handler:p}",
                handler.name, handler.file, handler.line
            ));
            let result = body();
            super::note("end");
            result
        }
    }
}

/// What the notebook says of a run, the address left out.
fn without_address(note: &str) -> &str {
    note.split(" at ").next().unwrap()
}

mod place {
    pub(crate) const LINE: u32 = line!() + 4;
    #[asc_handler(crate = super::notebook)]
    #[doc = "An attribute between the attribute and the function."]
    #[inline]
    pub(crate) fn r#loop(state: &mut u8) {
        *state += 1;
    }

    use asc_macros::asc_handler;
}

#[test]
fn name_and_place() {
    place::r#loop(&mut 0);
    let expected = format!(
        "run {}::place::loop {}:{}",
        module_path!(),
        file!(),
        place::LINE
    );
    assert_eq!(without_address(&notes()[0]), expected);
}

#[test]
fn a_generic_handler_is_one_handler() {
    #[asc_macros::asc_handler(crate = crate::notebook)]
    fn generic<T>(_value: &T) {}
    generic(&1);
    generic(&"text");
    let notes = notes();
    assert_eq!(notes.len(), 4);
    assert_eq!(notes[0], notes[2]);
}

#[asc_macros::asc_handler(crate = notebook)]
#[test]
fn a_test_can_be_a_handler() {
    assert!(notes()[0].contains("a_test_can_be_a_handler"));
}

#[test]
#[asc_macros::asc_handler(crate = notebook)]
fn a_handler_can_be_a_test() {
    assert!(notes()[0].contains("a_handler_can_be_a_test"));
}

#[derive(Clone)]
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        note(format!("drop {}", self.0));
    }
}

#[derive(Clone)]
struct Pair {
    left: Named,
    #[expect(dead_code, reason = "dropping it is its use")]
    right: Named,
}

impl Pair {
    #[asc_macros::asc_handler(crate = notebook)]
    fn consume(self, last: Named) -> Named {
        note("body");
        let _local = Named("local");
        let Self { left, .. } = self;
        drop(last);
        left
    }
}

#[asc_macros::asc_handler(crate = notebook)]
fn consume(
    first: Named,
    _: Named,
    (second, _): (Named, Named),
    _unused: Named,
    third: Named,
) -> Named {
    note("body");
    let _local = Named("local");
    let _borrowed = (&third, &first);
    second
}

/// The same function without the attribute.
fn consume_plainly(
    first: Named,
    _: Named,
    (second, _): (Named, Named),
    _unused: Named,
    third: Named,
) -> Named {
    note("body");
    let _local = Named("local");
    let _borrowed = (&third, &first);
    second
}

#[test]
fn all_drops_are_in_the_run_and_in_order() {
    let pair = || (Named("second"), Named("rest of the pair"));
    let kept = consume_plainly(
        Named("first"),
        Named("wildcard"),
        pair(),
        Named("unused"),
        Named("third"),
    );
    let plain = notes();
    std::mem::forget(kept);
    let kept = consume(
        Named("first"),
        Named("wildcard"),
        pair(),
        Named("unused"),
        Named("third"),
    );
    let handled = notes();
    std::mem::forget(kept);

    assert_eq!(handled[..5], ["checked"; 5]);
    assert!(handled[5].starts_with("run "));
    assert_eq!(handled[6..handled.len() - 1], plain);
    assert_eq!(handled.last().unwrap(), "end");
    assert_eq!(plain.len(), 7);
}

#[test]
fn a_receiver_is_in_the_run_whole() {
    let kept = Pair {
        left: Named("left"),
        right: Named("right"),
    }
    .consume(Named("last"));
    assert_eq!(kept.0, "left");
    let notes = notes();
    assert_eq!(notes[..2], ["checked"; 2]);
    assert!(notes[2].starts_with("run "));
    assert_eq!(
        notes[3..],
        ["body", "drop last", "drop local", "drop right", "end"]
    );
}
