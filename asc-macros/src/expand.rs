//! The handler as the compiler sees it.
//!
//! 1. A static describes the handler: its name, and the place of its `fn`.
//! 2. Each argument passed by value is checked to be `Clone`.
//! 3. The runtime runs a closure that owns the arguments and holds the user's body.
//!
//! The closure is called once in the eyes of the compiler. The second run starts after everything
//! the first one did has been undone, the ownership of its captures included, so `FnOnce` is what
//! it is.
//!
//! Two details keep a body compiling once it is the body of a closure. Where arguments were bound
//! again, its value is bound before it is returned: up to edition 2021 the temporaries of a block's
//! last expression outlive the block, so they would outlive the arguments that they borrow from.
//! And where the return type has an `impl Trait` the closure's has a `_`.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::token::Brace;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Signature, Token, Type, TypeInfer};

use crate::arguments::{self, Arguments};
use crate::attr::Settings;
use crate::function::Function;

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
    let arguments = arguments::take(&mut signature, &settings.runtime);
    let description = description(settings, &signature);
    let checks = &arguments.checks;
    let run = run(settings, &signature, &arguments, braces, body);
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
    quote! {
        static __ASC_HANDLER: #runtime::__private::Handler = #runtime::__private::Handler::new(
            ::core::concat!(::core::module_path!(), "::", #name),
            #place,
        );
    }
}

/// The call that runs the body.
fn run(
    settings: &Settings,
    signature: &Signature,
    arguments: &Arguments,
    braces: Brace,
    body: TokenStream,
) -> TokenStream {
    let runtime = &settings.runtime;
    // What the compiler says of the closure, it says of the function.
    let here = Span::mixed_site().located_at(signature.ident.span());
    let head = quote_spanned!(here=> move ||);
    let output = closure_output(&signature.output, here);
    let body = closure_body(arguments, &output, braces, body);
    quote!(#runtime::__private::run(&__ASC_HANDLER, #head -> #output #body))
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
            Opaque.visit_type_mut(&mut ty);
            ty.into_token_stream()
        }
    }
}

/// Puts `_` in the place of each `impl Trait`.
struct Opaque;

impl VisitMut for Opaque {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(opaque) = ty {
            let underscore_token = Token![_](opaque.impl_token.span);
            *ty = Type::Infer(TypeInfer {
                attrs: Vec::new(),
                underscore_token,
            });
        }
        visit_mut::visit_type_mut(self, ty);
    }
}
