//! The golden expansions compile as they stand, next to the sources they come from.

macro_rules! compile {
    ($($name:ident: $source:literal => $expanded:literal;)+) => {
        $(
            #[allow(clippy::undocumented_unsafe_blocks)] // the expansions lose their comments
            #[allow(dead_code, unreachable_pub, unused_imports, unused_variables)]
            #[allow(clippy::match_single_binding, clippy::unnecessary_operation, clippy::unit_arg)] // as plain code
            mod $name {
                mod source {
                    include!($source);
                }
                mod expanded {
                    include!($expanded);
                }
            }
        )+

        /// The files above, and no others, are in the folder.
        #[test]
        fn every_expansion_is_compiled() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expansion");
            let found = std::fs::read_dir(folder).unwrap().count();
            assert_eq!(found, [$($source, $expanded),+].len());
        }
    };
}

compile! {
    attributes: "expansion/attributes.rs" => "expansion/attributes.expanded.rs";
    generics: "expansion/generics.rs" => "expansion/generics.expanded.rs";
    intercepted: "expansion/intercepted.rs" => "expansion/intercepted.expanded.rs";
    patterns: "expansion/patterns.rs" => "expansion/patterns.expanded.rs";
    policies: "expansion/policies.rs" => "expansion/policies.expanded.rs";
    receivers: "expansion/receivers.rs" => "expansion/receivers.expanded.rs";
    references: "expansion/references.rs" => "expansion/references.expanded.rs";
    results: "expansion/results.rs" => "expansion/results.expanded.rs";
    values: "expansion/values.rs" => "expansion/values.expanded.rs";
}
