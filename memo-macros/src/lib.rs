//! The attributes of the `memo` crate. Use them from there: what they write calls its runtime.

// What is written: the options, and the function.
mod options;
mod values;
mod units;
mod foreign;
mod function;
mod param;
mod attributes;
mod generics;
mod boxed;
mod surroundings;
// The key of a call.
mod key;
mod given_key;
mod mentions;
// What the bodies say.
mod call;
mod background;
mod companions;
mod documentation;
// The attributes.
mod memo;
mod resource;
mod singleton;

use proc_macro::TokenStream;
use quote::quote;

/// Caches what a function returns: data, stored serialized and handed out by value.
///
/// ```
/// use memo::memo;
///
/// #[memo]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// assert_eq!(square(4), 16); // runs
/// assert_eq!(square(4), 16); // does not
/// square::clear();
/// ```
///
/// For what cannot be copied (pools, sessions, models) there is
/// [`#[singleton]`](macro@singleton).
///
/// # The key
///
/// Every parameter is part of the key, by content: it is read through serde where it lies, and
/// must be `Serialize`, nothing else. References, slices, `f64`, maps and types that are not
/// `Clone` will do. `HashMap`s and `HashSet`s have no order, at any depth; `0.0` and `-0.0` are
/// two keys, equal bits of a NaN are one; a field that serde skips is not part of it. Type and
/// const parameters are part of the key, too.
///
/// **A name that starts with an underscore keeps a parameter out of the key**, and then it may be
/// anything, `&mut` included. So do the options [`skip` and `key`](#which-calls-are-one).
///
/// # The result
///
/// The declared type is an owned one that is `Serialize` and `DeserializeOwned`, nothing else. The
/// caller for whom the function ran gets that very value; a hit is as good a copy as serde makes.
///
/// Of a function that returns a `Result`, by whatever alias, only `Ok` is stored, and the error may
/// be anything. A panic is never stored.
///
/// # Companions
///
/// A function `square(x)` brings a type `square` of the same visibility, which travels with `use`:
///
/// | | |
/// |---|---|
/// | `square::clear()` | forgets everything |
/// | `square::remove(4) -> bool` | forgets one call |
/// | `square::get(4) -> Option<u64>` | the stored result, without a run |
/// | `square::contains(4) -> bool` | whether there is one |
/// | `square::insert(4, 16)` | stores a result |
/// | `square::refresh(4) -> u64` | runs, and replaces what is stored |
/// | `square::uncached(4) -> u64` | the original function |
/// | `square::stats() -> memo::Stats` | what is stored and was done |
///
/// Those of one call take the parameters of the key alone; `refresh` and `uncached` take all.
/// Looking with `get` and `contains` counts nothing. An `async` function with a `store` also has
/// `clear_async`, `remove_async`, `get_async`, `contains_async` and `insert_async`, which wait for the
/// store without blocking the executor's thread.
///
/// ```
/// # use memo::memo;
/// #[memo]
/// fn page(_rows: &[String], number: usize) -> String {
///     _rows[number].clone()
/// }
///
/// let rows = ["a".to_owned(), "b".to_owned()];
/// assert_eq!(page(&rows, 1), "b");
/// assert_eq!(page::get(1), Some("b".to_owned()));
/// assert_eq!(page::refresh(&rows, 1), "b");
/// ```
///
/// # Methods
///
/// `self` is a parameter like any other. A method's companions are associated functions of the
/// same `impl`, named after it. An associated function without `self` says `in_impl`. In a trait or
/// the `impl` of one, where there is no room for companions, `in_trait` caches without them.
///
/// ```
/// # use memo::memo;
/// #[derive(serde::Serialize)]
/// struct Rect {
///     width: u32,
///     height: u32,
/// }
///
/// impl Rect {
///     #[memo]
///     fn area(&self, scale: u32) -> u32 {
///         self.width * self.height * scale
///     }
///
///     #[memo(in_impl)]
///     fn square_area(side: u32) -> u32 {
///         side * side
///     }
/// }
///
/// trait Shape {
///     fn corners(&self) -> Vec<(u32, u32)>;
/// }
///
/// impl Shape for Rect {
///     #[memo(in_trait)]
///     fn corners(&self) -> Vec<(u32, u32)> {
///         vec![(0, 0), (self.width, 0), (self.width, self.height), (0, self.height)]
///     }
/// }
///
/// let rect = Rect { width: 2, height: 3 };
/// assert_eq!((rect.area(10), rect.area_get(10)), (60, Some(60)));
/// assert_eq!((Rect::square_area(2), Rect::square_area_stats().entries), (4, 1));
/// assert_eq!(rect.corners(), rect.corners());
/// Rect::area_clear();
/// ```
///
/// By-value `self` is taken by reference where a companion only looks.
///
/// # Async
///
/// The same attribute, on any executor: a hit never awaits, and who waits for another's run blocks
/// no thread. Where the future that runs is dropped, one that waits takes over. The future is `Send`
/// if the body's is, whatever it borrows for the key; with a `store`, if the result is as well.
///
/// ```
/// # use memo::memo;
/// #[memo]
/// async fn length(url: &str) -> Result<usize, String> {
///     let body = fetch(url).await?;
///     Ok(body.len())
/// }
/// # async fn fetch(url: &str) -> Result<String, String> { Ok(url.to_owned()) }
/// ```
///
/// # Options
///
/// | | |
/// |---|---|
/// | `skip(a, self)`, `key = EXPR` | [which calls are one](#which-calls-are-one) |
/// | `cache_if = F`, `cache_err` | [which results are stored](#which-results-are-stored) |
/// | `ttl = "10m"`, `refresh = "background"` | [for how long](#for-how-long) |
/// | `max_entries = 1_000`, `max_bytes = "64 MiB"` | [how many](#how-many) |
/// | `wait = "60s"` | [how long a call waits for another](#how-long-a-call-waits-for-another) |
/// | `store = "disk"`, `"redis"` or `EXPR`, `flight = "fleet"` | [beyond this process](#beyond-this-process) |
/// | `name = "…"`, `version = 2` | [what the function is known by](#what-it-is-known-by) |
/// | `handle = ident`, `in_impl`, `in_trait`, `crate = path` | [where things are](#where-things-are) |
///
/// ## Which calls are one
///
/// `skip(a, self)` leaves parameters out of the key, as an underscore does. `key = EXPR` makes an
/// expression over the parameters the key, instead of all of them; it borrows them, and may be
/// anything `Serialize`, made of what is left out too: the companions of one call then take all
/// parameters that have no underscore, and those that the expression mentions. Where a `?` in it
/// fails, the call runs uncached. `key = ()` is one result for all calls; any other expression that
/// would be the same for every call is refused.
///
/// ```
/// # use memo::memo;
/// #[memo(skip(retries))]
/// fn fetch(url: &str, retries: u32) -> String {
///     format!("<p>{url}</p>")
/// }
///
/// #[memo(key = url.trim_end_matches('/'))]
/// fn title(url: &str) -> String {
///     url.to_uppercase()
/// }
///
/// # struct Context { tenant: String }
/// #[memo(key = (_context.tenant, page))]
/// fn rows(_context: &Context, page: u32) -> Vec<String> {
///     vec![format!("{}/{page}", _context.tenant)]
/// }
///
/// assert_eq!(fetch("a", 1), fetch("a", 2));
/// assert_eq!(fetch::get("a").as_deref(), Some("<p>a</p>"));
/// assert_eq!(title("a"), title("a/"));
/// assert_eq!(title::stats().misses, 1);
///
/// let context = Context { tenant: "ada".to_owned() };
/// assert_eq!(rows(&context, 1), ["ada/1"]);
/// assert!(rows::contains(&context, 1));
/// ```
///
/// ## Which results are stored
///
/// `cache_if` names a function, or is a closure without captures, that is shown each result; what it
/// says `false` to is returned and not stored. `cache_err` stores `Err` as well as `Ok`, so that the error has to be
/// `Serialize` and `DeserializeOwned`, too.
///
/// ```
/// # use memo::memo;
/// #[memo(cache_if = Option::is_some)]
/// fn find(name: &str) -> Option<usize> {
///     ["a", "b"].iter().position(|known| *known == name)
/// }
///
/// #[memo(cache_if = |rows| rows.len() < 100)]
/// fn rows(count: usize) -> Vec<usize> {
///     (0..count).collect()
/// }
///
/// #[memo(cache_err)]
/// fn parse(text: &str) -> Result<u32, String> {
///     text.parse().map_err(|_| format!("`{text}` is no number"))
/// }
///
/// assert_eq!((find("c"), find::contains("c")), (None, false));
/// assert_eq!((rows(200).len(), rows::contains(200)), (200, false));
/// assert!(parse("x").is_err() && parse::contains("x"));
/// ```
///
/// ## For how long
///
/// `ttl` is a time to live, counted from the end of the run: a text such as `"1h 30m"`, `"1.5h"` or
/// `"90 minutes"`, from `ns` to `weeks`, or an expression of type `Duration`, which is asked once. With
/// `refresh = "background"`, a result that is older than its `ttl`, and not yet than twice that, is
/// still returned at once, while one refresh runs behind the call on a thread of memo's own. For that
/// all arguments are cloned, those beside the key included: they have to be `Clone` (`ToOwned` where
/// they are references), `Send` and `'static`.
///
/// ```
/// # use memo::memo;
/// #[memo(ttl = "10m")]
/// fn weather(city: &str) -> String {
///     format!("fine in {city}")
/// }
///
/// #[memo(ttl = std::time::Duration::from_secs(60), refresh = "background")]
/// fn rates(currency: &str) -> Vec<f64> {
///     vec![currency.len() as f64]
/// }
/// # weather("a");
/// # rates("a");
/// ```
///
/// ## How many
///
/// `max_entries` bounds the number of stored results, `max_bytes` the bytes of their keys and
/// values; both hold at every moment, and the least valuable go first. Each is a number or any
/// expression of type `usize`, which is asked once; bytes may also be a text such as `"1.5 GiB"` or
/// `"500 MB"`. `memo::set_max_bytes` bounds all functions together.
///
/// ```
/// # use memo::memo;
/// #[memo(max_entries = 1_000, max_bytes = "64 MiB")]
/// fn thumbnail(path: &str, width: u32) -> Vec<u8> {
///     vec![path.len() as u8; width as usize]
/// }
///
/// for width in 0..2_000 {
///     thumbnail("a", width);
/// }
/// assert_eq!(thumbnail::stats().entries, 1_000);
/// ```
///
/// ## How long a call waits for another
///
/// `wait` bounds the wait of a call for another's computation, as a text or an expression of type
/// `Duration`. Defaults to the larger of 5 seconds (60 for a [`#[singleton]`](macro@singleton)) and
/// twice the function's longest computation so far. When it has run out, one of those who wait computes
/// as well; the bound is the key's, and runs anew, doubled, from there. On a worker thread of rayon
/// (feature `rayon`) it is 10 ms, as what a call waits for may be below it on the same stack.
///
/// ```
/// # use memo::memo;
/// #[memo(wait = "60s")]
/// fn train(epochs: u32) -> Vec<f64> {
///     vec![f64::from(epochs)]
/// }
/// # train(1);
/// ```
///
/// ## Beyond this process
///
/// With a `store`, results live behind memory as well: a call that memory has nothing for asks the
/// store before it runs, and puts there what it computed. `"disk"`, with the feature of that name, is
/// the directory in `$MEMO_CACHE_DIR` or the program's own in the platform's for caches; `"redis"`, with
/// the feature of that name, the server at `$MEMO_REDIS_URL`; any other is an expression of a type that is a `memo::store::Store`, evaluated at the first call. `ttl`
/// counts there as well, from the end of the computation; `max_entries` and `max_bytes` bound memory.
/// What a store cannot do is counted in `stats().store_errors` and reported once; no call fails.
///
/// Several processes that want the same call at once compute it once each, unless `flight = "fleet"`
/// has one of them compute it for all, where the store can tell (Redis can).
///
/// ```
/// # use memo::memo;
/// use memo::store::DiskStore;
///
/// #[memo(store = DiskStore::open(std::env::temp_dir().join("simulations")), ttl = "1d")]
/// fn simulate(seed: u64) -> Vec<f64> {
///     vec![seed as f64]
/// }
///
/// simulate(1); // memory, then the disk, then the body
/// # std::fs::remove_dir_all(std::env::temp_dir().join("simulations")).unwrap();
/// ```
///
/// ## What it is known by
///
/// `name` is what statistics and reports call the function, instead of `crate::module::function`.
/// In a store, its identity is that name, its package and module, its signature and body, `key` and
/// `skip`, and `version`, inside another function's body also its line and column: raise `version`
/// when what the function calls has changed.
///
/// ```
/// # use memo::memo;
/// #[memo(name = "prices", version = 2)]
/// fn load_prices() -> Vec<u32> {
///     vec![1, 2]
/// }
///
/// load_prices();
/// assert_eq!(load_prices::stats().name, "prices");
/// ```
///
/// ## Where things are
///
/// `handle` names the type of the companions, for where there is a type or a module of the function's
/// name already; in an `impl` it is what the companions' names start with. `in_impl` and `in_trait`
/// tell where the function stands, if `self` does not: [see above](#methods). `crate` tells where the
/// `memo` crate is, if not at `::memo`: renamed in `Cargo.toml`, or re-exported by another crate.
///
/// ```
/// # use memo::memo;
/// mod parser {
///     pub const LIMIT: usize = 80;
/// }
///
/// #[memo(handle = parser_cache)]
/// fn parser(text: &str) -> usize {
///     text.len().min(parser::LIMIT)
/// }
///
/// mod facade {
///     pub use memo as cache;
/// }
///
/// #[facade::cache::memo(crate = facade::cache)]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// assert_eq!((parser("a"), parser_cache::get("a")), (1, Some(1)));
/// assert_eq!((double(2), double::get(2)), (4, Some(4)));
/// ```
///
/// # Other attributes
///
/// An attribute above `#[memo]` belongs to the body, one below it to the function that is called:
/// `#[tracing::instrument]` above it opens a span for each run, below it for each call. Those that
/// are about both, as `#[track_caller]`, `#[cfg]` and lints are, are put on both; for that reason
/// an `#[expect]` becomes an `#[allow]`.
///
/// # Restrictions
///
/// These are compile errors, each of which names the cure: a `&mut` parameter that is part of the key,
/// a `const fn`, a result that is a reference or an `impl Trait`, an argument or a result without the
/// serde traits, a function that has the name of a primitive type and no `handle`, an associated
/// function that mentions `Self` and does not say where it stands, `#[track_caller]` with `in_trait`;
/// an unknown option, one that is given twice, and one with a bad value. With
/// `refresh = "background"`: an `async` or an `unsafe` function, and `in_trait`.
///
/// Some misuses the attribute cannot tell from what is right, as it sees one function and not always
/// what is around it:
///
/// - An associated function without `self` and without `in_impl`, in the expansion of another macro.
///   The compiler says "enum is not supported in `trait`s or `impl`s".
/// - A function that has the name of a crate or a module of which other items of its module make use,
///   or of a type or module that is imported. The compiler says "`regex` is ambiguous" or "the name
///   `regex` is defined multiple times". The option [`handle`](#where-things-are) names the
///   companions' type otherwise.
/// - A result with a `&'static` field in a type of its own, which no bytes can come back as. The compiler
///   says "implementation of `Deserialize` is not general enough". Own the data, or share the whole with
///   `#[singleton]`.
/// - `in_trait` on a private function that is in no trait. It is cached, without companions.
///
/// And nobody but you knows whether the function's result depends on its key alone.
///
/// # Calls at the same time
///
/// One call of a key computes at a time; others wait for it and take its result. A call that would
/// wait for itself, through whatever other calls, threads or tasks, computes at once.
///
/// A wait that nobody can see the end of is relieved: when its
/// [bound](#how-long-a-call-waits-for-another) has run out, one of those who wait computes as well, the
/// others wait on, and the first to finish answers all. So a computation of a minute that nobody knew
/// runs four times at most, however many callers there are.
///
/// A computation whose future was woken and is not polled, because a `select!` or a `buffered` stream
/// keeps it, is noticed within 50 ms, which counts as a bound that has run out.
///
/// When a computation panics, or returns an `Err`, those who waited for it compute for themselves;
/// when its future is dropped, one of them takes over.
///
/// # What clearing promises
///
/// What `clear` and `remove` name is not served after they return, though it was being computed when
/// they began. The same holds for what is older than a result that
/// `insert` or `refresh` returned from; of two refreshes of one key, the one that began later is the
/// newer.
///
/// `square::clear()` speaks of `square`: a result of another function that was computed from one of
/// `square`'s stays. `memo::clear_all()` forgets all functions as one, and whatever was computed from
/// what it forgets, stored or under way.
///
/// # Errors and panics
///
/// Caching never fails a call, and never loses a result. Where an argument's `Serialize` returns an
/// error, or serde does not carry the result there and back, the function just runs; that is counted as
/// `uncacheable` and reported once to `memo::set_reporter`. So is a panic of `cache_if`, of `ttl`, of the
/// reporter or of the result's `Serialize`. A result whose `ttl` panics is returned and not stored; the
/// next one asks again. A panic of the body, of `key` or of an argument's `Serialize` reaches its caller,
/// and so does one of `Deserialize` on a hit.
#[proc_macro_attribute]
pub fn memo(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, memo::memoize)
}

/// Shares what a function returns: a resource, one instance for all callers.
///
/// ```
/// use memo::singleton;
/// use std::sync::Arc;
///
/// # struct Pool;
/// # impl Pool {
/// #     fn connect(_: &str) -> Result<Self, String> { Ok(Self) }
/// # }
/// #[singleton]
/// fn pool(url: &str) -> Result<Pool, String> {
///     Pool::connect(url)
/// }
///
/// # fn main() -> Result<(), String> {
/// let first: Arc<Pool> = pool("localhost")?;
/// assert!(Arc::ptr_eq(&first, &pool("localhost")?));
/// # Ok(())
/// # }
/// ```
///
/// # What is returned
///
/// A function that is declared to return `T` returns `Arc<T>`, and instead of `Result<T, E>` it
/// returns `Result<Arc<T>, E>`. What is an `Arc<X>` already stays as it is, `Arc<dyn Trait>`
/// included. An error is returned and not kept: the next call tries again. `T` must be
/// `Send + Sync + 'static`, and nothing else.
///
/// One instance is made at a time for each key, as for [`#[memo]`](macro@memo); so are the key,
/// methods, async functions and other attributes what they are there.
///
/// # Companions
///
/// | | |
/// |---|---|
/// | `pool::clear()` | gives up every instance |
/// | `pool::remove("localhost") -> bool` | gives up one |
/// | `pool::get("localhost") -> Option<Arc<Pool>>` | the instance there is, without a run |
/// | `pool::contains("localhost") -> bool` | whether there is one |
/// | `pool::refresh("localhost") -> Result<Arc<Pool>, String>` | makes a new one and replaces the old |
/// | `pool::uncached("localhost") -> Result<Pool, String>` | the original function |
/// | `pool::stats() -> memo::Stats` | what is held and was done |
///
/// Who holds an `Arc` that was given up goes on holding it.
///
/// # Options
///
/// `skip`, `key`, `ttl`, `refresh`, `wait`, `max_entries`, `name`, `handle`, `in_impl`, `in_trait` and
/// `crate` are those of [`#[memo]`](macro@memo#options). Two are a singleton's own:
///
/// | | |
/// |---|---|
/// | `validate = F` | asked about `&value` on each hit; `false` replaces the value |
/// | `on_release = F` | told about `&value` when the last `Arc` goes |
///
/// Each names a function or is a closure without captures; both may use the singleton itself. What is
/// given up is released as soon as nobody holds it, by whoever gave it up or else on a thread of
/// memo's own. Where the process ends first, nothing is released.
///
/// ```
/// use memo::singleton;
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
///
/// struct Session {
///     user: String,
///     is_open: AtomicBool,
/// }
///
/// impl Session {
///     fn is_open(&self) -> bool {
///         self.is_open.load(Relaxed)
///     }
/// }
///
/// #[singleton(validate = Session::is_open, on_release = |session| println!("bye, {}", session.user))]
/// fn session(user: &str) -> Session {
///     Session { user: user.to_owned(), is_open: AtomicBool::new(true) }
/// }
///
/// let first = session("ada");
/// first.is_open.store(false, Relaxed);
/// assert!(session("ada").is_open());
/// ```
///
/// # Restrictions
///
/// As for [`#[memo]`](macro@memo#restrictions), what would not work is a compile error: a type that is
/// not `Send + Sync + 'static`, a function that returns nothing, `()` or a borrow, and a bare `Result`
/// or `Arc` that hides its type.
///
/// Since the signature changes, `Result` and `Arc` are known by their names here. An alias of `Result` by
/// another name, as in `type Fallible<T> = Result<T, Error>`, is refused, with the type to write instead.
///
/// # Errors and panics
///
/// Where an argument's `Serialize` returns an error, each call makes an instance of its own. A panic
/// reaches its own caller, and the next call tries again. `memo::set_enabled(false)` and
/// `MEMO_DISABLE=1` do not affect singletons.
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
