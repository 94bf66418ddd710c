//! The handler as the compiler sees it.
//!
//! 1. A static describes the handler: its name, and the place of its `fn`.
//! 2. Each argument passed by value is checked to be `Clone`.
//! 3. The runtime runs a closure that owns the arguments and holds the user's body.
//!
//! A handler whose message may be dropped gives the runtime a function too, which makes its result of
//! the fault. Under `on_fault = drop` the return type must have one. Without a policy of its own a
//! handler that returns a `Result` has one if its error can be made of a fault; that is asked of the
//! compiler by the method that it finds for a `Returns`, with and without the bound.
//!
//! The closure is called once in the eyes of the compiler. The second run starts after everything
//! the first one did has been undone, the ownership of its captures included, so `FnOnce` is what
//! it is.
//!
//! Two details keep a body compiling once it is the body of a closure. Where arguments were bound
//! again, its value is bound before it is returned: up to edition 2021 the temporaries of a block's
//! last expression outlive the block, so they would outlive the arguments that they borrow from.
//! And where the return type has an `impl Trait` the closure's has a `_`.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::token::Brace;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Signature, Token, Type, TypeInfer};

use crate::arguments::{self, Arguments, Position};
use crate::attr::{OnFault, Settings};
use crate::function::Function;
use crate::helper_function;
use crate::intercept;
use crate::validate::plain;

/// Writes the handler out.
pub(crate) fn expand(settings: &Settings, function: Function) -> TokenStream {
    let Function {
        attributes,
        visibility,
        mut signature,
        braces,
        inner_attributes,
        body,
    } = function;
    let intercepted = settings
        .intercept_source
        .then(|| intercept::rewrite(&settings.runtime, &signature, body.clone()));
    let arguments = arguments::take(&mut signature, &settings.runtime);
    let description = description(settings, &signature);
    let checks = &arguments.checks;
    let run = |body| run(settings, &signature, &arguments, braces, body);
    let run = match intercepted {
        None => run(Body::AsItIs(body)),
        Some(intercepted) => {
            let runtime = &settings.runtime;
            let (hardened, plain) = (run(Body::AsItIs(body)), run(Body::Intercepted(intercepted)));
            quote!(#runtime::__by_build! { { #hardened } { #plain } })
        }
    };
    let wrapper = block(
        braces.span.join(),
        quote!(#(#inner_attributes)* #description #(#checks)* #run),
    );
    quote!(#(#attributes)* #visibility #signature #wrapper)
}

/// The static that the runtime knows the handler by. `file!` and `line!` tell where they are
/// written, and that is at the name of the function.
fn description(settings: &Settings, signature: &Signature) -> TokenStream {
    let runtime = &settings.runtime;
    let name = signature.ident.unraw().to_string();
    let place = quote_spanned!(signature.ident.span()=> ::core::file!(), ::core::line!());
    let policy = policy(settings);
    quote! {
        static __ASC_HANDLER: #runtime::__private::Handler = #runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", #name),
            #place,
        )#policy;
    }
}

fn policy(settings: &Settings) -> Option<TokenStream> {
    let runtime = &settings.runtime;
    let policy = match settings.on_fault? {
        OnFault::Abort => quote!(Abort),
        OnFault::Drop(_) => quote!(Drop),
        OnFault::Retry(times) => quote!(Retry(#times)),
    };
    Some(quote!(.on_fault(#runtime::__private::OnFault::#policy)))
}

/// What runs.
enum Body {
    /// The user's tokens.
    AsItIs(TokenStream),
    /// The same with its stores announced; see [`intercept`].
    Intercepted(TokenStream),
}

/// The call that runs the body.
fn run(
    settings: &Settings,
    signature: &Signature,
    arguments: &Arguments,
    braces: Brace,
    body: Body,
) -> TokenStream {
    let runtime = &settings.runtime;
    // What the compiler says of the closure, it says of the function.
    let here = Span::mixed_site().located_at(signature.ident.span());
    let head = quote_spanned!(here=> move ||);
    let output = closure_output(&signature.output, here);
    let (engine, body) = match body {
        Body::AsItIs(body) => (quote!(#runtime::__private), body),
        Body::Intercepted(body) => {
            let identity = helper_function::identity(signature, &body);
            let announced = intercept::announced(&settings.runtime, &identity, &body);
            (quote!(#runtime::__private::source), announced)
        }
    };
    let body = closure_body(arguments, &output, braces, body);
    match tell(settings, &signature.output, here) {
        None => quote!(#engine::run(&__ASC_HANDLER, #head -> #output #body)),
        Some(tell) => quote! {
            #engine::run_or_tell(&__ASC_HANDLER, #tell, #head -> #output #body)
        },
    }
}

/// What makes the result of a handler whose message was dropped, if it may be dropped.
fn tell(settings: &Settings, output: &ReturnType, here: Span) -> Option<TokenStream> {
    let runtime = &settings.runtime;
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    match settings.on_fault {
        Some(OnFault::Abort | OnFault::Retry(_)) => None,
        Some(OnFault::Drop(_)) => {
            // A return type that cannot tell is refused where it stands.
            let position = Position::of(ty);
            let place = |span: Span| Span::mixed_site().located_at(span);
            let output = closure_output(output, here);
            let tell = Ident::new("tell", place(position.first));
            let end = quote_spanned!(place(position.last)=> ::<#output>());
            Some(quote!(#runtime::__private::#tell #end))
        }
        None => (is_result(ty) && !is_opaque(ty)).then(|| {
            quote! {
                {
                    use #runtime::__private::{CanTell as _, CannotTell as _};
                    (&#runtime::__private::Returns::<#ty>::NEW).tell()
                }
            }
        }),
    }
}

/// A `Result`, as far as its name tells.
fn is_result(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(ty) if ty.path.segments.last().is_some_and(|last| last.ident == "Result"))
}

/// Whether an expression cannot name the type.
fn is_opaque(ty: &Type) -> bool {
    let mut opaque = Opaque::default();
    opaque.visit_type_mut(&mut ty.clone());
    opaque.is_found
}

fn closure_body(
    arguments: &Arguments,
    output: &TokenStream,
    braces: Brace,
    body: TokenStream,
) -> Group {
    let moves = &arguments.moves;
    if !arguments.declare {
        return block(braces.span.join(), quote!(#(#moves)* #body));
    }
    // Braces in the user's place that lints about needless braces do not take for the user's.
    let ours = Span::mixed_site().located_at(braces.span.join());
    let body = block(ours, body);
    let value = quote_spanned!(Span::mixed_site()=> value);
    let statements = quote! {
        #(#moves)*
        #[allow(clippy::diverging_sub_expression)]
        let #value: #output = #body;
        #[allow(unreachable_code)]
        #value
    };
    block(ours, statements)
}

fn block(span: Span, tokens: TokenStream) -> Group {
    let mut block = Group::new(Delimiter::Brace, tokens);
    block.set_span(span);
    block
}

/// The return type as a closure can name it.
fn closure_output(output: &ReturnType, here: Span) -> TokenStream {
    match output {
        ReturnType::Default => quote_spanned!(here=> ()),
        ReturnType::Type(_, ty) => {
            let mut ty = ty.clone();
            Opaque::default().visit_type_mut(&mut ty);
            ty.into_token_stream()
        }
    }
}

/// Puts `_` in the place of each `impl Trait`.
#[derive(Default)]
struct Opaque {
    is_found: bool,
}

impl VisitMut for Opaque {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(opaque) = ty {
            self.is_found = true;
            let underscore_token = Token![_](opaque.impl_token.span);
            *ty = Type::Infer(TypeInfer {
                attrs: Vec::new(),
                underscore_token,
            });
        }
        visit_mut::visit_type_mut(self, ty);
    }
}
