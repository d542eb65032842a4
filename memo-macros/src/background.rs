//! `refresh = "background"`: the call that replaces an old result after it was served.

use crate::call::Told;
use crate::companions::Takes;
use crate::function::{Function, Place};
use crate::generics;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Result, Type};

impl Function {
    /// A thread of memo's own or a task makes the call later, from arguments that are its own.
    pub(crate) fn check_background(&self, refresh: Option<&Ident>) -> Result<()> {
        let Some(refresh) = refresh else { return Ok(()) };
        let cure = if let Place::Trait = self.place {
            "with `in_trait` there is no `refresh(…)` that could be called behind the call"
        } else if self.sig.unsafety.is_some() {
            "an `unsafe fn` is called under conditions that may not hold later, when it is refreshed"
        } else {
            return self.check_owned("refresh");
        };
        Err(Error::new(refresh.span(), cure))
    }

    // Input:
    //     enter(…)        and        enter(…).run(move || page::uncached(url, size))
    //
    // Output:
    //     let __call = enter(…);
    //     __call.refresh_in_background(|| refreshed(…), || {
    //         let url = ToOwned::to_owned(url);
    //         let size = Clone::clone(&size);
    //         move || { page::refresh(&url, size); }
    //     });
    //     __call.run(move || page::uncached(url, size))
    //
    // Output, of an async function:
    //     __call.refresh_in_task(|| refreshed(…), || { …; async move { page::refresh(&url, size).await; } });
    pub(crate) fn run_before_refresh(
        &self,
        told: &Told<'_>,
        run: impl Fn(&TokenStream) -> TokenStream,
    ) -> TokenStream {
        let here = Span::mixed_site();
        let ask = self.enter(told);
        let call = quote_spanned!(here=> __call);
        let (owned, passed): (Vec<_>, Vec<_>) = self.own_arguments().into_iter().unzip();
        let (home, refresh) = (self.home(), self.companion_name("refresh"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let run = run(&call);
        let refresh = quote!(#home::#refresh #turbofish(#(#passed),*));
        let (verb, job) = match self.is_async() {
            true => ("refresh_in_task", quote!(async move { let _ = #refresh.await; })),
            false => ("refresh_in_background", quote!(move || { let _ = #refresh; })),
        };
        let verb = Ident::new(verb, here);
        let refreshed = self.ask("refreshed", &[told.memo], Takes::All, None);
        quote_spanned! {here=>
            let __call = #ask;
            __call.#verb(|| #refreshed, || {
                #(#owned)*
                #job
            });
            #run
        }
    }

    /// For each argument the statement that makes it the job's own, and how that is passed.
    pub(crate) fn own_arguments(&self) -> Vec<(TokenStream, TokenStream)> {
        let private = &self.private;
        let this = self.receiver.iter().map(|receiver| {
            let own = Ident::new("__this", Span::mixed_site());
            let of_self = quote!(self);
            if let Type::Reference(_) = generics::bare(&receiver.ty) {
                (quote!(let #own = #private::ToOwned::to_owned(#of_self);), quote!(&#own))
            } else {
                (quote!(let #own = ::core::clone::Clone::clone(&#of_self);), quote!(#own))
            }
        });
        let params = self.params.iter().map(|param| {
            let (cfgs, name, ty) = (param.cfgs(), &param.name, generics::bare(&param.original.ty));
            // What has no such method is reported where it is written.
            let at = Span::mixed_site().located_at(ty.span());
            match ty {
                Type::Reference(_) => {
                    let own = quote_spanned!(at=> #private::ToOwned::to_owned(#name));
                    (quote!(#(#cfgs)* let #name = #own;), quote!(#(#cfgs)* &#name))
                }
                _ => {
                    let own = quote_spanned!(at=> ::core::clone::Clone::clone(&#name));
                    (quote!(#(#cfgs)* let #name = #own;), quote!(#(#cfgs)* #name))
                }
            }
        });
        this.chain(params).collect()
    }
}
