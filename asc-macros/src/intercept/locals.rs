//! The names that a body binds: a store to one of them is a store to the handler's own stack.

use std::collections::{HashMap, HashSet};

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, Item, Local, Pat, PatIdent, Signature};

/// What a body binds.
#[derive(Default)]
pub(super) struct Locals {
    /// How often each name is bound.
    bound: HashMap<String, usize>,
    /// Names bound to a closure that is written in the body.
    closures: HashSet<String>,
}

impl Locals {
    /// The arguments and all that the body binds.
    pub(super) fn of(signature: &Signature, body: &Block) -> Self {
        let mut locals = Self::default();
        for argument in &signature.inputs {
            if let FnArg::Typed(argument) = argument {
                locals.visit_pat(&argument.pat);
            }
        }
        locals.visit_block(body);
        locals
    }

    pub(super) fn contains(&self, name: &Ident) -> bool {
        self.bound.contains_key(&name.to_string())
    }

    /// Whether the place is a variable of the body itself. (What a variable points to is not.)
    pub(super) fn is_local(&self, place: &Expr) -> bool {
        match place {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.contains(name)),
            Expr::Paren(inner) => self.is_local(&inner.expr),
            _ => false,
        }
    }

    /// Whether the place is a variable of the body or `self`, or is reached from one of them.
    pub(super) fn is_within_variable(&self, place: &Expr) -> bool {
        match place {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| name == "self" || self.contains(name)),
            Expr::Field(field) => self.is_within_variable(&field.base),
            Expr::Index(index) => self.is_within_variable(&index.expr),
            Expr::Unary(operation) => self.is_within_variable(&operation.expr),
            Expr::Paren(inner) => self.is_within_variable(&inner.expr),
            Expr::Group(inner) => self.is_within_variable(&inner.expr),
            _ => false,
        }
    }

    /// Whether every call of this name runs a closure of the body.
    pub(super) fn is_visible_closure(&self, name: &Ident) -> bool {
        let name = name.to_string();
        self.closures.contains(&name) && self.bound.get(&name) == Some(&1)
    }
}

impl<'ast> Visit<'ast> for Locals {
    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        if !is_constant(name) {
            *self.bound.entry(name.ident.to_string()).or_default() += 1;
        }
        visit::visit_pat_ident(self, name);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init)
            && matches!(*init.expr, Expr::Closure(_))
        {
            self.closures.insert(name.ident.to_string());
        }
        visit::visit_local(self, local);
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

/// The names that a pattern binds.
pub(super) fn bound(pattern: &Pat) -> Vec<Ident> {
    let mut names = Names::default();
    names.visit_pat(pattern);
    names.0
}

#[derive(Default)]
struct Names(Vec<Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        if !is_constant(name) && !self.0.contains(&name.ident) {
            self.0.push(name.ident.clone());
        }
        visit::visit_pat_ident(self, name);
    }
}

/// Whether the pattern compares with a constant or a variant, by Rust's naming conventions, instead of binding
/// a name.
fn is_constant(name: &PatIdent) -> bool {
    let binds = name.by_ref.is_some() || name.mutability.is_some() || name.subpat.is_some();
    !binds && name.ident.to_string().starts_with(char::is_uppercase)
}
