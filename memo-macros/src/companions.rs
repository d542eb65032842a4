//! The items beside the function: its companions, and the private helpers that they share.

use crate::attributes;
use crate::function::{Function, Place};
use crate::generics;
use crate::param::Param;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Ident, Lifetime, Receiver, Signature, TypeParam};

/// Which of the function's parameters an item has.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Takes {
    #[default]
    Nothing,
    /// The hashed ones; `self` by reference.
    Key,
    All,
}

/// One companion, still without its place.
#[derive(Default)]
pub(crate) struct Companion {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) takes: Takes,
    /// A generic before the function's own.
    pub(crate) lifetime: Option<Lifetime>,
    /// A parameter after the function's own.
    pub(crate) value: Option<TokenStream>,
    pub(crate) returns: Option<TokenStream>,
    pub(crate) body: TokenStream,
}

impl Function {
    // Input:
    //     fn square(x: u64) -> u64 { x * x }
    //
    // Output:
    //     fn square(x: u64) -> u64 { #call }
    //     enum square {}
    //     impl square { #helpers #companions fn uncached(x: u64) -> u64 { x * x } }
    pub(crate) fn with_companions(
        &self,
        caller: &TokenStream,
        helpers: &[TokenStream],
        companions: &[Companion],
    ) -> TokenStream {
        let companions = companions.iter().map(|companion| self.companion(companion));
        let uncached = self.uncached();
        let items = quote!(#(#helpers)* #(#companions)* #uncached);
        match &self.place {
            Place::Trait => caller.clone(),
            Place::Impl(_) => quote!(#caller #items),
            Place::Type(name) => {
                let vis = &self.vis;
                let everywhere = &self.attributes.everywhere;
                let doc = format!("What `{}` offers beside its call.", self.sig.ident.unraw());
                quote! {
                    #caller
                    #(#everywhere)*
                    #[doc = #doc]
                    #[allow(non_camel_case_types)]
                    #vis enum #name {}
                    #(#everywhere)*
                    impl #name { #items }
                }
            }
        }
    }

    /// The function that is called: everything that was declared, with another body.
    pub(crate) fn caller(&self, output: &TokenStream, body: &TokenStream) -> TokenStream {
        let Self { attributes, vis, sig, .. } = self;
        let Signature { asyncness, unsafety, abi, fn_token, ident, generics, .. } = sig;
        let where_clause = &generics.where_clause;
        let attributes = &attributes.call;
        let receiver = self.receiver.as_ref().map(|receiver| match self.place {
            Place::Trait => quote!(#receiver,),
            _ => without_mut(receiver),
        });
        let params = self.params.iter().map(|Param { original, name, .. }| {
            let (attributes, ty) = (&original.attrs, &original.ty);
            quote!(#(#attributes)* #name: #ty)
        });
        // Between the user's braces it is the user's function, which may be reported as unused.
        let mut braced = TokenStream::new();
        self.body.brace_token.surround(&mut braced, |tokens| tokens.extend(body.clone()));
        let forwards_ignored =
            !matches!(self.place, Place::Trait) && self.params.iter().any(|param| !param.hashed);
        let allowed = forwards_ignored.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        quote! {
            #(#attributes)*
            #allowed
            #vis #asyncness #unsafety #abi #fn_token #ident #generics(#receiver #(#params),*) #output #where_clause #braced
        }
    }

    fn companion(&self, companion: &Companion) -> TokenStream {
        let Companion { name, doc, takes, lifetime, value, returns, body } = companion;
        let name = self.companion_name(name);
        let attributes = self.item_attributes(*takes);
        let vis = &self.vis;
        let generics = generics::with_lifetime(&self.generics_of(*takes), lifetime.clone());
        let where_clause = &generics.where_clause;
        let inputs = self.inputs(*takes);
        let returns = returns.as_ref().map(|ty| quote!(-> #ty));
        let (asyncness, unsafety) = match takes {
            Takes::All => (&self.sig.asyncness, &self.sig.unsafety),
            Takes::Nothing | Takes::Key => (&None, &None),
        };
        quote! {
            #attributes
            #[doc = #doc]
            #[allow(single_use_lifetimes, unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
            #vis #asyncness #unsafety fn #name #generics(#inputs #value) #returns #where_clause { #body }
        }
    }

    /// The original function: the body lives only here.
    fn uncached(&self) -> TokenStream {
        let name = self.companion_name("uncached");
        let attributes = self.item_attributes(Takes::All);
        let Self { vis, sig, body, receiver, .. } = self;
        let Signature { asyncness, unsafety, generics, output, .. } = sig;
        let where_clause = &generics.where_clause;
        let receiver = receiver.iter();
        let params = self.params.iter().map(|param| {
            let attributes = attributes::of_copies(&param.original.attrs);
            let (pat, ty) = (&param.original.pat, &param.original.ty);
            quote!(#(#attributes)* #pat: #ty)
        });
        quote! {
            #attributes
            #[doc = "The original function: runs the body and stores nothing."]
            #[allow(
                clippy::missing_const_for_fn,
                clippy::missing_errors_doc,
                clippy::missing_panics_doc,
                clippy::missing_safety_doc,
                clippy::must_use_candidate,
                clippy::too_many_arguments
            )]
            #vis #asyncness #unsafety fn #name #generics(#(#receiver,)* #(#params),*) #output #where_clause #body
        }
    }

    /// A private function that the companions share, and its call.
    pub(crate) fn helper(
        &self,
        name: &str,
        generics: &Generics,
        inputs: &TokenStream,
        returns: &TokenStream,
        body: &TokenStream,
    ) -> TokenStream {
        let name = self.helper_name(name);
        let attributes = self.item_attributes(Takes::Nothing);
        let where_clause = &generics.where_clause;
        quote! {
            #attributes
            #[doc(hidden)]
            #[allow(single_use_lifetimes, unused_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
            #[inline]
            fn #name #generics(#inputs) -> #returns #where_clause { #body }
        }
    }

    fn inputs(&self, takes: Takes) -> TokenStream {
        let receiver = self.receiver.as_ref().and_then(|receiver| match takes {
            Takes::All => Some(without_mut(receiver)),
            Takes::Key if self.self_hashed => Some(by_reference(receiver)),
            Takes::Key | Takes::Nothing => None,
        });
        let params = self.params.iter().filter(|param| param.is_taken(takes)).map(|param| {
            let attributes = attributes::of_copies(&param.original.attrs);
            let (name, ty) = (&param.name, &param.original.ty);
            quote!(#(#attributes)* #name: #ty,)
        });
        quote!(#receiver #(#params)*)
    }

    fn generics_of(&self, takes: Takes) -> Generics {
        let mut generics = match takes {
            Takes::Nothing => Generics::default(),
            Takes::Key | Takes::All => self.sig.generics.clone(),
        };
        if takes == Takes::Key {
            let named = self.ignored_impls().into_iter().flat_map(|(_, named)| named);
            generics.params.extend(named.map(GenericParam::Type));
        }
        generics
    }

    /// The types of the ignored `impl Trait` parameters, with names, and these names.
    pub(crate) fn ignored_impls(&self) -> Vec<(syn::Type, Vec<TypeParam>)> {
        let mut number = 0;
        let ignored = self.params.iter().filter(|param| !param.hashed);
        let named = ignored.map(|param| {
            let mut ty = (*param.original.ty).clone();
            let named = generics::name_impl_traits(&mut ty, number);
            number += named.len();
            (ty, named)
        });
        named.filter(|(_, named)| !named.is_empty()).collect()
    }

    fn item_attributes(&self, takes: Takes) -> TokenStream {
        let body = self.attributes.body.iter().filter(|_| takes == Takes::All);
        let everywhere =
            self.attributes.everywhere.iter().filter(|_| matches!(self.place, Place::Impl(_)));
        quote!(#(#everywhere)* #(#body)*)
    }

    /// The type that has the companions.
    pub(crate) fn home(&self) -> TokenStream {
        match &self.place {
            Place::Type(name) => name.to_token_stream(),
            Place::Impl(_) | Place::Trait => quote!(Self),
        }
    }

    pub(crate) fn companion_name(&self, name: &str) -> Ident {
        match &self.place {
            Place::Impl(prefix) => {
                format_ident!("{}_{name}", prefix.unraw(), span = Span::call_site())
            }
            Place::Type(_) | Place::Trait => Ident::new(name, Span::call_site()),
        }
    }

    pub(crate) fn helper_name(&self, name: &str) -> Ident {
        match &self.place {
            Place::Impl(prefix) => {
                format_ident!("__{name}_{}", prefix.unraw(), span = Span::call_site())
            }
            Place::Type(_) | Place::Trait => format_ident!("__{name}"),
        }
    }
}

impl Param {
    pub(crate) fn is_taken(&self, takes: Takes) -> bool {
        match takes {
            Takes::Nothing => false,
            Takes::Key => self.hashed,
            Takes::All => true,
        }
    }
}

/// The receiver of a function that only hands `self` on.
fn without_mut(receiver: &Receiver) -> TokenStream {
    let mut receiver = receiver.clone();
    if receiver.reference.is_none() {
        receiver.mutability = None;
    }
    quote!(#receiver,)
}

fn by_reference(receiver: &Receiver) -> TokenStream {
    let this = receiver.self_token;
    match &receiver.reference {
        Some((and, lifetime)) => quote!(#and #lifetime #this,),
        None => quote!(&#this,),
    }
}
