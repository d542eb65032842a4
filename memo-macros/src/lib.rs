//! The attributes of the `memo` crate. Use them from there: what they write calls its runtime.

mod attributes;
mod behind;
mod call;
mod companions;
mod function;
mod generics;
mod key;
mod memo;
mod options;
mod param;
mod resource;
mod singleton;
mod units;
mod values;

use proc_macro::TokenStream;
use quote::quote;

/// Caches what a function returns: data, stored serialized and handed out by value.
///
/// ```ignore
/// #[memo]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// assert_eq!(square(4), 16);
/// square::clear();
/// ```
///
/// # The key
///
/// Every parameter is part of the key, by content and by reference, and must be `Serialize`;
/// type and const parameters are part of it, too. **A name that starts with an underscore keeps a
/// parameter out of the key**, and then it may be anything, `&mut` included. So does `skip(a, self)`.
///
/// # The result
///
/// The declared type is any owned type that is `Serialize` and `DeserializeOwned`. Of a `Result`,
/// only `Ok` is stored, and the error may be anything.
///
/// # Companions
///
/// A function `square(x)` brings a type `square` of the same visibility with these functions.
/// Those of one call take the hashed parameters only; `refresh` and `uncached` take all.
///
/// | | |
/// |---|---|
/// | `square::clear()` | forget everything |
/// | `square::remove(4)` | forget one call |
/// | `square::get(4)`, `square::contains(4)` | look, without a run |
/// | `square::insert(4, 16)` | store a result |
/// | `square::refresh(4)` | run and replace |
/// | `square::uncached(4)` | the original function |
/// | `square::stats()` | what is stored and was done |
///
/// # Methods
///
/// `self` is a parameter like any other. A method's companions are associated functions of the
/// same `impl`: `Rect::area_clear()`, `rect.area_get(k)`. An associated function without `self`
/// says `#[memo(in_impl)]`. In a trait or in its `impl`, where there is no room for companions,
/// `#[memo(in_trait)]` caches without them.
///
/// # Options
///
/// | | |
/// |---|---|
/// | `skip(a, self)` | leave these out of the key |
/// | `key = EXPR` | this expression over the parameters is the key |
/// | `cache_if = F` | store a result only if this function or closure says `true` to `&result` |
/// | `cache_err` | store errors, too |
/// | `version = 2`, `name = "…"` | the identity of the function where results outlive the process |
/// | `handle = ident` | the name of the companions' type, or the start of a method's companions |
/// | `in_impl`, `in_trait` | where the function stands, if `self` does not say it |
/// | `crate = path` | where the `memo` crate is, if not at `::memo` |
///
/// # Other attributes
///
/// An attribute above `#[memo]` belongs to the body, one below it to the function that is called:
/// `#[tracing::instrument]` above it opens a span for each run, below it for each call. Those that
/// are about both, as `#[track_caller]`, `#[cfg]` and lints are, are put on both; for that reason
/// an `#[expect]` becomes an `#[allow]`.
///
/// # What it writes
///
/// One static, one call, and the body in a function of its own:
///
/// ```ignore
/// fn square(x: u64) -> u64 {
///     enter(square::__memo(), square::__codec(), square::__key(&x)).run(move || square::uncached(x))
/// }
/// enum square {}
/// impl square {
///     fn __memo() -> &'static Memo { static MEMORY: Memo = Memo::new("app::square"); &MEMORY }
///     fn __codec() -> impl Codec<u64> { Pick::<u64>::new().pick() }
///     fn __key(x: &u64) -> impl Args { (x, ()) }
///     fn clear() { square::__memo().clear(); }
///     // … and the other companions
///     fn uncached(x: u64) -> u64 { x * x }
/// }
/// ```
#[proc_macro_attribute]
pub fn memo(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, memo::memoize)
}

/// Shares what a function returns: a resource, one instance for all callers.
///
/// ```ignore
/// #[singleton]
/// fn pool(url: &str) -> Result<Pool, DbError> {
///     Pool::connect(url)
/// }
///
/// let pool: Arc<Pool> = pool("localhost")?;
/// ```
///
/// A function that is declared to return `T` returns `Arc<T>`, and instead of `Result<T, E>` it
/// returns `Result<Arc<T>, E>`; an error is not kept, so the next call tries again. What is an
/// `Arc<X>` already stays as it is, `Arc<dyn Trait>` included. `Result` and `Arc` are known by
/// their names here. The type must be `Send + Sync + 'static`.
///
/// The key, methods and other attributes are those of [`memo`](macro@memo); so are the companions,
/// `insert` excepted.
///
/// # Options
///
/// | | |
/// |---|---|
/// | `validate = F` | asked about `&value` on each hit; `false` replaces the value |
/// | `on_release = F` | told about `&value` when the last `Arc` goes |
/// | `skip(a, self)`, `key = EXPR`, `name = "…"`, `handle = ident`, `in_impl`, `in_trait`, `crate = path` | as for `memo` |
#[proc_macro_attribute]
pub fn singleton(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, singleton::share)
}

type Expand =
    fn(proc_macro2::TokenStream, proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>;

/// Expands an attribute; on an error keeps the function, so that its callers see no second one.
fn expand(options: TokenStream, item: TokenStream, attribute: Expand) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let expanded = attribute(options.into(), item.clone()).unwrap_or_else(|error| {
        let error = error.to_compile_error();
        quote!(#item #error)
    });
    expanded.into()
}
