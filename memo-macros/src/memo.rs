//! `#[memo]`: the call and its companions.

use crate::call::{Helped, ends};
use crate::companions::{Companion, Takes};
use crate::function::Function;
use crate::generics;
use crate::options::MemoOptions;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Result, Type};

pub(crate) fn memoize(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: MemoOptions = syn::parse2(options)?;
    let function = Function::new("memo", item, &options.shared)?;
    check_result(&function.returns)?;
    Ok(expand(&function, &options))
}

/// What is stored is handed out by value, to anybody, for as long as they like.
fn check_result(returns: &Type) -> Result<()> {
    match generics::bare(returns) {
        Type::Reference(reference) => Err(Error::new_spanned(
            reference,
            "a cached result is handed out by value: return an owned one (`String` for `&str`, `Vec<T>` for `&[T]`), \
             or share one with `#[singleton]`",
        )),
        _ => Ok(()),
    }
}

// Input:
//     #[memo]
//     fn square(x: u64) -> u64 { x * x }
//
// Output:
//     fn square(x: u64) -> u64 {
//         enter(square::__memo(), square::__codec(), square::__key(&x)).run(move || square::uncached(x))
//     }
//     enum square {}
//     impl square {
//         fn __memo() -> &'static Memo { static MEMORY: Memo = Memo::new("crate::square"); &MEMORY }
//         fn __codec() -> impl Codec<u64> { Pick::<u64>::new().pick() }
//         fn __key(x: &u64) -> impl Args { (part(x), ()) }
//         fn clear() { square::__memo().clear() }
//         …
//         fn uncached(x: u64) -> u64 { x * x }
//     }
fn expand(function: &Function, options: &MemoOptions) -> TokenStream {
    let memo = function.memory("Memo", options.shared.name.as_ref(), &settings(function, options));
    let codec = codec(function, options);
    let front = [&memo.expr, &codec.expr];
    let original = function.original();
    let run = |verb| function.run(&function.ask(verb, &front, Takes::All, None), &original, false);
    let output = &function.sig.output;
    let caller = function.caller(&quote!(#output), &run("enter"));
    let companions = companions(function, &front, run("refresh"));
    function.with_companions(&caller, &[memo.item, codec.item, function.key_helper()], &companions)
}

fn companions(function: &Function, front: &[&TokenStream], again: TokenStream) -> [Companion; 7] {
    let memo = front[0];
    let krate = &function.krate;
    let returns = &function.returns;
    let mut found = returns.clone();
    let lifetime = generics::name_elided_lifetimes(&mut found);
    let value = Ident::new("value", Span::mixed_site());
    [
        Companion {
            name: "clear",
            doc: "Forgets every result.",
            body: quote!(#memo.clear();),
            ..Companion::default()
        },
        Companion {
            name: "remove",
            doc: "Forgets the result of one call; says whether there was one.",
            takes: Takes::Key,
            returns: Some(quote!(bool)),
            body: function.ask("remove", &front[..1], Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "get",
            doc: "The stored result of one call; computes nothing.",
            takes: Takes::Key,
            lifetime,
            returns: Some(quote!(::core::option::Option<#found>)),
            body: function.ask("get", front, Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "contains",
            doc: "Whether the result of one call is stored.",
            takes: Takes::Key,
            returns: Some(quote!(bool)),
            body: function.ask("contains", &front[..1], Takes::Key, None),
            ..Companion::default()
        },
        Companion {
            name: "insert",
            doc: "Stores the result of one call.",
            takes: Takes::Key,
            value: Some(quote!(#value: #returns)),
            body: function.ask("insert", front, Takes::Key, Some(quote!(#value))),
            ..Companion::default()
        },
        Companion {
            name: "refresh",
            doc: "Runs one call and replaces its stored result.",
            takes: Takes::All,
            returns: Some(quote!(#returns)),
            body: again,
            ..Companion::default()
        },
        Companion {
            name: "stats",
            doc: "What is stored, and what the cache did.",
            returns: Some(quote!(#krate::Stats)),
            body: quote!(#memo.stats()),
            ..Companion::default()
        },
    ]
}

/// What the function's static is told.
fn settings(function: &Function, options: &MemoOptions) -> TokenStream {
    let version = options.version.iter();
    let shared = options.shared.settings();
    let max_bytes = options.max_bytes.iter();
    let (sig, body) = (&function.sig, &function.body);
    let source = quote!(#sig #body).to_string();
    quote!(#(.version(#version))* .source(#source) #shared #(.max_bytes(#max_bytes))*)
}

/// How results become bytes, and which do; the one place where a missing trait of theirs is reported.
fn codec(function: &Function, options: &MemoOptions) -> Helped {
    let mut returns = function.returns.clone();
    let lifetime = generics::name_elided_lifetimes(&mut returns);
    let (start, end) = ends(&returns);
    let private = function.private_at(start);
    let codec = if options.cache_err {
        quote_spanned!(start=> #private::Plain)
    } else {
        let pick = quote_spanned!(start=> #private::Pick::<#returns>::new());
        quote_spanned!(end=> #pick.pick())
    };
    let codec = match &options.cache_if {
        Some(condition) => quote_spanned! {Span::mixed_site()=>
            let condition: fn(&#returns) -> bool = #condition;
            #private::only_if(#codec, condition)
        },
        None => codec,
    };
    let generics = generics::with_lifetime(&function.sig.generics, lifetime);
    let trait_name = quote_spanned!(start=> impl #private::Codec);
    function.helped("codec", Some(&generics), &quote_spanned!(end=> #trait_name<#returns>), &codec)
}
