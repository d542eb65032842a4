//! The attributes of the `memo` crate, which documents them.

mod attributes;
mod call;
mod companions;
mod function;
mod generics;
mod memo;
mod options;
mod param;
mod resource;
mod singleton;
mod units;

use proc_macro::TokenStream;
use quote::quote;

/// Caches a function's results.
#[proc_macro_attribute]
pub fn memo(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, memo::memoize)
}

/// Shares what a function returns.
#[proc_macro_attribute]
pub fn singleton(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, singleton::share)
}

/// Expands the attribute; on an error keeps the function, so that its callers see no second one.
fn expand(
    options: TokenStream,
    item: TokenStream,
    attribute: fn(
        proc_macro2::TokenStream,
        proc_macro2::TokenStream,
    ) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    attribute(options.into(), item.clone())
        .unwrap_or_else(|error| {
            let error = error.to_compile_error();
            quote!(#item #error)
        })
        .into()
}
