//! The function under the attribute, once every rule has been checked.

use crate::attributes::Attributes;
use crate::boxed;
use crate::companions::COMPANIONS;
use crate::documentation;
use crate::generics;
use crate::given_key::GivenKey;
use crate::mentions::Mentions;
use crate::options::SharedOptions;
use crate::param::{Param, is_mutable};
use crate::surroundings::{Opener, kind_beside, opener_around};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, Block, Error, Expr, Ident, Item, ItemFn, Pat, PatIdent, Receiver, Result,
    ReturnType, Signature, Stmt, TraitItemFn, Type, Visibility,
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
    /// Whether the given `key` or a tag mentions `self`.
    pub(crate) self_mentioned: bool,
    pub(crate) params: Vec<Param>,
    /// The expression that is the key instead of the hashed parameters.
    pub(crate) key: Option<GivenKey>,
    /// The condition under which a call is one for the cache, and what it mentions.
    pub(crate) enabled: Option<(Expr, Mentions)>,
    /// What results are tagged with, and what that mentions.
    pub(crate) tags: Vec<(Expr, Mentions)>,
    /// Whether its results live beyond the process.
    pub(crate) is_stored: bool,
    /// Whether its computations are tasks of their own.
    pub(crate) is_detached: bool,
    /// Whether there is a cache for each session.
    pub(crate) is_of_sessions: bool,
    /// Its results go with what they were computed from.
    pub(crate) is_dependent: bool,
    /// The declared return type; of an async function in a box, that of its future.
    pub(crate) returns: Type,
    /// The statements of the body, within its box.
    pub(crate) stmts: Vec<Stmt>,
    /// It returns a boxed future, as an async function does that another macro has rewritten.
    pub(crate) is_boxed: bool,
    /// The attribute, as documentation shows it.
    pub(crate) how: String,
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

/// The crates that an `enum` of the same name would hide from whatever its module expands.
const CRATES: [&str; 3] = ["std", "core", "alloc"];

/// The types that an `enum` of the same name would hide from the module.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

impl Function {
    /// Checks what both attributes ask of a function.
    pub(crate) fn new(attribute: &str, item: TokenStream, options: &SharedOptions) -> Result<Self> {
        let ItemFn { attrs, vis, sig, block } = item_fn(attribute, item)?;
        check_attributes(attribute, &attrs)?;
        check_signature(&sig)?;
        let receiver = sig.receiver().cloned();
        let declared = generics::returned(&sig.output);
        let boxed = boxed::boxed(&declared, &block);
        if boxed.is_none() && boxed::output(&declared).is_some() {
            let cure = "a future cannot be stored: write `async fn`, or let the body be one `Box::pin(async move { … })`";
            return Err(Error::new_spanned(declared, cure));
        }
        let is_boxed = boxed.is_some();
        let (stmts, returns) = match boxed {
            Some(boxed) => (boxed.stmts, boxed.output),
            None => (block.stmts.clone(), declared),
        };
        let mut params = Param::all(&sig, &options.skip);
        check_skip(&options.skip, receiver.as_ref(), &params)?;
        let krate = options.krate();
        let private = quote!(#krate::__private);
        let this = receiver.as_ref().map(|this| Ident::from(this.self_token));
        let key = match &options.key {
            Some(key) => Some(given_key(key, &private, this.as_ref(), &mut params)?),
            None => None,
        };
        let tags: Vec<_> =
            options.tags.iter().map(|tag| (tag.clone(), Mentions::of(tag))).collect();
        let is_tag_of = |name: &Ident| tags.iter().any(|(_, mentions)| mentions.has(name));
        for param in &mut params {
            param.mentioned |= param.bindings().iter().any(is_tag_of);
        }
        let is_mentioned =
            |this: &Ident| key.as_ref().is_some_and(|key| key.mentions(this)) || is_tag_of(this);
        let function = Self {
            attributes: Attributes::new(attrs),
            place: place(&vis, &sig, attribute, options)?,
            self_hashed: receiver.is_some() && !options.skip.iter().any(|name| name == "self"),
            self_mentioned: this.as_ref().is_some_and(is_mentioned),
            returns,
            stmts,
            is_boxed,
            how: documentation::how(attribute, &options.written),
            private,
            krate,
            key,
            tags,
            enabled: options.enabled.as_ref().map(|expr| (expr.clone(), Mentions::of(expr))),
            is_stored: false,
            is_detached: options.detached.is_some(),
            is_of_sessions: options.scope.is_some(),
            is_dependent: options.depends,
            body: block,
            receiver,
            params,
            vis,
            sig,
        };
        function.check_placement(attribute, options)?;
        if function.key.is_none() {
            function.check_key(attribute)?;
        }
        Ok(function)
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some() || self.is_boxed
    }

    /// The type of a call that is to return this, in its box if there is one.
    pub(crate) fn output(&self, value: &Type) -> TokenStream {
        match &self.sig.output {
            ReturnType::Type(_, declared) if self.is_boxed => boxed::with_output(declared, value),
            _ => value.to_token_stream(),
        }
    }

    /// A body that returns what a call does, in its box if there is one.
    pub(crate) fn in_box(&self, body: TokenStream) -> TokenStream {
        let private = &self.private;
        if self.is_boxed { quote!(#private::Box::pin(async move { #body })) } else { body }
    }

    fn check_placement(&self, attribute: &str, options: &SharedOptions) -> Result<()> {
        if let Place::Type(name) = &self.place {
            let (sig, body, options) = (&self.sig, &self.body, &options.written);
            check_name(attribute, name, quote!(#sig #body #options))?;
            check_neighbours(attribute, name, sig.ident.span())?;
        }
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

/// Each of the two expands to a function, and to companions beside it: one a function.
fn check_attributes(attribute: &str, attributes: &[Attribute]) -> Result<()> {
    let ours = attributes.iter().find_map(|other| {
        let last = other.path().segments.last()?.ident.to_string();
        let is_ours = other.path().segments.len() == 1
            || other.path().segments.first().is_some_and(|first| first.ident == "memo");
        (is_ours && matches!(last.as_str(), "memo" | "singleton")).then_some((other, last))
    });
    let cure = match ours {
        None => return Ok(()),
        Some((other, name)) if name == attribute => {
            (other, format!("`#[{name}]` is written twice: keep one"))
        }
        Some((other, _)) => (
            other,
            "a function is cached as data or shared as a resource: keep one of `#[memo]` and `#[singleton]`"
                .to_owned(),
        ),
    };
    Err(Error::new_spanned(cure.0, cure.1))
}

/// The companions' type must not hide what the function itself, or its module, calls by that name.
fn check_name(attribute: &str, name: &Ident, written: TokenStream) -> Result<()> {
    let plain = name.unraw();
    let hidden = if PRIMITIVES.iter().any(|primitive| plain == primitive) {
        "the type"
    } else if CRATES.iter().any(|known| plain == known) {
        "the crate"
    } else if says_path(written, &plain) {
        "the module or crate"
    } else {
        return Ok(());
    };
    let cure = format!(
        "the companions' type would hide {hidden} `{plain}`: name it, as in `#[{attribute}(handle = {plain}_cache)]`"
    );
    Err(Error::new(name.span(), cure))
}

/// There must be no other type or module of the companions' name.
fn check_neighbours(attribute: &str, name: &Ident, function: Span) -> Result<()> {
    let plain = name.unraw().to_string();
    let Some(kind) = kind_beside(function, &plain) else { return Ok(()) };
    let cure = format!(
        "the companions' type would be a second `{plain}` beside `{kind} {plain}`: \
         name it, as in `#[{attribute}(handle = {plain}_cache)]`"
    );
    Err(Error::new(name.span(), cure))
}

/// Whether `name::x` is anywhere in it, of an `x` that is no companion.
fn says_path(tokens: TokenStream, name: &Ident) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => says_path(group.stream(), name),
        TokenTree::Ident(ident) if ident.unraw() == *name => {
            let is_first = at < 2 || !is_colon(at - 1) || !is_colon(at - 2);
            is_first
                && is_colon(at + 1)
                && is_colon(at + 2)
                && match tokens.get(at + 3) {
                    Some(TokenTree::Ident(next)) => !is_companion(next),
                    Some(TokenTree::Group(_)) => true,
                    _ => false,
                }
        }
        _ => false,
    })
}

fn is_companion(name: &Ident) -> bool {
    let name = name.unraw().to_string();
    let plain = name.strip_suffix("_async").unwrap_or(&name);
    COMPANIONS.contains(&plain)
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
    let opener = opener_around(sig.ident.span());
    let is_associated = sig.receiver().is_some() || options.in_impl;
    let cure = match opener {
        Opener::ImplOfTrait => format!(
            "a trait's `impl` has no room for companions: write `#[{attribute}(in_trait)]`, which caches without them"
        ),
        _ if is_associated => return Ok(Place::Impl(name.clone())),
        Opener::Impl => format!("an associated function says so: `#[{attribute}(in_impl)]`"),
        Opener::Other if generics::find_self(sig.to_token_stream()).is_none() => {
            return Ok(Place::Type(name.clone()));
        }
        Opener::Trait | Opener::Other => format!(
            "an associated function says so: `#[{attribute}(in_impl)]`, or `in_trait` in a trait and its `impl`s"
        ),
    };
    Err(Error::new_spanned(&sig.ident, cure))
}
