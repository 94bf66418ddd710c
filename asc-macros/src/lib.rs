//! `#[asc_handler]`.
use proc_macro::TokenStream;

/// Marks a handler.
#[proc_macro_attribute]
pub fn asc_handler(_attributes: TokenStream, item: TokenStream) -> TokenStream {
    item
}
