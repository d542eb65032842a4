//! The items beside the function: its companions, and the private helpers that they share.

use crate::attributes;
use crate::function::{Function, Place};
use crate::generics;
use crate::mentions::Mentions;
use crate::param::Param;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, TokenStreamExt, format_ident, quote};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Ident, Lifetime, Receiver, Signature, Type};

/// What companions are called, without the suffix of those for tasks.
pub(crate) const COMPANIONS: [&str; 10] = [
    "clear", "remove", "get", "contains", "insert", "refresh", "uncached", "stats", "explain",
    "retain",
];

/// Which of the function's parameters an item has.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Takes {
    Nothing,
    /// None, but what names an instance of the function.
    Generics,
    /// The hashed ones, and those that the given `key` or a tag mentions; `self` by reference.
    Key,
    All,
}

/// One companion, still without its place.
pub(crate) struct Companion {
    name: &'static str,
    doc: &'static str,
    takes: Takes,
    /// Async, whatever the function is.
    is_async: bool,
    /// A generic before the function's own.
    lifetime: Option<Lifetime>,
    /// A parameter after the function's own.
    value: Option<TokenStream>,
    returns: Option<TokenStream>,
    body: TokenStream,
}

impl Companion {
    pub(crate) fn new(
        name: &'static str,
        doc: &'static str,
        takes: Takes,
        body: TokenStream,
    ) -> Self {
        let (lifetime, value, returns) = (None, None, None);
        Self { name, doc, takes, is_async: false, lifetime, value, returns, body }
    }

    pub(crate) fn in_a_task(self) -> Self {
        Self { is_async: true, ..self }
    }

    pub(crate) fn returns(self, ty: impl ToTokens) -> Self {
        Self { returns: Some(ty.to_token_stream()), ..self }
    }

    pub(crate) fn lifetime(self, lifetime: Option<Lifetime>) -> Self {
        Self { lifetime, ..self }
    }

    pub(crate) fn value(self, name: &Ident, ty: &Type) -> Self {
        Self { value: Some(quote!(#name: #ty)), ..self }
    }
}

impl Function {
    // Input:
    //     fn square(x: u64) -> u64 { x * x }
    //
    // Output:
    //     fn square(x: u64) -> u64 { #call }
    //     enum square {}
    //     impl square { #helpers #companions }
    //     impl square { fn uncached(x: u64) -> u64 { x * x } }
    pub(crate) fn with_companions(
        &self,
        caller: &TokenStream,
        helpers: &[TokenStream],
        companions: &[Companion],
    ) -> TokenStream {
        let companions = companions.iter().map(|companion| self.companion(companion));
        let uncached = self.uncached();
        let items = quote!(#(#helpers)* #(#companions)*);
        match &self.place {
            Place::Trait => caller.clone(),
            Place::Impl(_) => quote!(#caller #items #uncached),
            Place::Type(name) => {
                let vis = &self.vis;
                let lints = self.lints_of_ours();
                let everywhere = &self.attributes.everywhere;
                // Ours, so that no lint blames the user for its case.
                let mut type_name = name.clone();
                type_name.set_span(Span::call_site().located_at(name.span()));
                let doc = self.documented_companions();
                quote! {
                    #caller
                    #(#everywhere)*
                    #[doc = #doc]
                    #vis enum #type_name {}
                    #(#everywhere)*
                    #lints
                    impl #name { #items }
                    #(#everywhere)*
                    impl #name { #uncached }
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
        // The underscore is memo's word: what has one is handed on, mentioned by `key`, or used in a body.
        let allowed =
            self.uses_underscores().then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        let allowed = allowed.iter();
        // From its first word to its last brace it is the user's, so that it can be reported as
        // unused.
        let mut braced = TokenStream::new();
        self.body.brace_token.surround(&mut braced, |tokens| tokens.extend(body.clone()));
        let documented = self.documented_caller();
        quote! {
            #(#attributes)*
            #documented
            #(#allowed)*
            #vis #asyncness #unsafety #abi #fn_token #ident #generics(#receiver #(#params),*)
            #output #where_clause #braced
        }
    }

    fn companion(&self, companion: &Companion) -> TokenStream {
        let Companion { name, doc, takes, is_async, lifetime, value, returns, body } = companion;
        let name = self.companion_name(name);
        let attributes = self.item_attributes(*takes);
        let vis = &self.vis;
        let generics = generics::with_lifetime(&self.generics_of(*takes), lifetime.as_ref());
        let where_clause = &generics.where_clause;
        let inputs = self.inputs(*takes);
        let returns = returns.iter();
        let sig = (*takes == Takes::All).then_some(&self.sig);
        let asyncness = match sig {
            Some(sig) => sig.asyncness.to_token_stream(),
            None => is_async.then(|| quote!(async)).into_iter().collect(),
        };
        let unsafety = sig.map(|sig| &sig.unsafety);
        quote! {
            #attributes
            #[doc = #doc]
            #vis #asyncness #unsafety fn #name #generics(#inputs #value) #(-> #returns)*
            #where_clause { #body }
        }
    }

    /// The original function: the body lives only here.
    fn uncached(&self) -> TokenStream {
        let name = self.companion_name("uncached");
        let attributes = self.attributes_of(Takes::All);
        let Self { vis, sig, body, receiver, .. } = self;
        let Signature { asyncness, unsafety, generics, output, .. } = sig;
        let where_clause = &generics.where_clause;
        let receiver = receiver.iter();
        let params = self.params.iter().map(|param| {
            let attributes = attributes::of_copies(&param.original.attrs);
            let (pat, ty) = (&param.original.pat, &param.original.ty);
            quote!(#(#attributes)* #pat: #ty)
        });
        let uses = self.params.iter().map(|param| self.uses_of_key(param));
        let mut braced = TokenStream::new();
        body.brace_token.surround(&mut braced, |tokens| {
            tokens.extend(uses);
            tokens.append_all(&body.stmts);
        });
        // It consumes nothing of what is the key's alone.
        let of_key = self.has_unused().then(|| quote!(clippy::needless_pass_by_value,));
        let of_key = of_key.iter();
        let underscores = self.uses_underscores().then(|| quote!(clippy::used_underscore_binding,));
        let underscores = underscores.iter();
        // The lints are those that the documentation of the caller answers.
        quote! {
            #attributes
            #[doc = "The original function: runs the body and stores nothing."]
            #[allow(
                private_bounds,
                private_interfaces,
                clippy::missing_const_for_fn,
                clippy::missing_errors_doc,
                clippy::missing_panics_doc,
                clippy::missing_safety_doc,
                clippy::must_use_candidate,
                #(#of_key)*
                #(#underscores)*
                clippy::too_many_arguments
            )]
            #vis #asyncness #unsafety fn #name #generics(#(#receiver,)* #(#params),*)
            #output #where_clause #braced
        }
    }

    /// Whether there is a parameter outside the key, whose name therefore may start with an underscore
    /// though it is used.
    fn uses_underscores(&self) -> bool {
        self.params.iter().any(|param| !param.hashed)
    }

    /// Whether there is a parameter of which the body, as far as its tokens tell, makes no use.
    fn has_unused(&self) -> bool {
        let mentions = Mentions::of(&self.body);
        let is_unused = |param: &Param| !param.bindings().iter().any(|name| mentions.has(name));
        self.params.iter().any(is_unused)
    }

    // Input:
    //     #[memo]
    //     fn read(path: &str, modified: u64) -> String { … }
    //
    // Output:
    //     let _ = &path;        and        let _ = &modified;
    /// Uses a parameter's names as the key does. That may be all that it is for; and an underscore,
    /// as the compiler would advise, would take it out of the key.
    pub(crate) fn uses_of_key(&self, param: &Param) -> TokenStream {
        let cfgs = param.cfgs();
        let is_used = |name: &Ident| {
            let mut asked = self.enabled.iter().chain(&self.tags);
            asked.any(|(_, mentions)| mentions.has(name))
                || match &self.key {
                    Some(key) => key.mentions(name),
                    None => param.hashed,
                }
        };
        let names = param.bindings().into_iter();
        let names = names.filter(|name| is_used(name) && !name.to_string().starts_with('_'));
        names.map(|name| quote!(#(#cfgs)* let _ = &#name;)).collect()
    }

    // Output:
    //     fn explain(x: u64) -> Explanation { explain(square::__memo(), square::__key(&x)) }
    pub(crate) fn explain(&self, memo: &TokenStream) -> Companion {
        let krate = &self.krate;
        let explain = self.ask("explain", &[memo], Takes::Key, None);
        Companion::new(
            "explain",
            "Why the next call would be a hit or a miss.",
            Takes::Key,
            explain,
        )
        .returns(quote!(#krate::Explanation))
    }

    /// A private function that the companions share.
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
            #[inline]
            fn #name #generics(#inputs) -> #returns #where_clause { #body }
        }
    }

    /// A private function that takes all that the function does, for what is rarely needed.
    pub(crate) fn cold_helper(
        &self,
        name: &str,
        returns: &TokenStream,
        body: &TokenStream,
    ) -> TokenStream {
        let name = self.helper_name(name);
        let attributes = self.item_attributes(Takes::All);
        let Signature { unsafety, generics, .. } = &self.sig;
        let where_clause = &generics.where_clause;
        let inputs = self.inputs(Takes::All);
        quote! {
            #attributes
            #[doc(hidden)]
            #[cold]
            #[inline(never)]
            #unsafety fn #name #generics(#inputs) #returns #where_clause { #body }
        }
    }

    fn inputs(&self, takes: Takes) -> TokenStream {
        let receiver = self.receiver.as_ref().and_then(|receiver| match takes {
            Takes::All => Some(without_mut(receiver)),
            Takes::Key if self.self_hashed || self.self_mentioned => Some(by_reference(receiver)),
            Takes::Key | Takes::Generics | Takes::Nothing => None,
        });
        let params = self.params.iter().filter(|param| param.is_taken(takes));
        let params = params.map(Param::declared);
        quote!(#receiver #(#params,)*)
    }

    fn generics_of(&self, takes: Takes) -> Generics {
        let mut generics = match takes {
            Takes::Nothing => Generics::default(),
            Takes::Generics | Takes::Key | Takes::All => self.sig.generics.clone(),
        };
        if takes == Takes::Key {
            let ignored = self.params.iter().filter(|param| !param.is_taken(takes));
            let names = ignored.filter_map(|param| param.named_impls.as_ref());
            let names = names.flat_map(|(_, names)| names).cloned();
            generics.params.extend(names.map(GenericParam::Type));
        }
        generics
    }

    fn attributes_of(&self, takes: Takes) -> TokenStream {
        let body = self.attributes.body.iter().filter(|_| takes == Takes::All);
        let in_impl = matches!(self.place, Place::Impl(_));
        let everywhere = self.attributes.everywhere.iter().filter(|_| in_impl);
        quote!(#(#everywhere)* #(#body)*)
    }

    /// The attributes of an item without a line of the user's.
    fn item_attributes(&self, takes: Takes) -> TokenStream {
        let attributes = self.attributes_of(takes);
        let in_impl = matches!(self.place, Place::Impl(_));
        let lints = in_impl.then(|| self.lints_of_ours());
        quote!(#attributes #lints)
    }

    /// Silences lints about a signature that is not as the user wrote it.
    fn lints_of_ours(&self) -> TokenStream {
        // Not all that take what `key` or a tag mentions ask for these.
        let is_keyed = self.key.is_some() || !self.tags.is_empty();
        let keyed = is_keyed.then(|| quote!(unused_variables,)).into_iter();
        quote! {
            #[allow(
                dead_code,
                deprecated,
                private_bounds,
                private_interfaces,
                single_use_lifetimes,
                unused_lifetimes,
                #(#keyed)*
                clippy::all,
                clippy::pedantic,
                clippy::nursery
            )]
        }
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
            Takes::Nothing | Takes::Generics => false,
            Takes::Key => self.hashed || self.mentioned,
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
