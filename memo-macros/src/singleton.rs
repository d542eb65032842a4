//! `#[singleton]`: the call and its companions.

use crate::call::ends;
use crate::companions::{Companion, Takes};
use crate::function::Function;
use crate::options::SingletonOptions;
use crate::resource::Resource;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Result;

pub(crate) fn share(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: SingletonOptions = syn::parse2(options)?;
    let function = Function::new("singleton", item, &options.shared)?;
    let resource = Resource::new(&function.sig.output, &function.sig.ident, &function.private)?;
    Ok(expand(&function, &resource, &options))
}

// Input:
//     #[singleton]
//     fn pool(url: &str) -> Result<Pool, Error> { Pool::connect(url) }
//
// Output:
//     fn pool(url: &str) -> Result<Arc<Pool>, Error> {
//         share(pool::__singleton(), Hooks::<Pool>::new(), (part(&url), ()))
//             .try_run(move || Result::map(pool::uncached(url), Arc::new))
//     }
//     enum pool {}
//     impl pool { … fn uncached(url: &str) -> Result<Pool, Error> { Pool::connect(url) } }
fn expand(function: &Function, resource: &Resource, options: &SingletonOptions) -> TokenStream {
    let singleton =
        function.memory("Singleton", options.shared.name.as_ref(), &options.shared.settings());
    let hooks = hooks(function, resource, options);
    let front = [&singleton.expr, &hooks];
    let original = in_arc(function, resource, function.original());
    let run = |verb| {
        function.run(&function.ask(verb, &front, Takes::All, None), &original, resource.fallible)
    };
    let returns = &resource.returns;
    let caller = function.caller(&quote!(-> #returns), &run("share"));
    let companions = companions(function, resource, &front, run("share_refresh"));
    function.with_companions(&caller, &[singleton.item, function.key_helper()], &companions)
}

fn companions(
    function: &Function,
    resource: &Resource,
    front: &[&TokenStream],
    again: TokenStream,
) -> [Companion; 6] {
    let Function { krate, private, .. } = function;
    let Resource { shared, returns, .. } = resource;
    let singleton = front[0];
    [
        Companion {
            name: "clear",
            doc: "Lets go of every value; those who hold one keep it.",
            body: quote!(#singleton.clear();),
            ..Companion::default()
        },
        Companion {
            name: "remove",
            doc: "Lets go of the value of one call; says whether there was one.",
            takes: Takes::Key,
            returns: Some(quote!(bool)),
            body: function.ask("share_remove", &front[..1], Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "get",
            doc: "The value of one call, if there is one; computes nothing.",
            takes: Takes::Key,
            returns: Some(quote!(::core::option::Option<#private::Arc<#shared>>)),
            body: function.ask("share_get", front, Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "contains",
            doc: "Whether there is a value for one call.",
            takes: Takes::Key,
            returns: Some(quote!(bool)),
            body: function.ask("share_contains", &front[..1], Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "refresh",
            doc: "Runs one call and replaces its value.",
            takes: Takes::All,
            returns: Some(quote!(#returns)),
            body: again,
            ..Companion::default()
        },
        Companion {
            name: "stats",
            doc: "What is held, and what the cache did.",
            returns: Some(quote!(#krate::Stats)),
            body: quote!(#singleton.stats()),
            ..Companion::default()
        },
    ]
}

/// What the user does at a hit and at the end, placed so that a missing trait is reported at the type.
fn hooks(function: &Function, resource: &Resource, options: &SingletonOptions) -> TokenStream {
    let shared = &resource.shared;
    let (start, end) = ends(shared);
    let private = function.private_at(start);
    let validate = options.validate.iter();
    let release = options.on_release.iter();
    let hooks = quote_spanned!(start=> #private::Hooks::<#shared>);
    quote_spanned!(end=> #hooks::new()#(.validate(#validate))*#(.release(#release))*)
}

// Input:
//     pool::uncached(url)
//
// Output:
//     Arc::new(pool::uncached(url))        or        Result::map(pool::uncached(url), Arc::new)
fn in_arc(function: &Function, resource: &Resource, original: TokenStream) -> TokenStream {
    if resource.is_arc {
        return original;
    }
    let private = &function.private;
    let value = if function.is_async() { quote!(#original.await) } else { original };
    let wrapped = if resource.fallible {
        quote!(::core::result::Result::map(#value, #private::Arc::new))
    } else {
        quote!(#private::Arc::new(#value))
    };
    if function.is_async() {
        return quote!(async move { #wrapped });
    }
    wrapped
}
