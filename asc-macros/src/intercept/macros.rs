//! Macro invocations: only what they are given can be seen, not what they become.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
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

/// Whether there is a call or an assignment among the tokens.
fn hides_effect(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let groups = trees
        .iter()
        .enumerate()
        .filter_map(|(at, tree)| match tree {
            TokenTree::Group(group) => Some((&trees[..at], group)),
            _ => None,
        });
    has_assignment(&trees)
        || groups.into_iter().any(|(before, group)| {
            is_invoked(before, group.delimiter()) || hides_effect(group.stream())
        })
}

/// Whether a group of arguments after these tokens makes them a call, or a macro's invocation.
fn is_invoked(before: &[TokenTree], delimiter: Delimiter) -> bool {
    if let [.., TokenTree::Ident(name), TokenTree::Punct(mark)] = before
        && mark.as_char() == '!'
    {
        return !is_keyword(name);
    }
    delimiter == Delimiter::Parenthesis
        && match before {
            [.., TokenTree::Ident(name)] => is_function(name),
            // What a call, an index or a parenthesis gives: a computed function.
            [.., TokenTree::Group(_)] => true,
            [.., TokenTree::Punct(mark)] if mark.as_char() == '?' => true,
            [.., TokenTree::Punct(mark)] if mark.as_char() == '>' => with_turbofish(before),
            _ => false,
        }
}

/// Variants begin with a capital.
fn is_function(name: &Ident) -> bool {
    !is_keyword(name) && !name.to_string().starts_with(char::is_uppercase)
}

fn is_keyword(name: &Ident) -> bool {
    syn::parse_str::<Ident>(&name.to_string()).is_err()
}

/// Whether the tokens, which end with `>`, end with `function::<…>`. It may be a comparison, too.
fn with_turbofish(tokens: &[TokenTree]) -> bool {
    let mut depth = 0_usize;
    for (at, tree) in tokens.iter().enumerate().rev() {
        let TokenTree::Punct(mark) = tree else {
            continue;
        };
        match mark.as_char() {
            '>' if !is_arrow(&tokens[..at]) => depth += 1,
            '<' if depth > 0 => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return match &tokens[..at] {
                [
                    ..,
                    TokenTree::Ident(name),
                    TokenTree::Punct(first),
                    TokenTree::Punct(second),
                ] => first.as_char() == ':' && second.as_char() == ':' && is_function(name),
                _ => false,
            };
        }
    }
    false
}

/// Whether a `>` after these tokens ends a `->`.
fn is_arrow(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Punct(mark)] if mark.as_char() == '-' && mark.spacing() == Spacing::Joint)
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
