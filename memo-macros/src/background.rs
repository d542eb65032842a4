//! `refresh = "background"`: the call that replaces an old result after it was served.

use crate::call::Told;
use crate::function::{Function, Place};
use crate::generics;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Result, Type};

impl Function {
    /// A thread of memo's own makes the call later, from arguments that are its own.
    pub(crate) fn check_background(&self, refresh: Option<&Ident>) -> Result<()> {
        let Some(refresh) = refresh else { return Ok(()) };
        let cure = if self.is_async() {
            "an async function runs on its caller's executor, which a refresh behind the call would not have: \
             refresh it from a task of your own, with `refresh(…)`"
        } else if let Place::Trait = self.place {
            "with `in_trait` there is no `refresh(…)` that could be called behind the call"
        } else if self.sig.unsafety.is_some() {
            "an `unsafe fn` is called under conditions that may not hold later, when it is refreshed"
        } else {
            return Ok(());
        };
        Err(Error::new(refresh.span(), cure))
    }

    // Input:
    //     enter(…)        and        enter(…).run(move || page::uncached(url, size))
    //
    // Output:
    //     let call = enter(…);
    //     call.refresh_in_background(|| {
    //         let url = ToOwned::to_owned(url);
    //         let size = Clone::clone(&size);
    //         move || { page::refresh(&url, size); }
    //     });
    //     call.run(move || page::uncached(url, size))
    pub(crate) fn run_before_refresh(
        &self,
        told: &Told<'_>,
        run: impl Fn(&TokenStream) -> TokenStream,
    ) -> TokenStream {
        let here = Span::mixed_site();
        let ask = self.enter(told);
        let call = quote_spanned!(here=> call);
        let (owned, passed): (Vec<_>, Vec<_>) = self.own_arguments().into_iter().unzip();
        let (home, refresh) = (self.home(), self.companion_name("refresh"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let run = run(&call);
        quote_spanned! {here=>
            let call = #ask;
            call.refresh_in_background(|| {
                #(#owned)*
                move || {
                    let _ = #home::#refresh #turbofish(#(#passed),*);
                }
            });
            #run
        }
    }

    /// For each argument the statement that makes it the refresh's own, and how that is passed.
    fn own_arguments(&self) -> Vec<(TokenStream, TokenStream)> {
        let private = &self.private;
        let this = self.receiver.iter().map(|receiver| {
            let own = Ident::new("this", Span::mixed_site());
            let of_self = quote!(self);
            if receiver.reference.is_some() {
                (quote!(let #own = #private::ToOwned::to_owned(#of_self);), quote!(&#own))
            } else {
                (quote!(let #own = ::core::clone::Clone::clone(&#of_self);), quote!(#own))
            }
        });
        let params = self.params.iter().map(|param| {
            let (cfgs, name) = (param.cfgs(), &param.name);
            match generics::bare(&param.original.ty) {
                Type::Reference(_) => (
                    quote!(#(#cfgs)* let #name = #private::ToOwned::to_owned(#name);),
                    quote!(#(#cfgs)* &#name),
                ),
                _ => (
                    quote!(#(#cfgs)* let #name = ::core::clone::Clone::clone(&#name);),
                    quote!(#(#cfgs)* #name),
                ),
            }
        });
        this.chain(params).collect()
    }
}
