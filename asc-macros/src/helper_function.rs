//! `#[asc_fn]`: a function that handlers call, whose stores plain builds see.
//!
//! ```text
//! fn helper(…) -> R {
//!     let visible = visible("module::path", "helper");     // or the name of the type, for a method
//!     …                                                    // the body, its stores announced
//! }
//! ```
//!
//! The caller noted whom it is about to call, and a callee that says that it is the one has
//! announced its stores. So a function in between that is not marked is found out, even if it
//! calls a marked one.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Signature;
use syn::ext::IdentExt;

use crate::attr::Settings;
use crate::function::Function;
use crate::intercept;

/// Writes the helper out: as it is in `cargo asc` builds, with its stores announced in others.
pub(crate) fn expand(settings: &Settings, function: Function) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        inner_attributes,
        body,
        ..
    } = function;
    let runtime = &settings.runtime;
    let identity = identity(&signature, &body);
    let rewritten = intercept::rewrite(runtime, &signature, body.clone());
    let plain = intercept::announced(runtime, &identity, &rewritten);
    quote! {
        #(#attributes)* #visibility #signature {
            #(#inner_attributes)*
            #runtime::__by_build! { { #body } { #plain } }
        }
    }
}

/// Two expressions: where the function is defined (the module, or the type for an associated
/// function), and its name.
pub(crate) fn identity(signature: &Signature, body: &TokenStream) -> TokenStream {
    let name = signature.ident.unraw().to_string();
    let associated = signature.receiver().is_some()
        || mentions_self(signature.to_token_stream())
        || mentions_self(body.clone());
    if associated {
        quote!(::core::any::type_name::<Self>(), #name)
    } else {
        quote!(::core::module_path!(), #name)
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(name) => name == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}
