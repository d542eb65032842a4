//! The attributes of the `memo` crate. Use them from there: what they write calls its runtime.

// What is written: the options, and the function.
mod options;
mod renamed;
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
mod detached;
mod companions;
mod retain;
mod documentation;
// The attributes.
mod memo;
mod resource;
mod singleton;

use proc_macro::TokenStream;
use quote::quote;

/// Caches the results of a function: data, stored serialized and returned by value.
///
/// A call with arguments that were seen before returns the stored result without running the body.
/// The attribute also defines [companions](#companions), such as `square::clear()`.
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
/// For results that cannot be copied, such as pools, sessions and models, use
/// [`#[singleton]`](macro@singleton).
///
/// # The key
///
/// Two calls are the same if their keys are equal. Every parameter is part of the key, by content:
/// it is read through serde in place, and must be `Serialize`, nothing else. References, slices,
/// `f64`, maps and types that are not `Clone` all work. Type and const parameters are part of the
/// key as well.
///
/// `HashMap`s and `HashSet`s compare without order, at any depth. `0.0` and `-0.0` are different,
/// and NaNs with equal bits are equal. A field that serde skips is not part of the key.
///
/// **A parameter whose name starts with an underscore is not part of the key**, and may be of any
/// type, `&mut` references included. The options [`skip` and `key`](#which-calls-are-one) leave
/// parameters out as well.
///
/// # The result
///
/// The declared type must be owned, and be `Serialize` and `DeserializeOwned`, nothing else. The
/// caller for whom the body ran gets the value itself; a hit is as good a copy as serde makes. With the
/// option [`clone`](#as-what-they-are-stored) it needs neither of them, and a hit is a clone.
///
/// If a function returns a `Result`, under whatever alias, only `Ok` is stored, and the error may
/// be of any type. A panic is never stored.
///
/// # Companions
///
/// Beside a function `square(x)`, the attribute defines a type `square` with the function's
/// visibility, which `use` imports along with it:
///
/// | | |
/// |---|---|
/// | `square::clear()` | removes all results |
/// | `square::remove(4) -> bool` | removes the result of one call, and returns whether there was one |
/// | `square::get(4) -> Option<u64>` | returns the stored result, and never runs the body |
/// | `square::contains(4) -> bool` | returns whether there is a stored result |
/// | `square::insert(4, 16)` | stores a result |
/// | `square::refresh(4) -> u64` | runs the body and replaces the stored result |
/// | `square::uncached(4) -> u64` | is the original function |
/// | `square::stats() -> memo::Stats` | returns what is stored, and what was counted |
/// | `square::explain(4) -> memo::Explanation` | says why the next call would be a hit or a miss |
/// | `square::retain(\|value\| *value < 9) -> usize` | removes the results for which it is `false`, and returns how many |
///
/// The companions of one call take the parameters of the key; `refresh` and `uncached` take all parameters.
/// `get` and `contains` count nothing. Nor does `explain`, which renews nothing either; where there is a
/// `store` it looks there as well, and waits for that as `get` does, also of an `async` function. An `async`
/// function with a `store` also has `clear_async`, `remove_async`, `get_async`, `contains_async` and
/// `insert_async`, which wait for the store without blocking the executor's thread.
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
/// `retain` keeps only the results for which a closure returns `true`. It is shown what is stored: of a
/// `Result` the `Ok`, or the whole with `cache_err` (and where an alias has another name than `Result`). It
/// runs outside locks, so that it may call whatever it likes, the function included, and sees what is in
/// memory when `retain` is called; computations under way are not asked. Of a generic function it is about one
/// instance: `parse::retain::<u32>(…)`. With a [`store`](#beyond-this-process) there is none, as memory has
/// not all of the results. An `impl Trait` parameter has instances that nobody can name: they are asked
/// together, and where there are type parameters as well, or an `impl` around, there is no `retain`.
///
/// ```
/// # use memo::memo;
/// #[memo]
/// fn length(text: &str) -> usize {
///     text.len()
/// }
///
/// assert_eq!((length("a"), length("bcd")), (1, 3));
/// assert_eq!(length::retain(|length| *length < 2), 1);
/// assert!(length::contains("a") && !length::contains("bcd"));
/// ```
///
/// # Methods
///
/// `self` is a parameter like any other. The companions of a method are associated functions of the
/// same `impl`, and begin with the method's name. An associated function without `self` needs the
/// option `in_impl`. In a trait, or in the `impl` of one, no companions can be added: `in_trait`
/// caches without them.
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
/// A companion that only looks takes a by-value `self` by reference.
///
/// # Async
///
/// The same attribute caches an `async` function, on any executor. A hit never awaits, and a call
/// that waits for another's computation blocks no thread. If the computing future is dropped, a
/// waiting one takes over. The future is `Send` if the body's is, whatever the key borrows; with a
/// `store`, the result must be `Send` as well.
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
/// | `enabled = EXPR` | [which calls are for the cache](#which-calls-are-for-the-cache) |
/// | `cache_if = F`, `cache_err` | [which results are stored](#which-results-are-stored) |
/// | `clone` | [as what they are stored](#as-what-they-are-stored) |
/// | `ttl = "10m"` or `F`, `jitter = "1m"`, `idle = "5m"`, `refresh = "background"` | [for how long](#for-how-long) |
/// | `max_entries = 1_000`, `max_bytes = "64 MiB"` | [how many](#how-many) |
/// | `wait = "60s"` | [how long a call waits for another](#how-long-a-call-waits-for-another) |
/// | `detached` | [what a caller that gives up undoes](#what-a-caller-that-gives-up-undoes) |
/// | `spinner` or `spinner = "Loading…"` | [what a terminal shows](#what-a-terminal-shows) |
/// | `stale_if_error = "1d"` | [what answers where the body fails](#what-answers-where-the-body-fails) |
/// | `share_err` | [what who waits learns of an error](#what-who-waits-learns-of-an-error) |
/// | `scope = "session"` | [whose results they are](#whose-results-they-are) |
/// | `tags(EXPR, …)` | [what goes together](#what-goes-together) |
/// | `depends` | [what goes with what it was computed from](#what-goes-with-what-it-was-computed-from) |
/// | `store = "disk"`, `"redis"` or `EXPR`, `flight = "fleet"` | [beyond this process](#beyond-this-process) |
/// | `name = "…"`, `version = 2` | [what the function is known by](#what-it-is-known-by) |
/// | `handle = ident`, `in_impl`, `in_trait`, `crate = path` | [where things are](#where-things-are) |
///
/// ## Which calls are one
///
/// `skip(a, self)` leaves parameters out of the key, as an underscore does.
///
/// `key = EXPR` makes an expression over the parameters the key. It borrows them, may use those
/// that are left out otherwise, and may be anything that is `Serialize`. The companions of one call
/// then take all parameters without an underscore, and those that the expression mentions. If a `?`
/// in it fails, the call runs uncached. `key = ()` is one result for all calls; any other
/// expression that is the same for every call is refused.
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
/// ## Which calls are for the cache
///
/// `enabled = EXPR` is an expression of type `bool` over the parameters, all of which it may use. It is
/// evaluated before the body, by reference: where a parameter is a pattern, its names are references, as in
/// `key`. Where it is `false`, the function just runs: nothing is looked up, stored or counted, except that
/// `stats().uncacheable` is one more. If it panics, the call runs uncached, too. `get`, `insert`, `refresh` and
/// the other companions of one call do not ask it.
///
/// ```
/// # use memo::memo;
/// #[memo(enabled = !fresh && names.len() < 1_000)]
/// fn greeting(names: &[String], fresh: bool) -> String {
///     format!("Hello, {}", names.join(", "))
/// }
///
/// let names = ["Ada".to_owned()];
/// greeting(&names, true);
/// greeting(&names, false);
/// let stats = greeting::stats();
/// assert_eq!((stats.uncacheable, stats.misses, stats.entries), (1, 1, 1));
/// ```
///
/// ## Which results are stored
///
/// `cache_if` is the path of a function, or a closure without captures, that is called with a
/// reference to each result. A result for which it returns `false` is returned and not stored. By
/// default every result is stored, or every `Ok` of a `Result`.
///
/// `cache_err` stores `Err` as well as `Ok`. The error must then be `Serialize` and
/// `DeserializeOwned`, too.
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
/// ## As what they are stored
///
/// By default a result is stored as bytes, which serde makes of it and each hit decodes. With `clone`
/// it is kept as it is, and each hit returns a clone. It must then be `Clone + Send + Sync + 'static`,
/// and nothing of serde's; of a `Result` only the `Ok`, unless there is `cache_err`.
///
/// Choose it for types that serde does not know, such as those of another crate or with `&'static`
/// data in them, and where a clone takes less than decoding: structs and lists of them, and above all
/// what is in an `Arc`. Leave it out for what it gives up:
///
/// - *Isolation.* What `Clone` shares is shared by all callers: what is in an `Arc<Mutex<T>>` can be
///   changed in the cache.
/// - *Exact sizes.* `stats().bytes` and `memo::set_max_bytes` count what is known of a result, which is
///   its key and its own size, without what it owns elsewhere. `max_bytes` is refused.
/// - *Stores.* What is not bytes ends with the process. `store` is refused.
///
/// The caller for whom the body ran gets what that returned, and the cache a clone of it. A result
/// that is replaced or removed is dropped in the call that removed it; where another call clones it right
/// then, in a later one of the function.
///
/// ```
/// # use memo::memo;
/// #[derive(Clone, Debug, PartialEq)] // and not serde's
/// struct Country {
///     code: &'static str,
///     languages: Vec<&'static str>,
/// }
///
/// #[memo(clone, max_entries = 200)]
/// fn country(name: &str) -> Option<Country> {
///     (name == "Malta").then(|| Country { code: "mt", languages: vec!["mt", "en"] })
/// }
///
/// assert_eq!(country("Malta"), country("Malta"));
/// assert_eq!(country::get("Malta").unwrap().unwrap().code, "mt");
/// ```
///
/// ## For how long
///
/// `ttl` is a result's time to live, counted from the end of the run: a text such as `"1h 30m"`,
/// `"1.5h"` or `"90 minutes"`, in units from `ns` to `weeks`, or an expression of type `Duration`,
/// which is evaluated once. By default results do not expire. Tests do not wait for it: in
/// `memo::isolated`, `memo::advance` moves the clock.
///
/// `ttl` may also be a closure without captures, or the path of a function, from what is stored to a
/// `Duration`: from `&T`, also where the function returns `Result<T, E>`, and from the `Result` with
/// `cache_err`. It is asked about each result, outside locks and after `cache_if`. A result that lives for
/// zero time is shared with the calls that wait for it, and not stored; for `Duration::MAX` it lives for ever.
/// `stats().ttl` is `None` then. In a store, each result is kept as long as was said of it.
///
/// `jitter` shortens the `ttl` of each result by a random part of this duration, at most by half, so that
/// what was stored at one time does not expire at one time. It takes a text or an expression of type
/// `Duration`, and is refused without a `ttl`. By default nothing is shortened.
///
/// `idle` is a result's time to idle: it is given up when nobody has asked for it for so long. It takes a
/// text or an expression of type `Duration`, which is evaluated once. Calls and `get` renew it, `contains` does
/// not; with a `ttl`, whichever comes first ends it. It is refused with a `store`, as nobody knows when
/// another process asked last. By default results are kept however rarely they are asked for.
///
/// With `refresh = "background"`, a result between once and twice its `ttl` old is still returned
/// at once, while one refresh runs in the background, on a thread of memo's own. All arguments are
/// cloned for it, those that are not part of the key included: they must be `Clone` (`ToOwned` for
/// references), `Send` and `'static`. A refresh that fails or panics leaves the old result, and the next
/// call has another one made.
///
/// An `async` function refreshes in a task, which [`memo::set_spawner`](../memo/fn.set_spawner.html) runs,
/// or with the feature `tokio` the runtime in which the call is made. Without either it does not refresh,
/// which is reported once: an old result is returned until it expires.
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
///
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// struct Token {
///     text: String,
///     expires_in: std::time::Duration,
/// }
///
/// #[memo(ttl = |token| token.expires_in * 9 / 10)]
/// fn token(user: &str) -> Result<Token, String> {
///     Ok(Token { text: user.to_uppercase(), expires_in: std::time::Duration::from_secs(3600) })
/// }
///
/// #[memo(ttl = "10m", jitter = "1m", idle = "2m")]
/// fn profile(user: &str) -> String {
///     format!("{user} likes trains")
/// }
/// # token("ada").unwrap();
/// # profile("ada");
/// ```
///
/// What these mean for each other, for bounds and for stores is said in
/// [how long results live](../memo/_documentation/time/index.html).
///
/// ## What answers where the body fails
///
/// With `stale_if_error`, on a function that returns a `Result`, an old `Ok` is returned where the body
/// returns an `Err`, for so long after its `ttl`: a text or an expression of type `Duration`, which is
/// evaluated once. It needs a `ttl`. By default what has expired answers nothing.
///
/// What has expired does not keep the body from being asked: each such call runs it, and counts as a
/// miss and in `stats().stale`. Calls that waited for it get the old result too, and count in
/// `stats().stale` as well. For `get`, `contains` and `remove` it has expired, though it counts in
/// `stats().entries` and within bounds until its end; `clear`, `remove` and the like forget it, also where
/// the body is just failing. `refresh` returns the error of its own run. A `store` keeps nothing
/// longer for it: only what is in memory answers.
///
/// ```
/// # use memo::memo;
/// # use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
/// # static IS_DOWN: AtomicBool = AtomicBool::new(false);
/// #[memo(ttl = "10m", stale_if_error = "1d")]
/// fn rates(currency: &str) -> Result<f64, String> {
///     // The service is asked here.
/// #   if IS_DOWN.load(SeqCst) { return Err("it is down".to_owned()) }
///     Ok(1.25)
/// }
///
/// # use std::time::Duration;
/// # let hour = Duration::from_secs(60 * 60);
/// memo::isolated(|| {
///     assert_eq!(rates("EUR"), Ok(1.25));
///     memo::advance(hour);
/// #   IS_DOWN.store(true, SeqCst);
///     // The service is down by now.
///     assert_eq!(rates("EUR"), Ok(1.25));
///     assert_eq!(rates::stats().stale, 1);
///     memo::advance(24 * hour);
///     assert!(rates("EUR").is_err());
/// });
/// ```
///
/// ## How many
///
/// `max_entries` bounds the number of results in memory, `max_bytes` the bytes of their keys and values.
/// There is no bound by default. Both hold at every moment; the least valuable results are evicted first.
/// With [`clone`](#as-what-they-are-stored) there is no `max_bytes`. Each is a number or an expression of
/// type `usize`, which is evaluated once; bytes may also be a text such as `"1.5 GiB"` or `"500 MB"`.
/// `memo::set_max_bytes` bounds all functions together.
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
/// `wait` bounds how long calls wait for another's computation of their key: a text or an
/// expression of type `Duration`. Defaults to the larger of 5 seconds (60 for a
/// [`#[singleton]`](macro@singleton)) and twice the function's longest computation so far.
///
/// When the bound has run out, one of the waiting calls computes as well. The bound belongs to the
/// key, and begins again, doubled, each time. On a worker thread of rayon (feature `rayon`) it is
/// always 10 ms, as the computation that a call waits for may be below it on the same stack.
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
/// ## What a terminal shows
///
/// `spinner = "Loading rows…"` shows a computation that takes longer than 200 ms on standard error, with its time,
/// until it ends; `spinner` alone shows the function's name. It needs the feature `spinner`. The text may be a
/// constant of type `&'static str`, of which the first line is shown, and of that 60 characters.
///
/// There is one line for all: the computation that began first is shown, and the others are counted. What is
/// computed in the body of another that is shown is not among them. What the program prints meanwhile stands
/// behind that line; keep its own ends of lines, or it is erased with it.
///
/// Nothing is shown where standard error is no terminal or `TERM` says that it cannot be written over, in a child
/// of `fork`, for hits and waits, for what is refreshed in the background, and for what runs uncached. A process
/// that is killed by a signal leaves the line where it is.
///
/// ```
/// # use memo::memo;
/// # macro_rules! with_the_feature { ($($item:item)*) => {} }
/// # with_the_feature! {
/// #[memo(spinner = "Loading rows…")]
/// fn rows(table: &str) -> Vec<String> {
///     // … for some seconds
/// #   vec![table.to_owned()]
/// }
/// # }
/// ```
///
/// ## What a caller that gives up undoes
///
/// The computation of an `async` function is part of its caller's task: if that gives up, in a time-out
/// or a `select!`, and nobody else waits, the work is lost, and the next caller begins anew. With
/// `detached` the body is a task of its own, which goes on and is stored. It runs where
/// [`memo::set_spawner`](../memo/fn.set_spawner.html) says, or with the feature `tokio` in the runtime in
/// which the call is made. Without either it runs as if not detached, which is reported once.
///
/// All arguments are cloned for the task, those that are not part of the key included: they must be
/// `Clone` (`ToOwned` for references), `Send` and `'static`. The result must be `Send` and `'static`, and
/// the body's future `Send`.
///
/// What the caller learns is what it would without: an `Err` and what is not stored reach it, and a panic
/// of the body resumes in the call that started it. If that has given up, the panic is nobody's. A
/// task that is dropped, as its runtime is shut down, hands over: the call that started it computes
/// itself, or else one that waits. The same holds for a task that is not polled. `clear` and `remove` win
/// over a task as over any computation, and `refresh` is a task as well.
///
/// What belongs to the caller's task is not in the body's: its task-local variables, say. A detached function
/// that calls itself does so through a function that names the future,
/// `fn again(x: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> { Box::pin(count(x)) }`, as the compiler
/// cannot tell else whether it is `Send`. A `Clone` of an argument that panics is the caller's panic.
///
/// ```
/// # use memo::memo;
/// # fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
/// #     struct Unpark(std::thread::Thread);
/// #     impl std::task::Wake for Unpark {
/// #         fn wake(self: std::sync::Arc<Self>) { self.0.unpark(); }
/// #     }
/// #     let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
/// #     let mut context = std::task::Context::from_waker(&waker);
/// #     let mut future = std::pin::pin!(future);
/// #     loop {
/// #         if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
/// #             return value;
/// #         }
/// #         std::thread::park();
/// #     }
/// # }
/// # async fn fetch(url: &str) -> Result<String, String> { Ok(url.to_owned()) }
/// #[memo(detached, ttl = "10m")]
/// async fn page(url: &str) -> Result<String, String> {
///     fetch(url).await
/// }
///
/// // With the feature `tokio`, this is done already.
/// memo::set_spawner(|task| drop(std::thread::spawn(|| block_on(task))));
///
/// // In a service: `timeout(Duration::from_millis(50), page("a")).await`.
/// assert_eq!(block_on(page("a")), Ok("a".to_owned()));
/// ```
///
/// ## What who waits learns of an error
///
/// If a computation returns an `Err`, the calls that waited for it compute for themselves, one after
/// the other or all at once, as each may do better. With `share_err` each of them gets a clone of the
/// error instead: a backend that is down is asked once for all who wait, not once for each. The
/// error must be `Clone + Send + Sync + 'static`; one that has no `Clone` can be kept in an `Arc`.
///
/// An error that is shared is not stored: the next call computes. Each call that gets one counts as a
/// hit, as its body does not run. Where a waiting call
/// [computes as well](#how-long-a-call-waits-for-another), the last to fail tells its error. `refresh`
/// returns the error of its own run. `share_err` is refused beside `cache_err`, which shares errors as it
/// stores them. If the error's `Clone` panics, the caller that computed gets its own error, and the
/// others compute.
///
/// ```
/// # use memo::memo;
/// #[memo(share_err)]
/// fn fetch(url: &str) -> Result<String, String> {
///     Err(format!("{url} is down"))
/// }
///
/// std::thread::scope(|scope| {
///     for _ in 0..8 {
///         scope.spawn(|| assert_eq!(fetch("a"), Err("a is down".to_owned())));
///     }
/// });
/// assert_eq!(fetch::stats().unshared, 0);
/// ```
///
/// ## What goes together
///
/// `tags(EXPR, …)` says what a result is about: a user, an order, a document. `memo::clear_tag("user:7")`
/// forgets every result with that tag, and every singleton's resource, whichever function it is of:
///
/// ```
/// # use memo::memo;
/// #[memo(tags(format!("user:{user}")))]
/// fn orders(user: u64) -> Vec<u64> {
///     vec![user * 10, user * 10 + 1]
/// }
///
/// #[memo(tags(format!("order:{order}"), users))]
/// fn invoice(order: u64, users: &[String]) -> String {
///     format!("invoice of {order} for {users:?}")
/// }
///
/// let users = ["user:7".to_owned(), "user:8".to_owned()];
/// (orders(7), orders(8), invoice(70, &users));
/// memo::clear_tag("user:7");
/// assert!(!orders::contains(7) && orders::contains(8));
/// assert!(!invoice::contains(70, &users));
/// ```
///
/// Each expression is over the parameters, all of which it may use, and is a `&str`, a `String`, or an
/// `Option`, `Vec`, array, slice, `HashSet` or `BTreeSet` of them. They are evaluated by reference, before
/// the body, and not for a hit, which costs what it does without. A call whose `tags` panic, or give more
/// than 4,096 of them, runs uncached and counts as `uncacheable`. Of calls that are one, the tags are those
/// of the call that computed.
///
/// A clear of a tag wins over computations under way, as `clear()` does. It takes time for each function
/// with `tags` and for each entry that goes. Each tag of an entry takes about 50 bytes, which `max_bytes`
/// does not count.
///
/// In a [store](#beyond-this-process) a clear is one write, however much has the tag: the store gives each
/// tag a stamp, which the clear replaces, and a result is only taken from there while the stamps of its
/// tags are those with which it was put. A stamp that the store has lost or evicted voids what has the tag. Other
/// processes learn of it as they learn of `clear()`. A store of one's own has tags if it says so in
/// `Store::has_tags`; with one that has none, results of functions with `tags` are kept in memory alone,
/// which is reported.
///
/// ## What goes with what it was computed from
///
/// A function with `depends` remembers which memoized calls and singletons its body has used, for each of its
/// results. Once one of those is forgotten or replaced (by `clear`, `remove`, `refresh`, `insert`, `retain` or
/// `memo::clear_tag`), so are the results that were computed from it, and what was computed from these in
/// turn by functions with `depends`, however long the chain; they are gone when that returns. A result under
/// way that has used it is returned to its caller, and not stored.
///
/// ```
/// # use memo::memo;
/// #[memo]
/// fn price(item: &str) -> u64 {
///     // … asks a database
/// #   item.len() as u64
/// }
///
/// #[memo(depends)]
/// fn total(items: &[String]) -> u64 {
///     items.iter().map(|item| price(item)).sum()
/// }
///
/// let (pears, figs) = (["pear".to_owned()], ["fig".to_owned()]);
/// assert_eq!((total(&pears), total(&figs)), (4, 3));
/// price::insert("pear", 5);
/// assert!(!total::contains(&pears) && total::contains(&figs));
/// assert_eq!(total(&pears), 5);
/// ```
///
/// What is used is each call of a function with one of the two attributes, whether it is a hit or a miss,
/// sync or async, and also within functions that are not memoized, or are without `depends`; `get` and
/// `contains` as well. A result that such a function *without* `depends` has already, or that another call
/// computes, is used as it is: it does not go with what it was computed from itself. Not seen are calls of
/// `uncached`, those for which `enabled` is false, those on threads or in tasks that the body starts, and
/// what another process changes in a store.
///
/// A result lives no longer than what it has used: if that has a `ttl`, until it expires. That something is
/// evicted, idles away, or is replaced by `validate`, voids nothing; what is computed in its place later
/// voids nothing either, but a clear of it still reaches what was computed from the one before.
///
/// A hit costs what it does without the option, in all functions. In the body of a function with `depends`
/// each call takes a lock and is looked up by its digest;
/// [Benchmarks](../memo/_documentation/benchmarks/index.html#dependents) has the figures, and those of
/// memory. What a chain of results was computed from is kept as long as its end is, though `max_entries` lets
/// the results between go. To forget something takes time for each result that was computed from it, and
/// threads that do so wait for each other.
///
/// With a [store](#beyond-this-process), what goes is removed from there as well. A result that the store had
/// from another process or an earlier one, or that memory has evicted meanwhile, was computed from what
/// nobody here knows, and goes with nothing.
///
/// ## Whose results they are
///
/// With `scope = "session"` each `memo::Session` has results, bounds and statistics of its own, which end with
/// it: a user's, a tenant's, a request's. Outside sessions the process has its own. What a function
/// without the scope computes from one with it, in a session, is returned to its caller, and neither
/// stored nor shared; that is counted in `stats().uncacheable`, and reported once. The option is
/// refused beside `store`, which has results for all, and for longer.
///
/// ```
/// # use memo::memo;
/// use memo::Session;
///
/// #[memo(scope = "session", max_entries = 100)]
/// fn page(_user: &str, number: u32) -> String {
///     format!("page {number} for {_user}")
/// }
///
/// let (ada, bob) = (Session::new(), Session::new());
/// assert_eq!(ada.enter(|| page("Ada", 1)), "page 1 for Ada");
/// assert_eq!(bob.enter(|| page("Bob", 1)), "page 1 for Bob");
/// assert_eq!(ada.enter(|| page::get(1)).as_deref(), Some("page 1 for Ada"));
/// drop(ada);
/// assert_eq!(page::stats().entries, 1);
/// ```
///
/// ## Beyond this process
///
/// `store` keeps results beyond this process as well. A call that is not in memory asks the store
/// before it runs the body, and stores the result there. The store is one of:
///
/// - `"disk"`, with the feature `disk`: the directory `$MEMO_CACHE_DIR`, or one of the program's in
///   the platform's directory for caches;
/// - `"redis"`, with the feature `redis`: the server at `$MEMO_REDIS_URL`;
/// - an expression of a type that implements `memo::store::Store`, evaluated at the first call.
///
/// A `ttl` counts from the end of the computation there as well. `max_entries` and `max_bytes`
/// bound what is in memory only. An error of a store fails no call: it is counted in
/// `stats().store_errors`, and reported once.
///
/// By default, processes that want the same call at the same time compute it once each. With
/// `flight = "fleet"`, one of them computes it for all, if the store supports that, as Redis does.
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
/// `name` replaces `crate::module::function` in statistics and reports.
///
/// In a store, a function is identified by its name, package, module, signature, body, `key`,
/// `skip` and `version`, and inside another function's body also by its line and column. If any of
/// these changes, its old results are not found. Raise `version`, which defaults to 0, when
/// something changes that the body uses and the attribute cannot see, such as another function.
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
/// `handle` names the type of the companions, where there is a type or a module with the function's
/// name already. In an `impl`, it is the prefix of the companions' names. `in_impl` and `in_trait`
/// say where the function is, if no `self` does: [see above](#methods). `crate` is the path of the
/// `memo` crate, where another crate re-exports it. Where it was renamed in `Cargo.toml`, the
/// attributes hear of the name from Cargo; other build tools, and rust-analyzer, need `crate = name`.
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
/// An attribute above `#[memo]` applies to the body, one below it to the function that is called:
/// `#[tracing::instrument]` above it opens a span for each run, below it for each call. Attributes
/// that concern both, such as `#[track_caller]`, `#[cfg]` and lints, are put on both; for that
/// reason an `#[expect]` becomes an `#[allow]`.
///
/// # Restrictions
///
/// These are compile errors, and each message says what to write instead: a `&mut` parameter that
/// is part of the key, a `const fn`, a result that is a reference or an `impl Trait`, an argument
/// or a result without the serde traits, with `clone` a result that is not
/// `Clone + Send + Sync + 'static`, a function that has the name of a primitive type and no
/// `handle`, an associated function that mentions `Self` and does not say where it stands,
/// `#[track_caller]` with `in_trait`; an unknown option, one that is given twice, and one with a
/// bad value; `idle` with a `store`, and `jitter` without a `ttl`. With `refresh = "background"` and
/// `detached`: an `unsafe` function, `in_trait`, and a parameter that borrows inside; with `detached` also a
/// function that blocks.
///
/// The attribute sees one function, and not always what is around it, and so does not notice some
/// misuses:
///
/// - An associated function without `self` and without `in_impl`, in the expansion of another
///   macro. The compiler says "enum is not supported in `trait`s or `impl`s".
/// - A function with the name of a crate or a module that other items of its module use, or of a
///   type or module that is imported. The compiler says "`regex` is ambiguous" or "the name `regex`
///   is defined multiple times". The option [`handle`](#where-things-are) gives the companions' type
///   another name.
/// - A result with a `&'static` field in a type of its own, which cannot be decoded. The compiler
///   says "implementation of `Deserialize` is not general enough". Share the whole with
///   `#[singleton]`, keep it as it is with [`clone`](#as-what-they-are-stored), or own the data.
/// - A generic type of your own with the name `Result`, as a result. The compiler says that it "has the
///   name of `Result`, and is none". Return it by an alias with another name.
/// - `in_trait` on a private function that is in no trait. It is cached, without companions.
/// - An attribute that another crate re-exports, without `crate = path`. The compiler says "cannot
///   find `memo` in the crate root". The option [`crate`](#where-things-are) says where it is.
///
/// Whether the function's result depends on its key alone, the attribute cannot know either.
///
/// # Calls at the same time
///
/// For each key, one call computes at a time; others wait for it and share its result. A call that
/// would wait for itself, through whatever chain of calls, threads or tasks, computes at once
/// instead.
///
/// Some waits have an end that nobody can foresee. When the
/// [bound](#how-long-a-call-waits-for-another) of a wait has run out, one of the waiting calls
/// computes as well, the others continue to wait, and the first to finish answers all. A
/// computation that takes a minute for the first time thus runs four times at most, however many
/// callers there are.
///
/// A computation whose future was woken and is not polled, because it is kept in a `select!` or a
/// `buffered` stream, is noticed within 50 ms, and treated as a bound that has run out.
///
/// If a computation panics, or returns an `Err` without [`share_err`](#what-who-waits-learns-of-an-error),
/// the calls that waited for it compute for themselves. If its future is dropped, one of them takes over.
///
/// # What clearing promises
///
/// After `clear` or `remove` has returned, no earlier result of what it names is returned, not even
/// one that was still being computed when it began. In the same way, nothing older follows a result
/// with which `insert` or `refresh` has returned; of two refreshes of one key, the one that began
/// later is the newer.
///
/// A clear of millions of results takes about a millisecond: what it forgets counts no more, and its memory
/// is freed bit by bit, by the calls of memoized functions that compute something afterwards. Resources are
/// released before `clear` returns, as far as nobody reads them just then.
///
/// `square::clear()` concerns `square` alone: a result of another function that was computed from
/// one of `square`'s stays. `memo::clear_tag` clears [what has a tag](#what-goes-together), of whatever
/// function. `memo::clear_all()` clears all functions at once, and with them
/// whatever was computed from what it clears, stored or still being computed.
///
/// # Errors and panics
///
/// Caching never fails a call, and never loses a result. If an argument's `Serialize` returns an
/// error, or serde does not preserve the result, the call runs uncached; that is counted as
/// `uncacheable`, and reported once to the function given to `memo::set_reporter`.
///
/// A panic of `cache_if`, of `ttl`, `jitter`, `idle`, `enabled` or `tags`, of the reporter or of the result's
/// `Serialize`, or with `clone` of its `Clone` after a run, is caught and counted in the same way. A result
/// whose `ttl` panics is returned and not stored, and the next one asks again. A panic of the body, of `key`
/// or of an argument's `Serialize` reaches the caller, and so does one of `Deserialize` or `Clone` on a hit.
/// A panic of a kept result's `Drop` is caught.
#[proc_macro_attribute]
pub fn memo(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, memo::memoize)
}

/// Shares the result of a function: a resource, one instance for all callers.
///
/// A call with arguments that were seen before returns the same `Arc` without running the body.
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
/// A function that is declared to return `T` returns `Arc<T>`, and one that is declared to return
/// `Result<T, E>` returns `Result<Arc<T>, E>`. An `Arc<X>` stays as it is, `Arc<dyn Trait>`
/// included. An error is returned and not stored: the next call tries again. `T` must be
/// `Send + Sync + 'static`, nothing else.
///
/// One instance is made at a time for each key. Keys, methods, async functions and other attributes
/// are as for [`#[memo]`](macro@memo).
///
/// # Companions
///
/// | | |
/// |---|---|
/// | `pool::clear()` | removes all instances |
/// | `pool::remove("localhost") -> bool` | removes one, and returns whether there was one |
/// | `pool::get("localhost") -> Option<Arc<Pool>>` | returns the instance, and never runs the body |
/// | `pool::contains("localhost") -> bool` | returns whether there is an instance |
/// | `pool::refresh("localhost") -> Result<Arc<Pool>, String>` | makes a new instance and replaces the old |
/// | `pool::uncached("localhost") -> Result<Pool, String>` | is the original function |
/// | `pool::stats() -> memo::Stats` | returns what is held, and what was counted |
/// | `pool::explain("localhost") -> memo::Explanation` | says why the next call would be a hit or a miss |
///
/// An `Arc` that a caller holds stays valid when its instance is removed.
///
/// # Options
///
/// `skip`, `key`, `ttl`, `jitter`, `idle`, `refresh`, `detached`, `wait`, `spinner`, `share_err`, `scope`,
/// `max_entries`, `enabled`, `tags`, `depends`, `name`, `handle`, `in_impl`, `in_trait` and `crate` are those
/// of [`#[memo]`](macro@memo#options). A `ttl` that is a function is shown the value, `&T`; a call that is
/// not `enabled` makes a value of its own. Two are a singleton's own:
///
/// | | |
/// |---|---|
/// | `validate = F` | called with `&value` on each hit; if it returns `false`, the value is replaced |
/// | `on_release = F` | called with `&value` when the last `Arc` is dropped |
///
/// Each is the path of a function or a closure without captures, and may use the singleton itself.
/// An instance that was removed is released as soon as nobody holds it: by the call that removed
/// it, or else on a thread of memo's own. When the process ends, nothing more is released.
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
/// As for [`#[memo]`](macro@memo#restrictions), these are compile errors: a type that is not
/// `Send + Sync + 'static`, a function that returns nothing, `()` or a borrow, and a bare `Result`
/// or `Arc` that hides its type.
///
/// Since the signature changes, `Result` and `Arc` are recognized by their names. An alias of
/// `Result` with another name, as in `type Fallible<T> = Result<T, Error>`, is refused; the message
/// says what to write instead.
///
/// # Errors and panics
///
/// If an argument's `Serialize` returns an error, each call makes an instance of its own. A panic
/// reaches the caller whose call it was, and the next call tries again. `memo::set_enabled(false)`
/// and `MEMO_DISABLE=1` do not affect singletons.
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
