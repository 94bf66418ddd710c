//! Interception in the source: what plain `cargo build` can see of a body.
//!
//! Each store that is written in the body is announced to the runtime right before it happens, and
//! each call is put between two calls of the runtime, which learns from the callee itself whether
//! that one announces its stores too. What stays out of sight (a call into other code, an unknown
//! macro) is reported to the runtime when it is about to run: the page level does not mind, and
//! without it the runtime refuses the handler.
//!
//! | in the source | in the run |
//! |---|---|
//! | `place = value` | `place = stored(value, &raw mut place)` |
//! | `place += value` | `match value { value => { place(&raw mut place); place += value; } }` |
//! | `*computed() = value` | `*target(&mut *computed()) = value` |
//! | `mem::swap(a, b)` | the runtime's `swap`, which announces both |
//! | `function(arguments)` | `leave(1, entering(1, function)(arguments))` |
//! | `place.method(arguments)` | `leave(entering_method(2, …), place.method(arguments))` |
//! | `value.method(arguments)` | `leave(3, receiver(3, value, …).method(arguments))` |
//! | `Name(value)`, `Name { field: value }` | `kept(Name(value))`, `kept(Name { field: value })` |
//! | `for item in items` | `for item in iterated(items)` |
//! | `unknown!(…)` | `(opaque(…), unknown!(…)).1` |
//!
//! Calls and tuples and not blocks, so that temporaries live as long as before. The numbers tell the calls of one
//! body apart. The body of a nested item is another function's and stays as it is.

mod calls;
mod locals;
mod macros;
mod owned;
mod places;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprConst, ExprForLoop, ExprRepeat, Item, Path, Signature, Stmt, Type};

use locals::Locals;

/// The body with its stores and calls announced.
pub(crate) fn rewrite(runtime: &Path, signature: &Signature, body: TokenStream) -> TokenStream {
    let Ok(mut block) = syn::parse2::<Block>(quote!({ #body })) else {
        return unreadable(runtime, &body);
    };
    let locals = Locals::of(signature, &block);
    let mut interceptor = Interceptor {
        source: quote!(#runtime::__private::source),
        locals,
        calls: 0,
        keeps_temporaries: false,
        unread: false,
    };
    interceptor.visit_block_mut(&mut block);
    if interceptor.unread {
        return unreadable(runtime, &block.to_token_stream());
    }
    let statements = &block.stmts;
    quote!(#(#statements)*)
}

/// The rewritten body of a function that says first who it is: see [`crate::helper_function`].
pub(crate) fn announced(runtime: &Path, identity: &TokenStream, body: &TokenStream) -> TokenStream {
    let guard = Ident::new("__asc_visible", Span::mixed_site());
    quote! {
        let #guard = #runtime::__private::source::visible(#identity);
        #body
    }
}

/// A body in a syntax that is newer than our parser.
fn unreadable(runtime: &Path, body: &TokenStream) -> TokenStream {
    quote! {
        #runtime::__private::source::opaque("syntax that `#[asc_handler]` cannot read");
        #body
    }
}

struct Interceptor {
    /// Path of the runtime's module.
    source: TokenStream,
    locals: Locals,
    /// How many calls there were so far.
    calls: usize,
    /// Whether a `let` keeps temporaries alive for the constructors that are visited.
    keeps_temporaries: bool,
    unread: bool,
}

impl Interceptor {
    /// The path of the runtime's module, standing where the tokens stand: refusals name that place.
    fn source(&self, tokens: &impl ToTokens) -> TokenStream {
        let position = here(tokens);
        let placed = self.source.clone().into_iter().map(|mut token| {
            token.set_span(position);
            token
        });
        placed.collect()
    }

    /// Reports something opaque, then `expression`, whose value it has.
    fn after_opaque(&self, what: &str, expression: &impl ToTokens) -> Expr {
        let opaque = self.opaque(what, expression);
        syn::parse_quote!((#opaque, #expression).1)
    }

    fn opaque(&self, what: &str, place: &impl ToTokens) -> TokenStream {
        let source = self.source(place);
        quote_spanned!(here(place)=> #source::opaque(#what))
    }
}

impl VisitMut for Interceptor {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        let replacement = match &mut *expression {
            Expr::Assign(assignment) => self.assignment(assignment),
            Expr::Binary(operation) => self.operation(operation),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Macro(invocation) => self.expression_macro(invocation),
            Expr::Struct(structure) => {
                visit_mut::visit_expr_struct_mut(self, structure);
                self.made(expression)
            }
            Expr::Reference(reference) => {
                self.reference(reference);
                None
            }
            Expr::Closure(closure) => {
                self.apart_from_let(|this| visit_mut::visit_expr_closure_mut(this, closure));
                None
            }
            Expr::Verbatim(_) => {
                self.unread = true;
                None
            }
            other => {
                visit_mut::visit_expr_mut(self, other);
                None
            }
        };
        if let Some(replacement) = replacement {
            *expression = replacement;
        }
    }

    fn visit_expr_for_loop_mut(&mut self, repetition: &mut ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, repetition);
        let (source, items) = (self.source(&repetition.expr), &repetition.expr);
        let iterated = quote_spanned!(here(items)=> #source::iterated(#items));
        *repetition.expr = Expr::Verbatim(iterated);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let mut statements = Vec::with_capacity(block.stmts.len());
        for mut statement in std::mem::take(&mut block.stmts) {
            if let Stmt::Macro(invocation) = &statement {
                statements.extend(self.statement_macro(invocation));
            }
            // Only the last expression belongs to the `let` that the block may stand in.
            let outside = self.keeps_temporaries;
            self.keeps_temporaries = outside && matches!(statement, Stmt::Expr(_, None));
            let mut following = Vec::new();
            match &mut statement {
                Stmt::Local(local) => following = self.declaration(local),
                other => self.visit_stmt_mut(other),
            }
            self.keeps_temporaries = outside;
            statements.push(statement);
            statements.extend(following);
        }
        block.stmts = statements;
    }

    /// The length is a constant.
    fn visit_expr_repeat_mut(&mut self, array: &mut ExprRepeat) {
        self.visit_expr_mut(&mut array.expr);
    }

    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}

    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_type_mut(&mut self, _: &mut Type) {}
}

/// Where generated code stands: at the user's, and out of reach of the user's names.
fn here(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    Span::mixed_site().located_at(first.map_or_else(Span::call_site, |token| token.span()))
}

/// A name of ours.
fn own(name: &str, tokens: &impl ToTokens) -> TokenStream {
    let name = Ident::new(name, here(tokens));
    quote_spanned!(here(tokens)=> #name)
}

/// Whether the expression may be written twice: it has no effect, and its second evaluation gives
/// what the first one gave.
fn is_repeatable(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(field) => is_repeatable(&field.base),
        Expr::Index(index) => is_repeatable(&index.expr) && is_repeatable(&index.index),
        Expr::Unary(operation) => is_repeatable(&operation.expr),
        Expr::Binary(operation) => {
            !places::is_compound(&operation.op)
                && is_repeatable(&operation.left)
                && is_repeatable(&operation.right)
        }
        Expr::Paren(inner) => is_repeatable(&inner.expr),
        Expr::Group(inner) => is_repeatable(&inner.expr),
        Expr::Cast(cast) => is_repeatable(&cast.expr),
        Expr::Reference(reference) => is_repeatable(&reference.expr),
        Expr::Range(range) => {
            let ends = range.start.iter().chain(&range.end);
            ends.into_iter().all(|end| is_repeatable(end))
        }
        _ => false,
    }
}

/// Whether the expression names a place in memory, rather than a value.
fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(operation) => matches!(operation.op, syn::UnOp::Deref(_)),
        Expr::Paren(inner) => is_place(&inner.expr),
        Expr::Group(inner) => is_place(&inner.expr),
        _ => false,
    }
}
