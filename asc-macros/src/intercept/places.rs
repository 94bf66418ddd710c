//! Assignments: the place is announced right before the store.

use quote::quote_spanned;
use syn::visit_mut::VisitMut;
use syn::{BinOp, Expr, ExprAssign, ExprBinary};

use super::{Interceptor, here, is_place, is_repeatable, own};

impl Interceptor {
    /// `place = value`, or an assignment to several places at once.
    pub(super) fn assignment(&mut self, assignment: &mut ExprAssign) -> Option<Expr> {
        let ExprAssign {
            attrs,
            left,
            eq_token,
            right,
        } = assignment;
        if is_place(left) {
            self.visit_expr_mut(right);
            self.announced(left, right);
            return None;
        }
        let mut places = Vec::new();
        self.visit_expr_mut(right);
        if !leaves(left, &mut places) {
            self.unread = true;
            return None;
        }
        let announced = places
            .into_iter()
            .filter(|place| !self.locals.is_local(place));
        let source = self.source(left);
        let value = own("value", left);
        Some(syn::parse_quote! {
            #(#attrs)* { let #value = #right; #(#source::place(&raw mut #announced);)* #left #eq_token #value; }
        })
    }

    /// Both calls leave the compiler what it has in `place = value`: the type that is expected of the value,
    /// its temporaries until the end of the statement, and the value first, for it may change which
    /// place is meant.
    fn announced(&mut self, place: &mut Expr, value: &mut Expr) {
        if self.locals.is_local(place) {
            return;
        }
        if !is_repeatable(place) {
            self.target(place);
            return;
        }
        let source = self.source(place);
        let stored = quote_spanned!(here(place)=> #source::stored(#value, &raw mut #place));
        *value = Expr::Verbatim(stored);
    }

    /// A place that cannot be named twice is announced by the one who is told where it is.
    fn target(&mut self, place: &mut Expr) {
        self.visit_expr_mut(place);
        let source = self.source(place);
        *place = Expr::Verbatim(quote_spanned!(here(place)=> *#source::target(&mut #place)));
    }

    /// `place += value` and its kind; other operations are only looked into.
    pub(super) fn operation(&mut self, operation: &mut ExprBinary) -> Option<Expr> {
        if is_compound(&operation.op) {
            return self.compound(operation);
        }
        self.visit_expr_mut(&mut operation.left);
        self.visit_expr_mut(&mut operation.right);
        None
    }

    fn compound(&mut self, operation: &mut ExprBinary) -> Option<Expr> {
        let ExprBinary {
            attrs,
            left: place,
            op,
            right: value,
        } = operation;
        let value_first = !is_repeatable(value);
        self.visit_expr_mut(value);
        if self.locals.is_local(place) {
            return None;
        }
        if !is_repeatable(place) {
            self.target(place);
            return None;
        }
        let source = self.source(place);
        let announce = quote_spanned!(here(place)=> #source::place(&raw mut #place););
        if !value_first {
            return Some(syn::parse_quote!(#(#attrs)* { #announce #place #op #value; }));
        }
        // A `match` and no `let`: the value's temporaries live until the end of the statement.
        let kept = own("value", place);
        Some(syn::parse_quote! {
            #(#attrs)* match #value { #kept => { #announce #place #op #kept; } }
        })
    }
}

/// Whether the operator stores what it computes.
pub(super) const fn is_compound(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Collects the places on the left of a destructuring assignment; false if one of them cannot be
/// named twice.
fn leaves<'a>(pattern: &'a Expr, places: &mut Vec<&'a Expr>) -> bool {
    match pattern {
        Expr::Infer(_) | Expr::Range(_) => true,
        Expr::Tuple(tuple) => tuple.elems.iter().all(|leaf| leaves(leaf, places)),
        Expr::Array(array) => array.elems.iter().all(|leaf| leaves(leaf, places)),
        Expr::Call(call) => call.args.iter().all(|leaf| leaves(leaf, places)),
        Expr::Struct(structure) => structure
            .fields
            .iter()
            .all(|field| leaves(&field.expr, places)),
        Expr::Paren(inner) => leaves(&inner.expr, places),
        place => {
            places.push(place);
            is_place(place) && is_repeatable(place)
        }
    }
}
