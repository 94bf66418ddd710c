//! The guides as documentation tests: every piece of Rust code in them is compiled and run.
//!
//! The book itself is built by `mdbook build docs`, and by this crate's test.

#![forbid(unsafe_code)]

/// Declares one module per chapter, so that a failing example says where it stands.
macro_rules! chapters {
    ($($name:ident: $file:literal;)+) => {
        $(#[doc = include_str!($file)] pub mod $name {})+

        /// The chapters' files, in the order of the book.
        pub const CHAPTERS: &[&str] = &[$($file),+];
    };
}

/// The project's first page is no chapter, but its code is compiled too.
#[doc = include_str!("../README.md")]
pub mod readme {}

chapters! {
    introduction: "src/introduction.md";
    harden_a_service: "src/harden-a-service.md";
    choosing_a_mode: "src/choosing-a-mode.md";
    fault_model: "src/fault-model.md";
    writing_handlers: "src/writing-handlers.md";
    reading_an_incident: "src/reading-an-incident.md";
}
