//! Calls: the runtime learns who is called, and the callee says whether it announces its stores.

use proc_macro2::Literal;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Ident};

use super::{Interceptor, here, is_place, is_repeatable};

/// What `core::mem` stores through references; the runtime has the same under the same names.
const STORING: [&str; 3] = ["swap", "replace", "take"];

impl Interceptor {
    pub(super) fn call(&mut self, call: &mut ExprCall) -> Option<Expr> {
        if is_constructor_call(call) {
            call.args
                .iter_mut()
                .for_each(|argument| self.visit_expr_mut(argument));
            return self.made(&Expr::Call(call.clone()));
        }
        self.apart_from_let(|this| {
            call.args
                .iter_mut()
                .for_each(|argument| this.visit_expr_mut(argument));
        });
        let source = self.source(call);
        let arguments = &call.args;
        let Expr::Path(function) = &*call.func else {
            self.visit_expr_mut(&mut call.func);
            return Some(self.after_opaque("a call of a computed function", call));
        };
        if let Some(name) = function
            .path
            .get_ident()
            .filter(|name| self.locals.contains(name))
        {
            if self.locals.is_visible_closure(name) {
                return None;
            }
            let what = format!("a call of `{name}`, which is a value");
            return Some(self.after_opaque(&what, call));
        }
        if let Some(name) = storing(function) {
            let storing = quote_spanned!(here(function)=> #source::#name(#arguments));
            return Some(Expr::Verbatim(storing));
        }
        let position = here(function);
        let site = self.site();
        let entering = quote_spanned!(position=> #source::entering(#site, #function));
        let leave = quote_spanned!(position=> #source::leave(#site, #entering(#arguments)));
        Some(Expr::Verbatim(leave))
    }

    pub(super) fn method_call(&mut self, call: &mut ExprMethodCall) -> Option<Expr> {
        let repeatable = is_repeatable(&call.receiver);
        let place = is_place(&call.receiver);
        self.apart_from_let(|this| {
            this.visit_expr_mut(&mut call.receiver);
            call.args
                .iter_mut()
                .for_each(|argument| this.visit_expr_mut(argument));
        });
        let source = self.source(&call.method);
        let name = call.method.unraw().to_string();
        let receiver = &call.receiver;
        let position = here(&call.method);
        let site = self.site();
        if repeatable {
            // A constant is no place: there is no address of it to take.
            let pointer = if place && self.locals.is_within_variable(receiver) {
                quote!(&raw const #receiver)
            } else {
                quote!(&#receiver)
            };
            let entering =
                quote_spanned!(position=> #source::entering_method(#site, #pointer, #name));
            let leave = quote_spanned!(position=> #source::leave(#entering, #call));
            return Some(Expr::Verbatim(leave));
        }
        if place {
            let what = format!("a call of `{name}` on a computed place");
            return Some(self.after_opaque(&what, call));
        }
        let received = quote_spanned!(position=> #source::receiver(#site, #receiver, #name));
        *call.receiver = Expr::Verbatim(received);
        let leave = quote_spanned!(position=> #source::leave(#site, #call));
        Some(Expr::Verbatim(leave))
    }

    /// A number for the next call in the body.
    fn site(&mut self) -> Literal {
        let site = Literal::usize_unsuffixed(self.calls);
        self.calls += 1;
        site
    }
}

pub(super) fn is_constructor_call(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(function) if is_constructor(function))
}

/// Tuple structs and enum variants, by Rust's naming conventions.
fn is_constructor(function: &ExprPath) -> bool {
    function.path.segments.last().is_some_and(|last| {
        let name = last.ident.unraw().to_string();
        name.starts_with(char::is_uppercase)
    })
}

/// The last segment of `mem::swap`, `std::mem::swap`, `core::mem::swap` and the other two.
fn storing(function: &ExprPath) -> Option<Ident> {
    let names: Vec<String> = function
        .path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ([.., "std" | "core", "mem", last] | ["mem", last]) = names.as_slice() else {
        return None;
    };
    let known = STORING.contains(last) && function.qself.is_none();
    let name = function.path.segments.last()?;
    (known && name.arguments.to_token_stream().is_empty()).then(|| name.ident.clone())
}
