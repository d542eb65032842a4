//! What the quoted bodies say: the static, the key, the question to the runtime, and the original.

use crate::attributes;
use crate::companions::Takes;
use crate::function::{Function, Place};
use crate::generics;
use crate::param::Param;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Generics, Ident, LitStr, Token, Type};

/// An expression, and the helper item that it needs beside it, if it does.
pub(crate) struct Helped {
    pub(crate) item: TokenStream,
    pub(crate) expr: TokenStream,
}

impl Function {
    /// The function's one static, of the runtime's type `kind`.
    pub(crate) fn memory(
        &self,
        kind: &str,
        name: Option<&LitStr>,
        settings: &TokenStream,
    ) -> Helped {
        let private = &self.private;
        let kind = Ident::new(kind, Span::mixed_site());
        let own = self.sig.ident.unraw().to_string();
        let named = match (name, &self.place) {
            (Some(name), _) => quote!(new(#name)),
            (None, Place::Type(_)) => {
                quote!(new(::core::concat!(::core::module_path!(), "::", #own)))
            }
            (None, _) => quote!(new(::core::concat!(::core::module_path!(), "::", #own)).method()),
        };
        let reference = quote! {
            static MEMORY: #private::#kind = #private::#kind::#named #settings;
            &MEMORY
        };
        self.helped(
            &kind.to_string().to_lowercase(),
            None,
            &quote!(&'static #private::#kind),
            &reference,
        )
    }

    /// `expr` on its own where there is no room for items, and in a helper elsewhere.
    pub(crate) fn helped(
        &self,
        name: &str,
        generics: Option<&Generics>,
        returns: &TokenStream,
        expr: &TokenStream,
    ) -> Helped {
        if let Place::Trait = self.place {
            return Helped { item: TokenStream::new(), expr: quote!({ #expr }) };
        }
        let turbofish = generics.map(generics::turbofish);
        let generics = generics.cloned().unwrap_or_default();
        let item = self.helper(name, &generics, &TokenStream::new(), returns, expr);
        let (home, name) = (self.home(), self.helper_name(name));
        Helped { item, expr: quote!(#home::#name #turbofish()) }
    }

    /// `verb(front, key)`: one question to the runtime.
    pub(crate) fn ask(
        &self,
        verb: &str,
        front: &[&TokenStream],
        takes: Takes,
        value: Option<TokenStream>,
    ) -> TokenStream {
        let private = &self.private;
        let verb = Ident::new(verb, Span::mixed_site());
        let key = self.key_of(takes);
        let value = value.into_iter();
        let question = quote!(#private::#verb(#(#front,)* #key #(, #value)*));
        // A `key` expression sees the names that a pattern binds.
        let bound = self
            .params
            .iter()
            .filter(|param| self.key.is_some() && param.is_taken(takes) && !param.is_named());
        let (patterns, names): (Vec<_>, Vec<_>) =
            bound.map(|param| (&param.original.pat, &param.name)).unzip();
        if patterns.is_empty() {
            return question;
        }
        quote! {
            match (#(&#names,)*) {
                #[allow(unused_variables)]
                (#(#patterns,)*) => #question,
            }
        }
    }

    /// The key of a call, in an item with these parameters.
    fn key_of(&self, takes: Takes) -> TokenStream {
        if let Place::Trait = self.place {
            return self.inlined_key();
        }
        let (home, name) = (self.home(), self.helper_name("key"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let values = match &self.key {
            Some(key) => quote!(&(#key),),
            None => {
                let this = self.hashed_self();
                let params = self.hashed().map(|param| forwarded(param, &quote!(&)));
                quote!(#(&#this,)* #(#params,)*)
            }
        };
        let mut ignored = self.ignored_impls().into_iter();
        let beside = self.impls_beside_key().map(|param| {
            let (cfgs, name) = (attributes::cfgs(&param.original.attrs), &param.name);
            let named = if param.hashed { None } else { ignored.next() };
            match named {
                Some((ty, _)) if takes == Takes::Key => {
                    quote!(#(#cfgs)* ::core::option::Option::None::<&#ty>,)
                }
                _ => quote!(#(#cfgs)* ::core::option::Option::Some(&#name),),
            }
        });
        quote!(#home::#name #turbofish(#values #(#beside)*))
    }

    // Input:
    //     fn find<T>(&self, name: &str, #[cfg(unix)] mode: u32, _log: impl Fn(T))
    //
    // Output:
    //     fn __key_find<T>(&self, name: &&str, #[cfg(unix)] mode: &u32, _: Option<&impl Fn(T)>) -> impl Args {
    //         (Scope::of(&|| ()), (self, (name, …)))
    //     }
    pub(crate) fn key_helper(&self) -> TokenStream {
        let private = &self.private;
        let own = Ident::new("key", Span::mixed_site());
        let (inputs, mut key) = match &self.key {
            Some(_) => (
                quote!(#own: &(impl #private::KeyPart + ?::core::marker::Sized),),
                quote!((#own, ())),
            ),
            None => {
                let this = self.hashed_self();
                let params = self.hashed().map(|param| {
                    let (cfgs, ty) =
                        (attributes::cfgs(&param.original.attrs), reference_to(&param.original.ty));
                    let name = &param.name;
                    quote!(#(#cfgs)* #name: #ty,)
                });
                (quote!(#(&#this,)* #(#params)*), self.parts(&TokenStream::new()))
            }
        };
        let beside = self.impls_beside_key().map(|param| {
            let (cfgs, ty) =
                (attributes::cfgs(&param.original.attrs), reference_to(&param.original.ty));
            quote!(#(#cfgs)* _: ::core::option::Option<#ty>,)
        });
        if self.has_scope() {
            key = quote!((#private::Scope::of(&|| ()), #key));
        }
        let inputs = quote!(#inputs #(#beside)*);
        self.helper("key", &self.sig.generics, &inputs, &self.key_type(), &key)
    }

    /// `impl Args`, placed so that a missing trait is reported at the parameters.
    fn key_type(&self) -> TokenStream {
        let this = self.hashed_self();
        let types = self.hashed().map(|param| &param.original.ty);
        let (start, end) = ends(&quote!(#(#this)* #(#types)*));
        let private = self.private_at(start);
        let opaque = quote_spanned!(start=> impl #private);
        quote_spanned!(end=> #opaque::Args)
    }

    fn inlined_key(&self) -> TokenStream {
        let private = &self.private;
        let key = match &self.key {
            Some(key) => quote!((&(#key), ())),
            None => self.parts(&quote!(&)),
        };
        quote!((#private::Scope::of(&|| ()), #key))
    }

    // Input:
    //     fn find(&self, name: &str, #[cfg(unix)] mode: u32, _log: &Log)
    //
    // Output:
    //     (self, (name, {
    //         #[cfg(all(unix))] { (mode, ()) }
    //         #[cfg(not(all(unix)))] { () }
    //     }))
    fn parts(&self, and: &TokenStream) -> TokenStream {
        let parts = self.hashed().rev().fold(quote!(()), |rest, Param { original, name, .. }| {
            let conditions = attributes::cfgs(&original.attrs);
            if conditions.is_empty() {
                return quote!((#and #name, #rest));
            }
            let conditions = conditions
                .iter()
                .filter_map(|cfg| cfg.meta.require_list().ok())
                .map(|cfg| &cfg.tokens);
            let present = quote!(all(#(#conditions),*));
            quote!({ #[cfg(#present)] { (#and #name, #rest) } #[cfg(not(#present))] { #rest } })
        });
        let this = self.hashed_self();
        this.iter().fold(
            parts,
            |parts, this| quote!((::core::convert::identity::<&Self>(#and #this), #parts)),
        )
    }

    fn hashed(&self) -> impl DoubleEndedIterator<Item = &Param> {
        self.params.iter().filter(|param| param.hashed)
    }

    /// `self`, if it is part of the key.
    fn hashed_self(&self) -> Vec<Token![self]> {
        let receiver = self.receiver.iter().filter(|_| self.self_hashed);
        receiver.map(|receiver| receiver.self_token).collect()
    }

    /// Whether the function has, or may have, more than one monomorphization.
    fn has_scope(&self) -> bool {
        let generic = !generics::turbofish(&self.sig.generics).is_empty();
        let unnamed = self.params.iter().any(|param| generics::has_impl_trait(&param.original.ty));
        generic || unnamed || !matches!(self.place, Place::Type(_))
    }

    /// The parameters with a type of their own that the key does not show.
    fn impls_beside_key(&self) -> impl Iterator<Item = &Param> {
        let beside = |param: &&Param| !param.hashed || self.key.is_some();
        self.params
            .iter()
            .filter(beside)
            .filter(|param| generics::has_impl_trait(&param.original.ty))
    }

    /// The path of the runtime's hidden module, reported at `span`.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        let at = |mut token: TokenTree| {
            token.set_span(token.span().located_at(span));
            token
        };
        self.private.clone().into_iter().map(at).collect()
    }

    /// The call of the original function.
    pub(crate) fn original(&self) -> TokenStream {
        if let Place::Trait = self.place {
            return self.inlined();
        }
        let (home, name) = (self.home(), self.companion_name("uncached"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let this = self.receiver.iter().map(|receiver| receiver.self_token);
        let params = self.params.iter().map(|param| forwarded(param, &TokenStream::new()));
        let call = quote!(#home::#name #turbofish(#(#this,)* #(#params),*));
        match self.sig.unsafety {
            Some(_) => quote!(unsafe { #call }),
            None => call,
        }
    }

    // Input:
    //     fn sum(&self, (a, b): (u32, u32)) -> u32 { a + b }
    //
    // Output:
    //     (move || -> u32 { let (a, b) = arg0; a + b })()
    fn inlined(&self) -> TokenStream {
        let (returns, statements) = (&self.returns, &self.body.stmts);
        let bindings = self.params.iter().filter(|param| !param.is_plain()).map(|param| {
            let attributes = attributes::of_copies(&param.original.attrs);
            let (pat, name) = (&param.original.pat, &param.name);
            quote!(#(#attributes)* let #pat = #name;)
        });
        if !self.is_async() {
            return quote!((move || -> #returns { #(#bindings)* #(#statements)* })());
        }
        // The `return` that never runs tells the compiler what the block returns.
        quote_spanned! {Span::mixed_site()=>
            async move {
                if let ::core::option::Option::Some(never) = ::core::option::Option::None::<#returns> {
                    return never;
                }
                #(#bindings)*
                #(#statements)*
            }
        }
    }

    // Input:
    //     enter(…)        and        square::uncached(x)
    //
    // Output:
    //     enter(…).run(move || square::uncached(x))
    pub(crate) fn run(
        &self,
        found: &TokenStream,
        original: &TokenStream,
        fallible: bool,
    ) -> TokenStream {
        let here = Span::mixed_site();
        let prefix = if fallible { "try_" } else { "" };
        if self.is_async() {
            let run = format_ident!("{prefix}run_async");
            return quote_spanned! {here=>
                let call = #found;
                call.#run(move || #original).await
            };
        }
        if self.attributes.track_caller.is_none() {
            let run = format_ident!("{prefix}run");
            return quote!(#found.#run(move || #original));
        }
        // A closure would be the caller that the body sees.
        let finish = format_ident!("{prefix}finish");
        let mut value = quote_spanned!(here=> value);
        if fallible {
            value = quote!(::core::result::Result::Ok(#value));
        }
        quote_spanned! {here=>
            match #found.hit() {
                ::core::result::Result::Ok(value) => #value,
                ::core::result::Result::Err(miss) => miss.#finish(#original),
            }
        }
    }
}

/// The first and the last place of `tokens`, with names resolved as ours.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter().map(|token| token.span());
    let start = tokens.next().unwrap_or_else(Span::call_site);
    let end = tokens.last().unwrap_or(start);
    (Span::mixed_site().located_at(start), Span::mixed_site().located_at(end))
}

/// `&ty`, also where the type says `impl A + B`.
fn reference_to(ty: &Type) -> TokenStream {
    match ty {
        Type::ImplTrait(unnamed) if unnamed.bounds.len() > 1 => quote!(&(#ty)),
        _ => quote!(&#ty),
    }
}

/// A parameter as an argument.
fn forwarded(param: &Param, and: &TokenStream) -> TokenStream {
    let (cfgs, name) = (attributes::cfgs(&param.original.attrs), &param.name);
    quote!(#(#cfgs)* #and #name)
}
