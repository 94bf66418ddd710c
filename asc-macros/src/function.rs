//! The function that the attribute stands on.
//!
//! Only the signature is parsed. The body stays the user's tokens, untouched: the compiler reports
//! what is wrong in it at the place where it is wrong, and syntax that is newer than our parser
//! goes through.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Signature, Token, Visibility, braced, token};

use crate::Attribute;

/// A free function, an inherent method, a method of a trait impl or a provided method of a trait.
pub(crate) struct Function {
    /// Attributes before the function, doc comments included.
    pub(crate) attributes: Vec<syn::Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The braces around the body, as the user wrote them.
    pub(crate) braces: token::Brace,
    /// `#![…]` at the start of the body.
    pub(crate) inner_attributes: Vec<syn::Attribute>,
    /// What is between the braces.
    pub(crate) body: TokenStream,
}

/// Reads the function, or says what the item is instead.
pub(crate) fn parse(attribute: &Attribute, item: TokenStream) -> Result<Function> {
    match syn::parse2::<Keyword>(item.clone())? {
        Keyword::Function => syn::parse2(item),
        Keyword::Other { span, what } => Err(not_a_function(attribute, span, what)),
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(syn::Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(input.error(
                "a handler needs a body, and this function has none; \
                 put `#[asc_handler]` on the methods of the impl blocks, or give this one a default body",
            ));
        }
        let body;
        let braces = braced!(body in input);
        Ok(Self {
            attributes,
            visibility,
            signature,
            braces,
            inner_attributes: body.call(syn::Attribute::parse_inner)?,
            body: body.parse()?,
        })
    }
}

/// What an item turns out to be once its attributes, visibility and qualifiers are read.
enum Keyword {
    Function,
    Other { span: Span, what: &'static str },
}

/// The keywords of the items that are not functions, and what to call those.
const KEYWORDS: [(&str, &str); 13] = [
    ("struct", "a struct"),
    ("enum", "an enum"),
    ("union", "a union"),
    ("impl", "an impl block"),
    ("trait", "a trait"),
    ("mod", "a module"),
    ("static", "a static"),
    ("type", "a type"),
    ("use", "an import"),
    ("crate", "an import"),
    ("macro_rules", "a macro"),
    ("extern", "a foreign block"),
    ("const", "a constant"),
];

impl Parse for Keyword {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let mut qualifiers = Vec::new();
        while is_qualifier(input) {
            qualifiers.push(input.call(Ident::parse_any)?);
            input.parse::<Option<LitStr>>()?;
        }
        let keyword = if input.peek(Token![fn]) {
            Self::Function
        } else {
            Self::other(input, &qualifiers)
        };
        input.parse::<TokenStream>()?;
        Ok(keyword)
    }
}

impl Keyword {
    /// The word after the qualifiers tells what the item is, and else the qualifiers do: `const X`,
    /// `extern "C" {}`.
    fn other(input: ParseStream<'_>, qualifiers: &[Ident]) -> Self {
        let next = input.fork().call(Ident::parse_any).ok();
        let mut candidates = next.iter().chain(qualifiers);
        let found = candidates.find_map(|word| {
            let (_, what) = KEYWORDS.iter().find(|(keyword, _)| word == keyword)?;
            Some((word.span(), *what))
        });
        let (span, what) = found.unwrap_or((input.span(), "something else"));
        Self::Other { span, what }
    }
}

fn is_qualifier(input: ParseStream<'_>) -> bool {
    input.peek(Token![const])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
        || input.peek(Token![extern])
}

fn not_a_function(attribute: &Attribute, span: Span, what: &str) -> Error {
    let place = match what {
        "an impl block" | "a trait" => attribute.methods,
        _ => attribute.function,
    };
    let name = attribute.name;
    Error::new(
        span,
        format!("`#[{name}]` marks a function, and this is {what}; put it on {place}"),
    )
}
