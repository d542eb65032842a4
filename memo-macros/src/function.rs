//! The function under the attribute, once every rule has been checked.

use crate::attributes::Attributes;
use crate::generics;
use crate::given_key::GivenKey;
use crate::options::SharedOptions;
use crate::param::{Param, is_mutable};
use crate::surroundings::is_in_impl;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Block, Error, Expr, Ident, Item, ItemFn, Pat, PatIdent, Receiver, Result, Signature,
    TraitItemFn, Type, Visibility,
};

/// A function that can be cached.
pub(crate) struct Function {
    pub(crate) attributes: Attributes,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Box<Block>,
    pub(crate) place: Place,
    pub(crate) receiver: Option<Receiver>,
    /// Whether `self` is part of the key, if no other is given.
    pub(crate) self_hashed: bool,
    /// Whether the given `key` mentions `self`.
    pub(crate) self_mentioned: bool,
    pub(crate) params: Vec<Param>,
    /// The expression that is the key instead of the hashed parameters.
    pub(crate) key: Option<GivenKey>,
    /// Whether its results live beyond the process.
    pub(crate) is_stored: bool,
    /// The declared return type.
    pub(crate) returns: Type,
    /// The path of the `memo` crate.
    pub(crate) krate: TokenStream,
    /// The path of the runtime's hidden module.
    pub(crate) private: TokenStream,
}

/// Where a function's companions live.
pub(crate) enum Place {
    /// In an uninhabited type of this name.
    Type(Ident),
    /// In the same `impl`, their names starting with this one.
    Impl(Ident),
    /// Nowhere: a trait and its `impl`s have no room for items of ours.
    Trait,
}

/// The types that an `enum` of the same name would hide from the module.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

impl Function {
    /// Checks what both attributes ask of a function.
    pub(crate) fn new(attribute: &str, item: TokenStream, options: &SharedOptions) -> Result<Self> {
        let ItemFn { attrs, vis, sig, block } = item_fn(attribute, item)?;
        check_signature(&sig)?;
        let receiver = sig.receiver().cloned();
        let mut params = Param::all(&sig, &options.skip);
        check_skip(&options.skip, receiver.as_ref(), &params)?;
        let krate = options.krate();
        let private = quote!(#krate::__private);
        let this = receiver.as_ref().map(|this| Ident::from(this.self_token));
        let key = match &options.key {
            Some(key) => Some(given_key(key, &private, this.as_ref(), &mut params)?),
            None => None,
        };
        let function = Self {
            attributes: Attributes::new(attrs),
            place: place(&vis, &sig, attribute, options)?,
            self_hashed: receiver.is_some() && !options.skip.iter().any(|name| name == "self"),
            self_mentioned: this.zip(key.as_ref()).is_some_and(|(this, key)| key.mentions(&this)),
            returns: generics::returned(&sig.output),
            private,
            krate,
            key,
            is_stored: false,
            body: block,
            receiver,
            params,
            vis,
            sig,
        };
        function.check_placement()?;
        if function.key.is_none() {
            function.check_key(attribute)?;
        }
        Ok(function)
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    fn check_placement(&self) -> Result<()> {
        match (&self.place, &self.attributes.track_caller) {
            (Place::Trait, Some(track_caller)) => Err(Error::new_spanned(
                track_caller,
                "`#[track_caller]` cannot reach the body with `in_trait`: move the body to a function of its own, \
                 with both attributes, and call that",
            )),
            _ => Ok(()),
        }
    }

    /// A hit does not run the function, so what it would change must stay out of the key.
    fn check_key(&self, attribute: &str) -> Result<()> {
        let receiver = self.receiver.as_ref().filter(|_| self.self_hashed);
        if let Some(receiver) = receiver.filter(|receiver| is_mutable(&receiver.ty)) {
            let cure = format!(
                "`&mut self` cannot be part of the key: write `#[{attribute}(skip(self))]`"
            );
            return Err(Error::new_spanned(receiver, cure));
        }
        let changed = |param: &&Param| param.hashed && is_mutable(&param.original.ty);
        let Some(param) = self.params.iter().find(changed) else {
            return Ok(());
        };
        let cure = match &*param.original.pat {
            Pat::Ident(PatIdent { ident, .. }) => format!(
                "start its name with an underscore (`_{0}`), or write `#[{attribute}(skip({0}))]`",
                ident.unraw()
            ),
            _ => "give it a name that starts with an underscore".to_owned(),
        };
        let message = format!("`&mut` parameter cannot be part of the key: {cure}");
        Err(Error::new_spanned(&param.original.ty, message))
    }
}

/// Reads the option `key`, and notes which parameters it mentions.
fn given_key(
    key: &Expr,
    private: &TokenStream,
    this: Option<&Ident>,
    params: &mut [Param],
) -> Result<GivenKey> {
    let bound = params.iter().flat_map(Param::bindings);
    let names: Vec<_> = bound.chain(this.cloned()).collect();
    let key = GivenKey::new(key, private, &names)?;
    for param in params {
        param.mentioned = param.bindings().iter().any(|name| key.mentions(name));
    }
    Ok(key)
}

fn item_fn(attribute: &str, item: TokenStream) -> Result<ItemFn> {
    let syntax = match syn::parse2(item.clone()) {
        Ok(item) => return Ok(item),
        Err(error) => error,
    };
    if let Ok(declaration) = syn::parse2::<TraitItemFn>(item.clone()) {
        let cure = format!(
            "a function without a body has nothing to cache: write `#[{attribute}(in_trait)]` in the `impl`"
        );
        return Err(Error::new_spanned(declaration.sig, cure));
    }
    let kind = match syn::parse2(item) {
        Ok(Item::Impl(_)) => "for functions: write it on the methods of the `impl`",
        Ok(Item::Trait(_)) => "for functions: write it on the trait's methods that have a body",
        Ok(Item::Mod(_)) => "for functions: write it on the functions of the module",
        Ok(Item::Fn(_) | Item::Verbatim(_)) | Err(_) => return Err(syntax),
        Ok(_) => "for functions",
    };
    Err(Error::new(Span::call_site(), format!("`#[{attribute}]` is {kind}")))
}

fn check_signature(sig: &Signature) -> Result<()> {
    if let Some(constness) = &sig.constness {
        let cure =
            "a `const fn` may run in the compiler, where nothing can be cached: remove `const`";
        return Err(Error::new_spanned(constness, cure));
    }
    if let Some(variadic) = &sig.variadic {
        return Err(Error::new_spanned(
            variadic,
            "variadic arguments cannot be listed, and so cannot be a key",
        ));
    }
    let returns = generics::returned(&sig.output);
    if !generics::has_impl_trait(&returns) {
        return Ok(());
    }
    let cure = if returns.to_token_stream().to_string().contains("Future") {
        "`impl Future` cannot be stored: write `async fn`"
    } else {
        "`impl Trait` cannot be stored, its type has no name: return a named type"
    };
    Err(Error::new_spanned(returns, cure))
}

fn check_skip(skip: &[Ident], receiver: Option<&Receiver>, params: &[Param]) -> Result<()> {
    let known = |name: &Ident| match name.to_string().as_str() {
        "self" => receiver.is_some(),
        _ => params.iter().any(|param| param.name == *name),
    };
    match skip.iter().find(|name| !known(name)) {
        Some(name) => Err(Error::new(
            name.span(),
            format!("`skip` names no parameter of this function: `{name}`"),
        )),
        None => Ok(()),
    }
}

fn place(
    vis: &Visibility,
    sig: &Signature,
    attribute: &str,
    options: &SharedOptions,
) -> Result<Place> {
    if let Some(in_trait) = &options.in_trait {
        return match vis {
            Visibility::Inherited => Ok(Place::Trait),
            _ => Err(Error::new(
                in_trait.span(),
                "`in_trait` is for the functions of a trait and its `impl`s, which have no visibility: leave it out here",
            )),
        };
    }
    let name = options.handle.as_ref().unwrap_or(&sig.ident);
    if sig.receiver().is_some() || options.in_impl {
        return Ok(Place::Impl(name.clone()));
    }
    if mentions_self(sig.to_token_stream()) || is_in_impl(sig.ident.span()) {
        let cure = format!(
            "an associated function says so: `#[{attribute}(in_impl)]`, or `in_trait` in a trait's `impl`"
        );
        return Err(Error::new_spanned(&sig.ident, cure));
    }
    if PRIMITIVES.iter().any(|primitive| name == primitive) {
        let cure = format!(
            "the companions' type would hide the type `{name}`: name it, as in `#[{attribute}(handle = {name}_cache)]`"
        );
        return Err(Error::new(name.span(), cure));
    }
    Ok(Place::Type(name.clone()))
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == "Self",
        proc_macro2::TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}
