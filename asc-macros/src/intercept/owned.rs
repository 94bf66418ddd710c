//! Values that a body comes to own: whoever drops them runs code that announces nothing.
//!
//! What a constructor makes is passed through the runtime, which knows from its type whether it needs dropping. So
//! is what a `let` takes from a constant or an operator; what calls give back passes through `leave`.
//!
//! Two things must not be passed on. A constant behind `&` lives for ever as it stands. And a `let` keeps the
//! temporaries alive that its constructors refer to (`let view = View { of: &fresh() };`), but not
//! those that a call refers to; there the names are asked about that it binds.

use proc_macro2::Ident;
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprCall, ExprClosure, ExprMethodCall, ExprReference, ExprStruct, Local, Pat, Stmt,
};

use super::locals::{self, Locals};
use super::{Interceptor, calls, here, is_place};

/// Constructors of what owns nothing but what it is given.
const WRAPPERS: [&str; 3] = ["Some", "Ok", "Err"];

impl Interceptor {
    /// What a constructor of the body has made.
    pub(super) fn made(&self, constructor: &Expr) -> Option<Expr> {
        (!self.keeps_temporaries && !is_wrapper(constructor)).then(|| self.kept(constructor))
    }

    fn kept(&self, value: &Expr) -> Expr {
        let source = self.source(value);
        Expr::Verbatim(quote_spanned!(here(value)=> #source::kept(#value)))
    }

    pub(super) fn reference(&mut self, reference: &mut ExprReference) {
        if !is_constant(&reference.expr, &self.locals) {
            visit_mut::visit_expr_reference_mut(self, reference);
        }
    }

    /// A `let`; returns what must follow it.
    pub(super) fn declaration(&mut self, local: &mut Local) -> Vec<Stmt> {
        let mut temporaries = Temporaries {
            locals: &self.locals,
            found: false,
        };
        if let Some(init) = &local.init {
            temporaries.visit_expr(&init.expr);
        }
        self.keeps_temporaries = temporaries.found;
        self.visit_local_mut(local);
        if core::mem::take(&mut self.keeps_temporaries) {
            return self.asked_about(&local.pat);
        }
        if let Some(init) = &mut local.init
            && takes(&local.pat)
            && self.is_taken(&init.expr)
        {
            *init.expr = self.kept(&init.expr);
        }
        Vec::new()
    }

    /// A `let` keeps no temporaries alive for calls, nor for closures.
    pub(super) fn apart_from_let(&mut self, visit: impl FnOnce(&mut Self)) {
        let outside = core::mem::take(&mut self.keeps_temporaries);
        visit(self);
        self.keeps_temporaries = outside;
    }

    fn asked_about(&self, pattern: &Pat) -> Vec<Stmt> {
        let names = locals::bound(pattern);
        let asked = names.iter().map(|name| {
            let source = self.source(name);
            let keep = quote_spanned!(here(name)=> #source::keep(&#name););
            Stmt::Expr(Expr::Verbatim(keep), None)
        });
        asked.collect()
    }

    /// Whether the expression makes a value of its own, by a constant or an operator.
    fn is_taken(&self, value: &Expr) -> bool {
        match value {
            Expr::Path(path) => !path
                .path
                .get_ident()
                .is_some_and(|name| name == "self" || self.locals.contains(name)),
            Expr::Binary(_) | Expr::Unary(_) => true,
            Expr::Paren(inner) => self.is_taken(&inner.expr),
            Expr::Group(inner) => self.is_taken(&inner.expr),
            _ => false,
        }
    }
}

/// Whether a `let` with this pattern moves the value.
fn takes(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(name) => name.by_ref.is_none(),
        Pat::Type(typed) => takes(&typed.pat),
        _ => false,
    }
}

fn is_wrapper(constructor: &Expr) -> bool {
    let Expr::Call(call) = constructor else {
        return false;
    };
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let name = function.path.get_ident().map(Ident::unraw);
    name.is_some_and(|name| WRAPPERS.iter().any(|known| name == known))
}

/// Whether the compiler may keep the value for ever, if a `&` stands before it.
fn is_constant(value: &Expr, locals: &Locals) -> bool {
    let constant = |value: &Expr| is_constant(value, locals);
    match value {
        Expr::Lit(_) => true,
        Expr::Path(path) => !path
            .path
            .get_ident()
            .is_some_and(|name| locals.contains(name)),
        Expr::Unary(operation) => constant(&operation.expr),
        Expr::Binary(operation) => constant(&operation.left) && constant(&operation.right),
        Expr::Reference(reference) => constant(&reference.expr),
        Expr::Paren(inner) => constant(&inner.expr),
        Expr::Group(inner) => constant(&inner.expr),
        Expr::Cast(cast) => constant(&cast.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().all(constant),
        Expr::Array(array) => array.elems.iter().all(constant),
        Expr::Repeat(array) => constant(&array.expr),
        Expr::Call(call) => calls::is_constructor_call(call) && call.args.iter().all(constant),
        Expr::Struct(structure) => {
            structure.fields.iter().all(|field| constant(&field.expr))
                && structure.rest.as_deref().is_none_or(constant)
        }
        _ => false,
    }
}

/// Looks for temporaries that a `let` keeps alive for the constructors in it.
struct Temporaries<'a> {
    locals: &'a Locals,
    found: bool,
}

impl Temporaries<'_> {
    fn look_at(&mut self, part: &Expr) {
        if let Expr::Reference(reference) = part {
            let temporary =
                !is_place(&reference.expr) && !is_constant(&reference.expr, self.locals);
            self.found |= temporary;
        }
    }
}

impl<'ast> Visit<'ast> for Temporaries<'_> {
    fn visit_expr_struct(&mut self, structure: &'ast ExprStruct) {
        for field in &structure.fields {
            self.look_at(&field.expr);
        }
        visit::visit_expr_struct(self, structure);
    }

    /// The temporaries of other calls end with the `let`.
    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if calls::is_constructor_call(call) {
            call.args.iter().for_each(|argument| self.look_at(argument));
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_expr_method_call(&mut self, _: &'ast ExprMethodCall) {}

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
}
