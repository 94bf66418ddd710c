//! What the attribute accepts and refuses, with the exact words of each refusal.
//!
//! After a wanted change of wording: `TRYBUILD=overwrite cargo test -p asc-macros --test ui`.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}
