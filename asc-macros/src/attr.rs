//! What stands in the parentheses of `#[asc_handler(…)]` and `#[asc_fn(…)]`.
//!
//! Every argument is a `name = value` pair. An argument that is not known is refused and never
//! skipped: a policy that is silently ignored is worse than none. All mistakes are reported in one
//! go, each on its own token.
//!
//! A new argument is a variant of [`Argument`] and a field of [`Settings`]; the compiler then asks for
//! the rest.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, LitInt, LitStr, Path, Result, Token, parenthesized};

/// What the attribute says about one handler.
pub(crate) struct Settings {
    /// Where the runtime is found in the user's crate, `::asc_runtime` unless `crate = …` says
    /// otherwise.
    pub(crate) runtime: Path,
    /// Whether plain builds intercept what they see in the source: `intercept = source`.
    pub(crate) intercept_source: bool,
    /// What happens when the handler is struck, if it says so itself.
    pub(crate) on_fault: Option<OnFault>,
}

/// A fault policy.
#[derive(Clone, Copy)]
pub(crate) enum OnFault {
    Abort,
    /// Where the user wrote it: the return type must allow it.
    Drop(Span),
    Retry(u8),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runtime: syn::parse_quote!(::asc_runtime),
            intercept_source: false,
            on_fault: None,
        }
    }
}

/// The arguments that exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Crate,
    Intercept,
    OnFault,
}

impl Argument {
    /// Those of `#[asc_handler]`.
    const OF_HANDLERS: &[Self] = &[Self::Crate, Self::Intercept, Self::OnFault];
    /// Those of `#[asc_fn]`: what happens to a message is its handler's business.
    const OF_HELPERS: &[Self] = &[Self::Crate];

    fn name(self) -> &'static str {
        match self {
            Self::Crate => "crate",
            Self::Intercept => "intercept",
            Self::OnFault => "on_fault",
        }
    }

    /// The argument as a user writes it.
    fn form(self) -> &'static str {
        match self {
            Self::Crate => "crate = path::to::asc_runtime",
            Self::Intercept => "intercept = source",
            Self::OnFault => "on_fault = abort | drop | retry(n)",
        }
    }
}

/// Reads the arguments of `#[asc_handler]`, or says everything that is wrong with them.
pub(crate) fn of_handler(arguments: TokenStream) -> Result<Settings> {
    parse(Argument::OF_HANDLERS, arguments)
}

/// Reads the arguments of `#[asc_fn]`, or says everything that is wrong with them.
pub(crate) fn of_helper(arguments: TokenStream) -> Result<Settings> {
    parse(Argument::OF_HELPERS, arguments)
}

fn parse(known: &'static [Argument], arguments: TokenStream) -> Result<Settings> {
    let mut parser = Parser {
        known,
        settings: Settings::default(),
        seen: Vec::new(),
        errors: None,
    };
    let parsed = (|input: ParseStream<'_>| parser.arguments(input)).parse2(arguments);
    match (parsed, parser.errors) {
        (Ok(()), None) => Ok(parser.settings),
        (Ok(()), Some(errors)) => Err(errors),
        (Err(error), None) => Err(error),
        (Err(error), Some(mut errors)) => {
            errors.combine(error);
            Err(errors)
        }
    }
}

struct Parser {
    known: &'static [Argument],
    settings: Settings,
    seen: Vec<Argument>,
    errors: Option<Error>,
}

impl Parser {
    fn arguments(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            if let Err(error) = self.argument(input) {
                self.report(error);
                skip_to_comma(input)?;
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                return Err(input.error("expected `,` between two arguments"));
            }
        }
        Ok(())
    }

    fn argument(&mut self, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!(
                "expected the name of an argument; {}",
                self.known()
            )));
        }
        let name = Ident::parse_any(input)?;
        let refuse = |text: String| Err(Error::new(name.span(), text));
        let Some(&argument) = self.known.iter().find(|known| name == known.name()) else {
            return refuse(format!("unknown argument `{name}`; {}", self.known()));
        };
        if self.seen.contains(&argument) {
            return refuse(format!("`{name}` is given twice; keep one of the two"));
        }
        self.seen.push(argument);
        let assigned = input.parse::<Option<Token![=]>>()?.is_some();
        if !assigned || input.is_empty() || input.peek(Token![,]) {
            return refuse(format!(
                "`{name}` needs a value; write `{}`",
                argument.form()
            ));
        }
        self.value(argument, input)
    }

    fn value(&mut self, argument: Argument, input: ParseStream<'_>) -> Result<()> {
        match argument {
            Argument::Crate => self.settings.runtime = runtime_path(input)?,
            Argument::Intercept => {
                demand_source(input)?;
                self.settings.intercept_source = true;
            }
            Argument::OnFault => self.settings.on_fault = Some(on_fault(input)?),
        }
        Ok(())
    }

    fn known(&self) -> String {
        let forms = self
            .known
            .iter()
            .map(|argument| format!("`{}`", argument.form()));
        format!(
            "the known arguments are: {}",
            forms.collect::<Vec<_>>().join(", ")
        )
    }

    fn report(&mut self, error: Error) {
        match &mut self.errors {
            None => self.errors = Some(error),
            Some(errors) => errors.combine(error),
        }
    }
}

fn runtime_path(input: ParseStream<'_>) -> Result<Path> {
    let quotes = if input.peek(LitStr) {
        " without quotes"
    } else {
        ""
    };
    let text = format!(
        "expected a path{quotes}; write `{}`",
        Argument::Crate.form()
    );
    let path = input.call(Path::parse_mod_style);
    path.map_err(|error| Error::new(error.span(), text))
}

fn demand_source(input: ParseStream<'_>) -> Result<()> {
    let refusal = format!(
        "expected `source`; write `{}`, or nothing where `cargo asc` or the page level intercepts",
        Argument::Intercept.form()
    );
    let span = input.span();
    match input.call(Ident::parse_any) {
        Ok(value) if value == "source" => Ok(()),
        _ => Err(Error::new(span, refusal)),
    }
}

const POLICIES: &str = "the policies are `abort`, `drop` and `retry(n)`";

fn on_fault(input: ParseStream<'_>) -> Result<OnFault> {
    if input.peek(LitStr) {
        return Err(input.error(format!("expected a policy without quotes; {POLICIES}")));
    }
    let policy = input
        .call(Ident::parse_any)
        .map_err(|error| Error::new(error.span(), format!("expected a policy; {POLICIES}")))?;
    match policy.to_string().as_str() {
        "abort" => Ok(OnFault::Abort),
        "drop" => Ok(OnFault::Drop(policy.span())),
        "retry" => retry(&policy, input),
        _ => Err(Error::new(
            policy.span(),
            format!("unknown policy `{policy}`; {POLICIES}"),
        )),
    }
}

fn retry(policy: &Ident, input: ParseStream<'_>) -> Result<OnFault> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(
            policy.span(),
            "`retry` needs a number of times; write `retry(3)`",
        ));
    }
    let times;
    parenthesized!(times in input);
    let number = number_of_times(&times);
    // What is left would be reported once more.
    times.parse::<TokenStream>()?;
    number.map(OnFault::Retry)
}

fn number_of_times(input: ParseStream<'_>) -> Result<u8> {
    let text = "expected how often to try again, a number from 1 to 255; write `retry(3)`";
    let literal: LitInt = input
        .parse()
        .map_err(|error| Error::new(error.span(), text))?;
    if !input.is_empty() {
        return Err(input.error("`retry` takes one number; write `retry(3)`"));
    }
    let number = literal.base10_parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| Error::new(literal.span(), text))
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
