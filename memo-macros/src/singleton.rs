//! `#[singleton]`: the call and its companions.

use crate::call::{Body, Told};
use crate::companions::{Companion, Takes};
use crate::function::Function;
use crate::key::ends;
use crate::memo::{check_error, on_err};
use crate::options::SingletonOptions;
use crate::resource::Resource;
use crate::values::Ttl;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Result};

pub(crate) fn share(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let written = options.clone();
    let mut options: SingletonOptions = syn::parse2(options)?;
    options.shared.written = written;
    let function = Function::new("singleton", item, &options.shared)?;
    function.check_background(options.shared.refresh.as_ref())?;
    function.check_detached(options.shared.detached.as_ref())?;
    let resource = Resource::new(&function)?;
    if let Some(share_err) = options.shared.share_err.as_ref().filter(|_| !resource.fallible) {
        let cure = "`share_err` is for a function that returns a `Result`";
        return Err(Error::new(share_err.span(), cure));
    }
    if options.shared.share_err.is_some() {
        check_error(&function.returns)?;
    }
    Ok(expand(&function, &resource, &options))
}

// Input:
//     #[singleton]
//     fn pool(url: &str) -> Result<Pool, Error> { Pool::connect(url) }
//
// Output:
//     fn pool(url: &str) -> Result<Arc<Pool>, Error> {
//         match hit(pool::__memo(), Hooks::<Pool>::default(), pool::__key(&url)) {
//             Some(__value) => __value,
//             None => pool::__missed(url),
//         }
//     }
//     enum pool {}
//     impl pool {
//         fn __missed(url: &str) -> Result<Arc<Pool>, Error> {
//             enter(pool::__memo(), Hooks::<Pool>::default(), pool::__key(&url))
//                 .run(move || Result::map(pool::uncached(url), Arc::new))
//         }
//         …
//         fn uncached(url: &str) -> Result<Pool, Error> { Pool::connect(url) }
//     }
fn expand(function: &Function, resource: &Resource, options: &SingletonOptions) -> TokenStream {
    let shared = &options.shared;
    let memo = function.memory("resources", shared.name.as_ref(), &shared.settings());
    let hooks = hooks(function, resource, options);
    let body = body(function, resource);
    let returns = function.output(&resource.returns);
    let output = quote!(-> #returns);
    let payload = match &shared.share_err {
        Some(_) => on_err("pick", function, &resource.returns, &hooks),
        None => hooks.clone(),
    };
    let told = Told { memo: &memo.expr, payload: &payload };
    let is_plain = shared.is_plain() && options.validate.is_none();
    let (call, refresh) =
        function.answer(&told, (&output, &body), (shared.refresh.as_ref(), is_plain));
    let check = check(function, resource);
    let body = function.with_memory(&memo, &call.expr);
    let body = function.in_box(quote!(#check #body));
    let caller = function.caller(&output, &body);
    let refresh = function.in_box(refresh);
    // `get` has no error to give.
    let told = Told { memo: &memo.expr, payload: &hooks };
    let companions = companions(function, resource, &told, refresh);
    let helpers = [memo.item, function.scope_helper(), function.key_helper(), call.item];
    function.with_companions(&caller, &helpers, &companions)
}

fn companions(
    function: &Function,
    resource: &Resource,
    &Told { memo, payload }: &Told<'_>,
    refresh: TokenStream,
) -> [Companion; 7] {
    let Function { krate, private, .. } = function;
    let Resource { shared, returns, .. } = resource;
    let clear = quote!(#memo.clear(););
    let remove = function.ask("remove", &[memo], Takes::Key, None);
    let get = function.ask("get", &[memo, payload], Takes::Key, None);
    let contains = function.ask("contains", &[memo], Takes::Key, None);
    let stats = quote!(#memo.stats());
    [
        Companion::new("clear", "Gives up every value.", Takes::Nothing, clear),
        Companion::new(
            "remove",
            "Gives up one value; tells whether there was one.",
            Takes::Key,
            remove,
        )
        .returns(quote!(::core::primitive::bool)),
        Companion::new("get", "The value of one call, without a run.", Takes::Key, get)
            .returns(quote!(::core::option::Option<#private::Arc<#shared>>)),
        Companion::new("contains", "Whether there is a value.", Takes::Key, contains)
            .returns(quote!(::core::primitive::bool)),
        Companion::new("refresh", "Runs one call and replaces its value.", Takes::All, refresh)
            .returns(function.output(returns)),
        Companion::new("stats", "What is held and was done.", Takes::Nothing, stats)
            .returns(quote!(#krate::Stats)),
        function.explain(memo),
    ]
}

// Input:
//     AppResult<Pool>
//
// Output:
//     Share::<AppResult<Pool>>::new().check();
/// Has the compiler tell whether the type is a `Result` by another name. What is written in an `Arc`
/// is meant as it is.
fn check(function: &Function, resource: &Resource) -> TokenStream {
    if resource.is_arc || resource.fallible {
        return TokenStream::new();
    }
    let shared = &resource.shared;
    let (start, _) = ends(shared);
    let private = function.private_at(start);
    quote_spanned!(start=> #private::Share::<#shared>::new().check();)
}

/// What the user does at a hit and at the end; the place where a missing trait is reported.
fn hooks(function: &Function, resource: &Resource, options: &SingletonOptions) -> TokenStream {
    let shared = &resource.shared;
    let (start, end) = ends(shared);
    let private = function.private_at(start);
    let validate = options.validate.iter();
    let release = options.on_release.iter();
    let hooks = quote_spanned!(start=> <#private::Hooks<#shared> as ::core::default::Default>);
    let ttl = options.shared.ttl.iter().filter_map(|ttl| match ttl {
        Ttl::Fixed(_) => None,
        Ttl::Closure(closure) => Some(closure.to_token_stream()),
        Ttl::Path(path) => Some(function.said(path)),
    });
    quote_spanned! {end=>
        #hooks::default()#(.validate(#validate))*#(.release(#release))*#(.ttl(#ttl))*
    }
}

// Input:
//     pool::uncached(url)
//
// Output:
//     Arc::new(pool::uncached(url))        or        Result::map(pool::uncached(url), Arc::new)
/// The original function, and what puts its result into an `Arc`. Of an async one the runtime does
/// that: a future around the function's own would be another place for the arguments.
fn body(function: &Function, resource: &Resource) -> Body {
    let private = &function.private;
    let in_arc = |value: TokenStream| match (resource.is_arc, resource.fallible) {
        (true, _) => value,
        (false, true) => quote!(::core::result::Result::map(#value, #private::Arc::new)),
        (false, false) => quote!(#private::Arc::new(#value)),
    };
    let original = function.original();
    let made = quote_spanned!(Span::mixed_site()=> __made);
    let (original, result_of) = if function.is_async() {
        let shared = in_arc(made.clone());
        (original, Some(quote!(|#made| #shared)))
    } else {
        (in_arc(original), None)
    };
    Body { original, result_of, is_stored: false }
}
