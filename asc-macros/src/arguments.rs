//! Moves the arguments into the run.
//!
//! A closure owns only what its body mentions, and drops it in the order of the mentions. The run
//! must own every argument whole, so that what the handler consumes is dropped inside the run
//! (where frees are deferred and writes are compared), in the order in which a plain function drops
//! its arguments. So an argument that is passed by value is bound again by the first statements of
//! the run, under the pattern that the user wrote, and the signature keeps only a name:
//!
//! | in the source | in the signature | in the run |
//! |---|---|---|
//! | `key: &str` | unchanged | nothing: there is no ownership to move |
//! | `value: Vec<u8>` | unchanged | `let value = value;` |
//! | `mut value: Vec<u8>` | `value: Vec<u8>` | `let mut value = value;` |
//! | `(id, _): (u8, Key)` | `argument_1: (u8, Key)` | `let argument_1 = argument_1; let (id, _) = argument_1;` |
//! | `&self`, `&mut self` | unchanged | nothing |
//! | `self`, `self: Box<Self>` | unchanged | `let _ = &self;`, which captures it whole |
//!
//! (`self` cannot be bound again.) A reference under a pattern or under `mut` is bound again too.
//! The compiler then says of every pattern what it would have said of the argument: unused,
//! needlessly `mut`, assigned but never read.

use std::mem;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatIdent, PatType, Path, PathArguments, PathSegment,
    Receiver, ReceiverKind, Signature, Type,
};

use crate::validate::plain;

/// The statements that the arguments of a handler need.
#[derive(Default)]
pub(crate) struct Arguments {
    /// In front of the run: the check of each argument that is passed by value.
    pub(crate) checks: Vec<TokenStream>,
    /// First in the run: what makes it the owner.
    pub(crate) moves: Vec<TokenStream>,
    /// Whether a move declares a variable, which the value of the body must not outlive.
    pub(crate) declare: bool,
}

/// Takes the patterns of the arguments that move out of the signature, and leaves names.
pub(crate) fn take(signature: &mut Signature, runtime: &Path) -> Arguments {
    let mut arguments = Arguments::default();
    let first = usize::from(signature.receiver().is_none());
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) => arguments.receiver(receiver, runtime),
            FnArg::Typed(argument) => arguments.typed(argument, index + first, runtime),
        }
    }
    arguments
}

impl Arguments {
    fn receiver(&mut self, receiver: &Receiver, runtime: &Path) {
        let name = receiver.self_token;
        let position = match &receiver.kind {
            ReceiverKind::Value => Position::of(name),
            ReceiverKind::Typed(_, ty) if !is_reference(ty) => Position::of(ty),
            _ => return,
        };
        self.checks
            .push(check(&Ident::from(name), &position, runtime));
        self.moves.push(quote!(let _ = &#name;));
    }

    fn typed(&mut self, argument: &mut PatType, position: usize, runtime: &Path) {
        let by_reference = is_reference(&argument.ty);
        if by_reference && stays(&argument.pat) {
            return;
        }
        let own_name = plain_name(&argument.pat).map(|name| name.ident.clone());
        let fresh_name = || format_ident!("argument_{position}", span = Span::mixed_site());
        let name = own_name.clone().unwrap_or_else(fresh_name);
        let pattern = mem::replace(argument.pat.as_mut(), name_pattern(name.clone()));
        let (conditions, lint_levels): (Vec<_>, Vec<_>) = mem::take(&mut argument.attrs)
            .into_iter()
            .partition(is_condition);
        if !by_reference {
            let check = check(&name, &Position::of(&argument.ty), runtime);
            self.checks.push(quote!(#(#conditions)* #check));
        }
        if own_name.is_none() {
            self.moves.push(quote!(#(#conditions)* let #name = #name;));
        }
        if !matches!(pattern, Pat::Wild(_)) {
            let quiet = own_name.as_ref().map(quiet_rebinding);
            self.moves
                .push(quote!(#(#conditions)* #quiet #(#lint_levels)* let #pattern = #name;));
        }
        argument.attrs = conditions;
        self.declare = true;
    }
}

/// A reference under such a pattern needs no binding of its own.
fn stays(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Wild(_))
        || plain_name(pattern).is_some_and(|name| name.mutability.is_none())
}

/// An argument that is nothing but a name (`mut` aside).
fn plain_name(pattern: &Pat) -> Option<&PatIdent> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(name),
        _ => None,
    }
}

fn name_pattern(ident: Ident) -> Pat {
    Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident,
        subpat: None,
    })
}

/// Binding a name again under itself is the purpose here, so lints against it have nothing to say.
fn quiet_rebinding(name: &Ident) -> TokenStream {
    if is_unused(name) {
        quote!(#[allow(clippy::no_effect_underscore_binding, clippy::shadow_same, clippy::used_underscore_binding)])
    } else {
        quote!(#[allow(clippy::shadow_same)])
    }
}

fn is_unused(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}

/// `#[cfg]` decides whether the argument exists, so it goes wherever the argument goes. All others
/// are lint levels, and go where the pattern goes.
fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// References are given to both runs as they are. `Pin` and `Option` around a reference are
/// references too.
fn is_reference(ty: &Type) -> bool {
    match plain(ty) {
        Type::Reference(_) => true,
        Type::Path(ty) => ty.path.segments.last().is_some_and(wraps_a_reference),
        _ => false,
    }
}

fn wraps_a_reference(segment: &PathSegment) -> bool {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return false;
    };
    let wraps = segment.ident == "Pin" || segment.ident == "Option";
    wraps
        && matches!(arguments.args.first(), Some(GenericArgument::Type(inner)) if is_reference(inner))
}

/// `require_argument(&name)`, with `&name` placed on the argument's type: that is where the user
/// has to change something.
fn check(name: &Ident, position: &Position, runtime: &Path) -> TokenStream {
    // All spans of one expression must agree on their hygiene, else the compiler shows only the
    // first.
    let borrow = quote_spanned!(name.span().located_at(position.first)=> &);
    let mut placed = name.clone();
    placed.set_span(name.span().located_at(position.last));
    let quiet = is_unused(name).then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    quote!(#quiet #runtime::__private::require_argument(#borrow #placed);)
}

/// Where some tokens of the user stand: from the first to the last.
pub(crate) struct Position {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Position {
    pub(crate) fn of(tokens: impl ToTokens) -> Self {
        let trees: Vec<TokenTree> = tokens.into_token_stream().into_iter().collect();
        Self {
            first: trees.first().map_or_else(Span::call_site, start),
            last: trees.last().map_or_else(Span::call_site, end),
        }
    }
}

fn start(tree: &TokenTree) -> Span {
    match tree {
        TokenTree::Group(group) => group.span_open(),
        other => other.span(),
    }
}

fn end(tree: &TokenTree) -> Span {
    match tree {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}
