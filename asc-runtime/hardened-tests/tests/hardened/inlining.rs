//! Where link-time optimisation runs, a store costs no call: the word hooks are inlined.

use std::fs;

use object::{Object as _, ObjectSymbol as _};

use crate::build::Programs;

/// The hooks that nearly every function has.
const WORD_HOOKS: [&str; 4] = [
    "__asan_store1",
    "__asan_store2",
    "__asan_store4",
    "__asan_store8",
];

/// The linker leaves out what nothing calls, so a hook that is inlined everywhere has no symbol.
pub(crate) fn no_word_hook_is_called(programs: &Programs) {
    let program = programs.program("differential");
    let bytes = fs::read(&program).expect("a program");
    let file = object::File::parse(&*bytes).expect("an object file");
    let names: Vec<&str> = file
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    assert!(
        names.contains(&"main"),
        "{} has no symbols",
        program.display()
    );
    let called: Vec<&&str> = WORD_HOOKS
        .iter()
        .filter(|hook| names.contains(hook))
        .collect();
    assert!(
        called.is_empty(),
        "called in {}: {called:?}",
        program.display()
    );
}
