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

    /// Whether every call of this name runs a closure of the body.
    pub(super) fn is_visible_closure(&self, name: &Ident) -> bool {
        let name = name.to_string();
        self.closures.contains(&name) && self.bound.get(&name) == Some(&1)
    }
}

impl<'ast> Visit<'ast> for Locals {
    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        *self.bound.entry(name.ident.to_string()).or_default() += 1;
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
