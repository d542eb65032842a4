//! The companion `retain`.

use crate::companions::{Companion, Takes};
use crate::function::{Function, Place};
use crate::generics;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Lifetime, Type};

impl Function {
    // Input:
    //     fn page(url: &str) -> Result<Page, Error>
    //
    // Output:
    //     fn retain(keep: impl FnMut(&<Result<Page, Error> as AnyResult>::Ok) -> bool) -> usize {
    //         retain_ok(page::__memo(), page::__payload(), None, keep)
    //     }
    /// It shows what is stored. What that is of a `Result` goes by its name, as the type of a parameter
    /// has to be written: an alias by another name is shown as a whole.
    ///
    /// There is none where other processes have results as well. Of a parameter's `impl Trait` no type can
    /// name the instance: if nothing else tells them apart, all have results of one type, and are asked
    /// together; if something does, there is no companion.
    pub(crate) fn retain(
        &self,
        [memo, payload]: [&TokenStream; 2],
        cache_err: bool,
        (lifetime, returns): (&Option<Lifetime>, &Type),
    ) -> Option<Companion> {
        if self.is_stored || matches!(self.place, Place::Trait) {
            return None;
        }
        let private = &self.private;
        let keep = Ident::new("keep", Span::mixed_site());
        let is_generic = !generics::turbofish(&self.sig.generics).is_empty();
        let scope = if self.has_scope_helper() {
            let scope = self.scope_of_instance();
            quote!(::core::option::Option::Some(#scope))
        } else if !is_generic && matches!(self.place, Place::Type(_)) {
            quote!(::core::option::Option::None)
        } else {
            return None;
        };
        let is_result = matches!(generics::argument_of(returns, "Result"), Some(Some(_)));
        let (verb, shown) = if is_result && !cache_err {
            (quote!(retain_ok), quote!(<#returns as #private::AnyResult>::Ok))
        } else {
            (quote!(retain), quote!(#returns))
        };
        let takes =
            Type::Verbatim(quote!(impl ::core::ops::FnMut(&#shown) -> ::core::primitive::bool));
        let body = quote!(#private::#verb(#memo, #payload, #scope, #keep));
        let doc = "Keeps only the results for which it is true; tells how many went.";
        let companion = Companion::new("retain", doc, Takes::Generics, body)
            .lifetime(lifetime.clone())
            .value(&keep, &takes)
            .returns(quote!(::core::primitive::usize));
        Some(companion)
    }
}
