//! The key of a call: nested pairs of references to what is hashed.

use crate::companions::Takes;
use crate::function::{Function, Place};
use crate::generics;
use crate::param::Param;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Ident, Token};

impl Function {
    /// The key of a call, in an item that has these parameters.
    pub(crate) fn key_of(&self, takes: Takes) -> TokenStream {
        let given = self.key.as_ref().map(|key| &key.value);
        if let Place::Trait = self.place {
            return self.inlined_key(given);
        }
        if let Some(value) = given {
            return self.key_from(takes, &quote!(#value,));
        }
        let this = self.hashed_self().into_iter();
        let hashed = self.hashed().map(|param| {
            let (cfgs, name) = (param.cfgs(), &param.name);
            quote!(#(#cfgs)* &#name)
        });
        self.key_from(takes, &quote!(#(&#this,)* #(#hashed,)*))
    }

    /// What stands for the key of a call whose given `key` failed.
    pub(crate) fn no_key_of(&self, takes: Takes) -> TokenStream {
        let private = &self.private;
        let nothing = quote!(#private::Argument::new(&()).part());
        let key = match self.place {
            Place::Trait => self.inlined_key(Some(&nothing)),
            _ => self.key_from(takes, &quote!(#nothing,)),
        };
        quote!(#private::NoKey(#key))
    }

    /// Calls the helper with the values of which it makes the key.
    fn key_from(&self, takes: Takes, values: &TokenStream) -> TokenStream {
        let (home, name) = (self.home(), self.helper_name("key"));
        let turbofish = generics::turbofish(&self.sig.generics);
        let types = self.impls_beside_key().map(|param| {
            let (cfgs, name) = (param.cfgs(), &param.name);
            match &param.named_impls {
                Some((ty, _)) if !param.is_taken(takes) => {
                    quote!(#(#cfgs)* ::core::option::Option::None::<&#ty>)
                }
                _ => quote!(#(#cfgs)* ::core::option::Option::Some(&#name)),
            }
        });
        quote!(#home::#name #turbofish(#values #(#types),*))
    }

    // Input:
    //     fn find<T>(&self, name: &str, #[cfg(unix)] mode: u32, _log: impl Fn(T))
    //
    // Output:
    //     fn __key_find<T>(
    //         &self,
    //         name: &&str,
    //         #[cfg(unix)] mode: &u32,
    //         _: Option<&impl Fn(T)>,
    //     ) -> impl Args {
    //         (Scope::of(&|| ()), (Argument::new(self).part(), (Argument::new(name).part(), …)))
    //     }
    pub(crate) fn key_helper(&self) -> TokenStream {
        let private = &self.private;
        let own = Ident::new("__key", Span::mixed_site());
        let (values, key) = match &self.key {
            Some(_) => (quote!(#own: impl #private::Walk,), quote!(#private::Given(#own))),
            None => {
                let this = self.hashed_self().into_iter();
                let hashed = self.hashed().map(|param| {
                    let (cfgs, name, ty) = (param.cfgs(), &param.name, param.reference_type());
                    quote!(#(#cfgs)* #name: #ty)
                });
                (quote!(#(&#this,)* #(#hashed,)*), self.pairs(&TokenStream::new()))
            }
        };
        let types = self.impls_beside_key().map(|param| {
            let (cfgs, ty) = (param.cfgs(), param.reference_type());
            quote!(#(#cfgs)* _: ::core::option::Option<#ty>)
        });
        let scope = match self.has_scope_helper() {
            true => self.scope_of_instance(),
            false => self.scope(),
        };
        let key = if self.has_scope() { quote!((#scope, #key)) } else { key };
        let inputs = quote!(#values #(#types),*);
        self.helper("key", &self.sig.generics, &inputs, &quote!(impl #private::Args), &key)
    }

    fn inlined_key(&self, given: Option<&TokenStream>) -> TokenStream {
        let private = &self.private;
        let key = match given {
            Some(value) => quote!(#private::Given(#value)),
            None => self.pairs(&quote!(&)),
        };
        let scope = self.scope();
        quote!((#scope, #key))
    }

    /// Which monomorphization is called.
    fn scope(&self) -> TokenStream {
        let private = &self.private;
        let of = if self.is_stored { quote!(named) } else { quote!(of) };
        quote!(#private::Scope::#of(&|| ()))
    }

    /// Whether the instances of the function can be named, and so asked for, by its generics alone.
    pub(crate) fn has_scope_helper(&self) -> bool {
        let has_impls = self.params.iter().any(|param| param.named_impls.is_some());
        self.has_scope() && !has_impls && !self.is_stored && !matches!(self.place, Place::Trait)
    }

    /// Which monomorphization is called, for the companions that have none of its arguments.
    pub(crate) fn scope_helper(&self) -> TokenStream {
        if !self.has_scope_helper() {
            return TokenStream::new();
        }
        let private = &self.private;
        let nothing = TokenStream::new();
        let generics = &self.sig.generics;
        self.helper("scope", generics, &nothing, &quote!(#private::Scope), &self.scope())
    }

    /// A call of that helper.
    pub(crate) fn scope_of_instance(&self) -> TokenStream {
        let (home, name) = (self.home(), self.helper_name("scope"));
        let turbofish = generics::turbofish(&self.sig.generics);
        quote!(#home::#name #turbofish())
    }

    // Input:
    //     fn find(&self, name: &str, #[cfg(unix)] mode: u32, _log: &Log)
    //
    // Output:
    //     (Argument::new(self).part(), (Argument::new(name).part(), {
    //         #[cfg(all(unix))] { (Argument::new(mode).part(), ()) }
    //         #[cfg(not(all(unix)))] { () }
    //     }))
    fn pairs(&self, and: &TokenStream) -> TokenStream {
        let pairs = self.hashed().rev().fold(quote!(()), |rest, param| {
            let (cfgs, name) = (param.cfgs(), &param.name);
            let part =
                part(&self.private, &quote!(#and #name), generics::referent(&param.original.ty));
            if cfgs.is_empty() {
                return quote!((#part, #rest));
            }
            let conditions = cfgs.iter().filter_map(|cfg| cfg.meta.require_list().ok());
            let conditions = conditions.map(|cfg| &cfg.tokens);
            let present = quote!(all(#(#conditions),*));
            quote!({ #[cfg(#present)] { (#part, #rest) } #[cfg(not(#present))] { #rest } })
        });
        match self.hashed_self() {
            // However `self` was declared, its key is that of a `Self`.
            Some(this) => {
                let value = quote!(::core::convert::identity::<&Self>(#and #this));
                let part = part(&self.private, &value, &this);
                quote!((#part, #pairs))
            }
            None => pairs,
        }
    }

    fn hashed(&self) -> impl DoubleEndedIterator<Item = &Param> {
        self.params.iter().filter(|param| param.hashed)
    }

    /// `self`, if it is part of the key.
    fn hashed_self(&self) -> Option<Token![self]> {
        let receiver = self.receiver.as_ref().filter(|_| self.self_hashed);
        receiver.map(|receiver| receiver.self_token)
    }

    /// The `impl Trait` parameters of whose types the key must be told.
    fn impls_beside_key(&self) -> impl Iterator<Item = &Param> {
        let beside = |param: &&Param| !param.hashed || self.key.is_some();
        self.params.iter().filter(|param| param.named_impls.is_some()).filter(beside)
    }

    /// Whether the function has, or may have, more than one monomorphization.
    pub(crate) fn has_scope(&self) -> bool {
        let generic = !generics::turbofish(&self.sig.generics).is_empty();
        let has_impls = self.params.iter().any(|param| param.named_impls.is_some());
        generic || has_impls || !matches!(self.place, Place::Type(_))
    }

    // Input:
    //     life
    //
    // Output:
    //     |__data| Said::new(life, __data).ttl()
    /// What a path says of a result that is given as a `ttl`.
    pub(crate) fn said(&self, path: &Expr) -> TokenStream {
        let (start, _) = ends(path);
        let private = self.private_at(start);
        let data = Ident::new("__data", Span::mixed_site());
        quote_spanned!(start=> |#data| #private::Said::new(#path, #data).ttl())
    }

    /// The path of the runtime's hidden module, reported at `span`.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        located(&self.private, span)
    }
}

/// Makes a value a part of a key. If it cannot be one, that is said where it is written.
pub(crate) fn part(
    private: &TokenStream,
    value: &TokenStream,
    written: &impl ToTokens,
) -> TokenStream {
    let (start, end) = ends(written);
    let private = located(private, start);
    let argument = quote_spanned!(start=> #private::Argument);
    quote_spanned!(end=> #argument::new(#value).part())
}

fn located(path: &TokenStream, span: Span) -> TokenStream {
    let at = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    path.clone().into_iter().map(at).collect()
}

/// The first and the last place of `tokens`, with names resolved as ours.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    let end = spans.last().unwrap_or(start);
    (Span::mixed_site().located_at(start), Span::mixed_site().located_at(end))
}
