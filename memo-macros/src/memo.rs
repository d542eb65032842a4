//! `#[memo]`: the call and its companions.

use crate::call::{Body, Helped, Told};
use crate::companions::{Companion, Takes};
use crate::function::{Function, Place};
use crate::generics;
use crate::key::ends;
use crate::options::MemoOptions;
use crate::values::{Store, Ttl, bare};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Error, Expr, Lifetime, Result, Type};

pub(crate) fn memoize(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let written = options.clone();
    let mut options: MemoOptions = syn::parse2(options)?;
    options.shared.written = written;
    let mut function = Function::new("memo", item, &options.shared)?;
    function.is_stored = options.store.is_some();
    if options.clone {
        check_kept(&function.returns, options.cache_err)?;
    } else {
        check_result(&function.returns, options.cache_err)?;
    }
    if options.shared.share_err.is_some() {
        check_error(&function.returns)?;
    }
    function.check_background(options.shared.refresh.as_ref())?;
    function.check_detached(options.shared.detached.as_ref())?;
    Ok(expand(&function, &options))
}

/// What is stored is handed out by value, to anybody, for as long as they like; and it comes back
/// from bytes.
fn check_result(returns: &Type, cache_err: bool) -> Result<()> {
    let Some(reference) = generics::borrowed(returns, cache_err) else { return Ok(()) };
    let is_static = generics::is_static(reference);
    let cure = match (generics::bare(returns), is_static) {
        (Type::Reference(_), false) => {
            "a cached result is handed out by value: return an owned one (`String` for `&str`, `Vec<T>` for `&[T]`), \
             or share one with `#[singleton]`"
        }
        (_, false) => {
            "borrowed data does not come back from bytes: own it (`String` for `&str`, `Vec<T>` for `&[T]`), \
             or share the whole with `#[singleton]`"
        }
        (_, true) => {
            "`&'static` data does not come back from bytes: share the whole with `#[singleton]`, \
             keep it as it is with `#[memo(clone)]`, or own it (`String` for `&str`, `Vec<T>` for `&[T]`)"
        }
    };
    Err(Error::new_spanned(reference, cure))
}

/// What is kept as it is outlives every borrow.
fn check_kept(returns: &Type, cache_err: bool) -> Result<()> {
    match generics::not_static(returns, cache_err) {
        Some(borrow) => Err(Error::new_spanned(
            borrow,
            "what `clone` keeps outlives every borrow but a `'static` one: own the data \
             (`String` for `&str`, `Vec<T>` for `&[T]`)",
        )),
        None => Ok(()),
    }
}

/// An error that is shared outlives the call that made it.
pub(crate) fn check_error(returns: &Type) -> Result<()> {
    if generics::not_static(returns, false).is_some() {
        return Ok(());
    }
    match generics::not_static(returns, true) {
        Some(borrow) => Err(Error::new_spanned(
            borrow,
            "an error that `share_err` hands to who waits outlives every borrow but a `'static` one: \
             own the data (`String` for `&str`)",
        )),
        None => Ok(()),
    }
}

// Input:
//     #[memo]
//     fn square(x: u64) -> u64 { x * x }
//
// Output:
//     fn square(x: u64) -> u64 {
//         match hit(square::__memo(), square::__payload(), square::__key(&x)) {
//             Some(__value) => __value,
//             None => square::__missed(x),
//         }
//     }
//     enum square {}
//     impl square {
//         fn __memo() -> &'static Static { static __MEMORY: Static = Static::new(Memo::new("crate::square")); &__MEMORY }
//         fn __payload() -> impl Insert<u64> { Bytes(Pick::<u64>::new().pick()) }
//         fn __key(x: &u64) -> impl Args { (Argument::new(x).part(), ()) }
//         fn __missed(x: u64) -> u64 {
//             enter(square::__memo(), square::__payload(), square::__key(&x)).run(move || square::uncached(x))
//         }
//         fn clear() { square::__memo().clear() }
//         …
//         fn uncached(x: u64) -> u64 { x * x }
//     }
fn expand(function: &Function, options: &MemoOptions) -> TokenStream {
    let memo = function.memory("new", options.shared.name.as_ref(), &settings(function, options));
    let payload = payload(function, options);
    let is_stored = options.store.is_some();
    let body = Body { original: function.original(), result_of: None, is_stored };
    let output = function.sig.output.to_token_stream();
    let told = Told { memo: &memo.expr, payload: &payload.expr };
    let shared = &options.shared;
    let is_plain = shared.is_plain() && !is_stored;
    let (call, refresh) =
        function.answer(&told, (&output, &body), (shared.refresh.as_ref(), is_plain));
    let body = function.in_box(function.with_memory(&memo, &call.expr));
    let caller = function.caller(&output, &body);
    let refresh = function.in_box(refresh);
    let companions = companions(function, &memo.expr, &payload.expr, refresh, options.cache_err);
    let scope = function.scope_helper();
    let helpers = [memo.item, payload.item, scope, function.key_helper(), call.item];
    function.with_companions(&caller, &helpers, &companions)
}

fn companions(
    function: &Function,
    memo: &TokenStream,
    payload: &TokenStream,
    refresh: TokenStream,
    cache_err: bool,
) -> Vec<Companion> {
    let krate = &function.krate;
    let returns = &function.returns;
    let mut found = returns.clone();
    let lifetime = generics::name_elided_lifetimes(&mut found);
    let value = Ident::new("value", Span::mixed_site());
    let remove = function.ask("remove", &[memo], Takes::Key, None);
    let get = function.ask("get", &[memo, payload], Takes::Key, None);
    let contains = if function.is_stored {
        function.ask("contains_stored", &[memo, payload], Takes::Key, None)
    } else {
        function.ask("contains", &[memo], Takes::Key, None)
    };
    let insert = function.ask("insert", &[memo, payload], Takes::Key, Some(&value));
    let mut companions = vec![
        Companion::new("clear", "Forgets every result.", Takes::Nothing, quote!(#memo.clear();)),
        Companion::new(
            "remove",
            "Forgets one call; tells whether it was stored.",
            Takes::Key,
            remove,
        )
        .returns(quote!(::core::primitive::bool)),
        Companion::new("get", "The stored result of one call, without a run.", Takes::Key, get)
            .lifetime(lifetime.clone())
            .returns(quote!(::core::option::Option<#found>)),
        Companion::new("contains", "Whether a result is stored.", Takes::Key, contains)
            .returns(quote!(::core::primitive::bool)),
        Companion::new("insert", "Stores the result of one call.", Takes::Key, insert)
            .value(&value, returns),
        Companion::new("refresh", "Runs one call and replaces its result.", Takes::All, refresh)
            .returns(function.output(returns)),
        Companion::new(
            "stats",
            "What is stored and was done.",
            Takes::Nothing,
            quote!(#memo.stats()),
        )
        .returns(quote!(#krate::Stats)),
    ];
    companions.push(function.explain(memo));
    companions.extend(function.retain([memo, payload], cache_err, (&lifetime, &found)));
    if function.is_async() && function.is_stored {
        let found = (lifetime, found);
        companions.extend(async_companions(function, [memo, payload], found, &value));
    }
    companions
}

/// Those that wait for the store without blocking the executor's thread.
fn async_companions(
    function: &Function,
    [memo, payload]: [&TokenStream; 2],
    (lifetime, found): (Option<Lifetime>, Type),
    value: &Ident,
) -> [Companion; 5] {
    let ask = |verb, before: &[&TokenStream]| function.ask_async(verb, before, None);
    let clear = quote!(#memo.clear_async().await;);
    let remove = ask("remove_async", &[memo]);
    let get = ask("get_async", &[memo, payload]);
    let contains = ask("contains_async", &[memo, payload]);
    let insert = function.ask_async("insert_async", &[memo, payload], Some(value));
    let boolean = quote!(::core::primitive::bool);
    let companions = [
        Companion::new("clear_async", "`clear`, in a task.", Takes::Nothing, clear),
        Companion::new("remove_async", "`remove`, in a task.", Takes::Key, remove)
            .returns(&boolean),
        Companion::new("get_async", "`get`, in a task.", Takes::Key, get)
            .lifetime(lifetime)
            .returns(quote!(::core::option::Option<#found>)),
        Companion::new("contains_async", "`contains`, in a task.", Takes::Key, contains)
            .returns(&boolean),
        Companion::new("insert_async", "`insert`, in a task.", Takes::Key, insert)
            .value(value, &function.returns),
    ];
    companions.map(Companion::in_a_task)
}

/// What the function's static is told.
fn settings(function: &Function, options: &MemoOptions) -> TokenStream {
    let mut settings = options.settings();
    if let Some(store) = &options.store {
        settings.extend(store_settings(function, options, store));
    }
    settings
}

// Input:
//     #[memo(store = DiskStore::open("results"))] fn square(x: u64) -> u64 { x * x }
//
// Output:
//     .source(Source { tokens: "fn square(x: u64) -> u64 { x * x }", … })
//     .store(|| open(DiskStore::open("results")))
/// What a function with a store is known by, and the store.
fn store_settings(function: &Function, options: &MemoOptions, store: &Store) -> TokenStream {
    let private = &function.private;
    let (sig, body) = (&function.sig, &function.body);
    let (key, skip) = (options.shared.key.iter(), &options.shared.skip);
    // Whatever says which results are meant by which arguments.
    let (cache_if, cache_err) = (options.cache_if.iter(), options.cache_err);
    let mut source =
        quote!(#sig #body #(key = #key)* skip(#(#skip),*) #(cache_if = #cache_if)* #cache_err);
    if !options.shared.tags.is_empty() {
        let tags = &options.shared.tags;
        source.extend(quote!(tags(#(#tags),*)));
    }
    let source = source.to_string();
    let open = match store {
        Store::Named(name) => quote!(#private::#name),
        Store::Given(store) => quote!(|| #private::open(#store)),
    };
    let asynchronous = function.is_async().then(|| quote!(.asynchronous())).into_iter();
    let fleet = options.flight.iter().map(|_| quote!(.fleet()));
    let source = source_of(function, &source);
    quote!(.source(#source).store(#open) #(#asynchronous)* #(#fleet)*)
}

// Input:
//     "fn square(x: u64) -> u64 { x * x }"
//
// Output:
//     Source { tokens: "fn square(x: u64) -> u64 { x * x }", module: module_path!(), … }
/// Where the function is written, as far as that can be told: by the compiler's path of an item in it,
/// and where that is not enough by its line.
fn source_of(function: &Function, tokens: &str) -> TokenStream {
    let private = &function.private;
    let item = match function.place {
        Place::Type(_) | Place::Impl(_) => function.helper_name("memo"),
        Place::Trait => function.sig.ident.unraw(),
    };
    let item = item.to_string();
    // As `line!()` and `column!()` give it, where no `macro_rules!` is between.
    let here = Span::call_site().unwrap();
    let (line, column) = (here.line() as u32, here.column() as u32);
    quote! {
        #private::Source {
            tokens: #tokens,
            is_test: ::core::cfg!(test),
            package: [
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_PKG_VERSION"),
                ::core::option_env!("CARGO_BIN_NAME"),
            ],
            module: ::core::module_path!(),
            item: #item,
            place: || {
                fn here() {}
                #private::Place::of(&here)
            },
            line_and_column: (::core::line!(), ::core::column!()),
            of_tokens: (#line, #column),
        }
    }
}

/// How results are kept, and which are; the place where a missing trait of theirs is reported.
fn payload(function: &Function, options: &MemoOptions) -> Helped {
    let mut returns = function.returns.clone();
    let lifetime = match function.place {
        Place::Type(_) | Place::Impl(_) => generics::name_elided_lifetimes(&mut returns),
        Place::Trait => None,
    };
    let (start, end) = ends(&returns);
    let private = function.private_at(start);
    let pick = quote_spanned!(start=> #private::Pick::<#returns>::new());
    let (verb, payload) = match (options.cache_err, options.clone) {
        (false, false) => ("pick", "Bytes"),
        (true, false) => ("pick_both", "Bytes"),
        (false, true) => ("pick_kept", "Clones"),
        (true, true) => ("pick_both_kept", "Clones"),
    };
    let verb_at = if options.cache_err { start } else { end };
    let verb = Ident::new(verb, verb_at);
    let part = quote_spanned!(verb_at=> #pick.#verb());
    let part = match &options.cache_if {
        Some(condition) => {
            let condition = condition_on(&returns, condition, function);
            quote!(#private::only_if(#part, #condition))
        }
        None => part,
    };
    let part = match &options.shared.ttl {
        Some(ttl) => lasting(&returns, part, ttl, function),
        None => part,
    };
    let part = if function.is_stored { quote!(#private::backed(#part)) } else { part };
    let payload = Ident::new(payload, start);
    let payload = quote_spanned!(start=> #private::#payload(#part));
    let payload = match (&options.shared.share_err, &options.stale_if_error) {
        (Some(_), _) => on_err("pick", function, &returns, &payload),
        (None, Some(_)) => on_err("pick_own", function, &returns, &payload),
        (None, None) => payload,
    };
    let generics = generics::with_lifetime(&function.sig.generics, lifetime.as_ref());
    let opaque = quote_spanned!(start=> impl #private::Insert);
    function.helped("payload", &generics, &quote_spanned!(end=> #opaque<#returns>), &payload)
}

// Input:
//     Bytes(…)
//
// Output:
//     on_err(Bytes(…), Errs::<Result<u64, Error>>::new().pick())
/// A payload whose errors are shared, or have something in their place; where it is said that they
/// cannot.
pub(crate) fn on_err(
    verb: &str,
    function: &Function,
    returns: &Type,
    payload: &TokenStream,
) -> TokenStream {
    let (start, end) = ends(returns);
    let private = function.private_at(start);
    let pick = Ident::new(verb, end);
    let errs = quote_spanned!(start=> #private::Errs::<#returns>::new());
    quote_spanned!(end=> #private::on_err(#payload, #errs.#pick()))
}

// Input:
//     u64, with `|x| Duration::from_secs(*x)` or with `life`
//
// Output:
//     lasting::<u64, _>(…, |x| Duration::from_secs(*x))
//     lasting::<u64, _>(…, |__data| Said::new(life, __data).ttl())
/// What a function of the results says, or what may be one, is asked about each.
fn lasting(returns: &Type, part: TokenStream, ttl: &Ttl, function: &Function) -> TokenStream {
    let private = &function.private;
    match ttl {
        Ttl::Fixed(_) => part,
        Ttl::Closure(closure) => quote!(#private::lasting::<#returns, _>(#part, #closure)),
        Ttl::Path(path) => {
            let said = function.said(path);
            quote!(#private::lasting::<#returns, _>(#part, #said))
        }
    }
}

// Input:
//     u64, with `|x| *x > 9` or with `is_large`
//
// Output:
//     { let __condition: fn(&u64) -> bool = |x| *x > 9; __condition }
//     CacheIf::<u64, _>::new(is_large).pick()
/// A closure learns from the coercion what it takes; what is something else is asked.
fn condition_on(returns: &Type, condition: &Expr, function: &Function) -> TokenStream {
    if let Expr::Closure(_) = bare(condition) {
        return quote_spanned! {Span::mixed_site()=> {
            let __condition: fn(&#returns) -> ::core::primitive::bool = #condition;
            __condition
        }};
    }
    let (start, _) = ends(condition);
    let private = function.private_at(start);
    quote_spanned!(start=> #private::CacheIf::<#returns, _>::new(#condition).pick())
}
