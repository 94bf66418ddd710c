//! The expansions, kept as files to be read: `tests/expansion/x.rs` expands to
//! `tests/expansion/x.expanded.rs`.
//!
//! After a wanted change: `EXPANSION=overwrite cargo test -p asc-macros golden`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser as _;
use syn::{Attribute, Meta};

const EXPANDED: &str = "expanded.rs";

#[test]
fn golden() {
    let overwrite = env::var_os("EXPANSION").is_some_and(|wish| wish == "overwrite");
    let sources = sources();
    assert!(!sources.is_empty(), "no sources in tests/expansion");
    for source in sources {
        let expanded = expand_file(&fs::read_to_string(&source).unwrap());
        let golden = source.with_extension(EXPANDED);
        if overwrite {
            fs::write(&golden, &expanded).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            expanded == expected,
            "{} is not what {} expands to; look at the difference, and if it is wanted run \
             `EXPANSION=overwrite cargo test -p asc-macros golden`. The expansion is now:\n{expanded}",
            golden.display(),
            source.display(),
        );
    }
}

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansion");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| !path.to_str().unwrap().ends_with(EXPANDED))
        .collect()
}

fn expand_file(source: &str) -> String {
    let expanded = expand(source.parse().unwrap());
    prettyplease::unparse(&syn::parse2(expanded).unwrap())
}

/// Does what the compiler does with the attribute: gives it the item that follows, up to its body.
fn expand(tokens: TokenStream) -> TokenStream {
    let mut output = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let Some((attribute, arguments)) = tokens.peek().and_then(own_attribute) {
            tokens.next();
            let mut item = Vec::new();
            while !item.last().is_some_and(is_body) {
                item.push(tokens.next().expect("a function with a body"));
            }
            output.extend(attribute.apply(arguments, item.into_iter().collect()));
        } else if let TokenTree::Group(group) = token {
            output.push(Group::new(group.delimiter(), expand(group.stream())).into());
        } else {
            output.push(token);
        }
    }
    output.into_iter().collect()
}

fn is_body(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// What `[asc_handler(…)]` or `[asc_fn(…)]` does, and its arguments.
fn own_attribute(token: &TokenTree) -> Option<(&'static crate::Attribute, TokenStream)> {
    let TokenTree::Group(group) = token else {
        return None;
    };
    let content = group.stream();
    if group.delimiter() != Delimiter::Bracket {
        return None;
    }
    // Most brackets hold no attribute but an array or an index.
    let attributes = Attribute::parse_outer.parse2(quote!(#[#content])).ok()?;
    let attribute = attributes.first()?;
    let arguments = match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => return None,
    };
    let name = attribute.path().get_ident()?.to_string();
    match name.as_str() {
        "asc_handler" => Some((&crate::HANDLER, arguments)),
        "asc_fn" => Some((&crate::HELPER, arguments)),
        _ => None,
    }
}
