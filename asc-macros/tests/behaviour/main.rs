//! Every shape of handler does with the attribute what it does without.
//!
//! Each group of shapes is written once, as a macro over the attribute, and compiled twice: with an
//! attribute that does nothing and with `#[asc_handler]`. A scenario calls its handlers and returns
//! what came out and what is left of the state; both builds must return the same.

/// Compiles a group of shapes twice and makes a test of each of its scenarios.
macro_rules! compare {
    ($shapes:ident: $($scenario:ident)+) => {
        mod plain {
            $shapes!(allow(clippy::all));
        }
        mod handled {
            $shapes!(asc_runtime::asc_handler);
        }
        $(
            #[test]
            fn $scenario() {
                let expected = plain::$scenario();
                assert!(!expected.is_empty(), "the scenario shows nothing");
                assert_eq!(handled::$scenario(), expected);
            }
        )+
    };
}

mod arguments;
mod bodies;
mod items;
mod methods;
mod results;
