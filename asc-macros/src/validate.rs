//! Refuses the functions that cannot run twice, each with the way out.
//!
//! All findings are reported in one go. What depends on types (an argument passed by value that is
//! not `Clone`) is left to the compiler, through the check that `arguments` puts in front of the
//! handler.

use proc_macro2::Span;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Abi, Error, ParenthesizedGenericArguments, Result, ReturnType, Signature, TraitBound, Type,
};

use crate::attr::{OnFault, Settings};
use crate::function::Function;

/// Lets a policy pass that the function can carry out. What depends on types (a result that cannot
/// tell of a fault) is left to the compiler.
pub(crate) fn policy(settings: &Settings, function: &Function) -> Result<()> {
    let Some(OnFault::Drop(place)) = settings.on_fault else {
        return Ok(());
    };
    let cannot_tell = match &function.signature.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(plain(ty), Type::ImplTrait(_)),
    };
    if !cannot_tell {
        return Ok(());
    }
    Err(Error::new(
        place,
        "a dropped message needs a result that says so; \
         write `-> Result<(), asc_runtime::Fault>`, with what the handler returns in the place of `()`, \
         and end the body with `Ok(…)`",
    ))
}

/// Lets a function pass that can be a handler, and says everything that is in the way otherwise.
pub(crate) fn handler(function: Function) -> Result<Function> {
    let signature = &function.signature;
    let findings = [
        asyncness(signature),
        constness(signature),
        abi(signature),
        variadic(signature),
        entry_point(signature),
        never(signature),
        future(signature),
        twice(&function),
    ];
    passed_or(findings, function)
}

/// Lets a function pass whose stores can be announced.
pub(crate) fn helper(function: Function) -> Result<Function> {
    let Signature {
        asyncness,
        constness,
        ..
    } = &function.signature;
    let asynchronous = asyncness.map(|token| {
        Error::new(
            token.span,
            "a handler cannot call an `async fn`: it would run later, outside of the two runs; \
             mark the plain functions that do the work between two `.await`s",
        )
    });
    let constant = constness.map(|token| {
        Error::new(
            token.span,
            "stores are announced at run time, which a `const fn` cannot do; remove `const`, or take the \
             attribute away if the function changes nothing but its result",
        )
    });
    passed_or([asynchronous, constant], function)
}

fn passed_or<const N: usize>(findings: [Option<Error>; N], function: Function) -> Result<Function> {
    let combined = findings.into_iter().flatten().reduce(|mut all, finding| {
        all.combine(finding);
        all
    });
    match combined {
        None => Ok(function),
        Some(findings) => Err(findings),
    }
}

fn asyncness(signature: &Signature) -> Option<Error> {
    let token = signature.asyncness?;
    Some(Error::new(
        token.span,
        "a handler cannot be `async`: its body would run later, outside of the two runs, whenever the future is polled; \
         move the work between two `.await`s into a plain `fn` marked `#[asc_handler]` and call that from here",
    ))
}

fn constness(signature: &Signature) -> Option<Error> {
    let token = signature.constness?;
    Some(Error::new(
        token.span,
        "a handler cannot be `const`: the second run and the comparison happen at run time; remove `const`",
    ))
}

fn abi(signature: &Signature) -> Option<Error> {
    let abi = signature.abi.as_ref().filter(|abi| !is_rust(abi))?;
    Some(Error::new_spanned(
        abi,
        "a handler cannot be called by foreign code: a fault must not unwind or return across that border; \
         mark a Rust `fn` with `#[asc_handler]` and call it from this one",
    ))
}

fn is_rust(abi: &Abi) -> bool {
    abi.name.as_ref().is_some_and(|name| name.value() == "Rust")
}

fn variadic(signature: &Signature) -> Option<Error> {
    let dots = signature.variadic.as_ref()?.dots;
    Some(Error::new_spanned(
        dots,
        "a handler cannot be variadic: arguments without a type cannot be given to the second run; \
         pass a slice or a tuple",
    ))
}

/// A zero-argument free function of that name. (`self` makes it a method, and arguments exclude the
/// entry point.)
fn entry_point(signature: &Signature) -> Option<Error> {
    let entry = signature.ident == "main" && signature.inputs.is_empty();
    entry.then(|| {
        Error::new(
            signature.ident.span(),
            "`main` cannot be a handler: the whole program would run twice; \
             mark the function that it calls for each event",
        )
    })
}

fn never(signature: &Signature) -> Option<Error> {
    let ReturnType::Type(_, output) = &signature.output else {
        return None;
    };
    matches!(plain(output), Type::Never(_)).then(|| {
        Error::new_spanned(
            output,
            "a handler must return: its runs are compared when it does; \
             let it handle one event, and put the endless loop into its caller",
        )
    })
}

fn future(signature: &Signature) -> Option<Error> {
    let mut finder = FutureFinder(None);
    finder.visit_return_type(&signature.output);
    let span = finder.0?;
    Some(Error::new(
        span,
        "a handler cannot return a future: it would run later, outside of the two runs, whenever it is polled; \
         move the work between two `.await`s into a plain `fn` marked `#[asc_handler]` and call that from here",
    ))
}

/// The span of the first `impl Future` or `dyn Future`.
struct FutureFinder(Option<Span>);

impl<'ast> Visit<'ast> for FutureFinder {
    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        let last = bound
            .path
            .segments
            .last()
            .filter(|segment| segment.ident == "Future");
        self.0 = self.0.or(last.map(|segment| segment.ident.span()));
        visit::visit_trait_bound(self, bound);
    }

    /// What a returned closure returns is its own affair.
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

fn twice(function: &Function) -> Option<Error> {
    let mut attributes = function.attributes.iter();
    let second = attributes.find(|attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|segment| segment.ident == "asc_handler")
    })?;
    Some(Error::new_spanned(
        second.path().to_token_stream(),
        "`#[asc_handler]` stands here twice; one is enough, remove the other",
    ))
}

/// The type without parentheses and without the invisible groups that macros put around what they
/// substitute.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => plain(&inner.elem),
        Type::Group(inner) => plain(&inner.elem),
        other => other,
    }
}
