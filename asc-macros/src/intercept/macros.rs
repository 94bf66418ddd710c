//! Macro invocations: only what they are given can be seen, not what they become.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{Expr, ExprMacro, Macro, Stmt, StmtMacro};

use super::Interceptor;

/// Macros that read their arguments and, at most, panic.
const READING: [&str; 12] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "line",
];

impl Interceptor {
    pub(super) fn expression_macro(&self, invocation: &ExprMacro) -> Option<Expr> {
        let what = opaque(&invocation.mac)?;
        Some(self.after_opaque(&what, invocation))
    }

    /// What must stand before a macro that is a statement of its own.
    pub(super) fn statement_macro(&self, invocation: &StmtMacro) -> Option<Stmt> {
        let what = opaque(&invocation.mac)?;
        let opaque = self.opaque(&what, invocation);
        Some(syn::parse_quote!(#opaque;))
    }
}

/// What to call an invocation that may hide a store.
fn opaque(invocation: &Macro) -> Option<String> {
    let name = &invocation.path.segments.last()?.ident;
    let reading = READING.iter().any(|known| name == known);
    (!reading || hides_effect(invocation.tokens.clone())).then(|| format!("the macro `{name}!`"))
}

/// Whether there is a call or an assignment among the tokens. (Variants begin with a capital.)
fn hides_effect(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let call = trees.windows(2).any(|pair| match pair {
        [TokenTree::Ident(name), TokenTree::Group(group)] => {
            group.delimiter() == Delimiter::Parenthesis
                && !name.to_string().starts_with(char::is_uppercase)
        }
        [TokenTree::Punct(mark), TokenTree::Group(_)] => mark.as_char() == '!',
        _ => false,
    });
    call || has_assignment(&trees)
        || trees
            .iter()
            .any(|tree| matches!(tree, TokenTree::Group(group) if hides_effect(group.stream())))
}

/// Whether a `=` stands alone or ends an operator such as `+=`.
fn has_assignment(trees: &[TokenTree]) -> bool {
    let mut joint = String::new();
    trees.iter().any(|tree| {
        let TokenTree::Punct(mark) = tree else {
            joint.clear();
            return false;
        };
        joint.push(mark.as_char());
        if mark.spacing() == Spacing::Joint {
            return false;
        }
        let operator = std::mem::take(&mut joint);
        operator.ends_with('=') && !["==", "!=", "<=", ">=", "..="].contains(&operator.as_str())
    })
}
