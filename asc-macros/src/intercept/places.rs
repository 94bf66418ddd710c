//! Assignments: the place is announced right before the store.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
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
            return self.store(attrs, left, &quote!(#eq_token), right);
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

    /// `place += value` and its kind; other operations are only looked into.
    pub(super) fn operation(&mut self, operation: &mut ExprBinary) -> Option<Expr> {
        if is_compound(&operation.op) {
            let ExprBinary {
                attrs,
                left,
                op,
                right,
            } = operation;
            return self.store(attrs, left, &quote!(#op), right);
        }
        self.visit_expr_mut(&mut operation.left);
        self.visit_expr_mut(&mut operation.right);
        None
    }

    fn store(
        &mut self,
        attributes: &[syn::Attribute],
        place: &mut Expr,
        operator: &TokenStream,
        value: &mut Expr,
    ) -> Option<Expr> {
        // The value comes first, as for the compiler: it may change which place is meant.
        let value_first = !is_repeatable(value);
        self.visit_expr_mut(value);
        if self.locals.is_local(place) {
            return None;
        }
        let source = self.source(place);
        let kept = own("value", place);
        let (bind, value) = if value_first {
            (quote!(let #kept = #value;), kept)
        } else {
            (TokenStream::new(), quote!(#value))
        };
        if is_repeatable(place) {
            let announce = quote_spanned!(here(place)=> #source::place(&raw mut #place););
            return Some(
                syn::parse_quote!(#(#attributes)* { #bind #announce #place #operator #value; }),
            );
        }
        self.visit_expr_mut(place);
        let target = own("target", place);
        let announce = quote_spanned!(here(place)=> #source::place(&raw mut *#target););
        Some(syn::parse_quote! {
            #(#attributes)* { #bind match &mut #place { #target => { #announce *#target #operator #value; } } }
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
