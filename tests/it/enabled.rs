//! `enabled`: which calls are for the cache.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::Arc;

use memo::{memo, singleton};
use serde::Serialize;

use crate::schedule::{block_on, Task};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn run() -> u32 {
    RUNS.fetch_add(1, SeqCst)
}

#[test]
fn where_it_is_false_the_function_just_runs_and_nothing_is_counted_but_that() {
    #[memo(enabled = x < 10)]
    fn small(x: u32) -> (u32, u32) {
        (x, run())
    }
    assert_eq!(small(1), small(1));
    assert_ne!(small(10), small(10));
    let stats = small::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable, stats.entries), (1, 1, 2, 1));
    // The companions do not ask.
    small::insert(10, (0, 0));
    assert_eq!((small::get(10), small::contains(10)), (Some((0, 0)), true));
    assert_ne!(small(10), (0, 0));
    let refreshed = small::refresh(11);
    assert_eq!((small::get(11), small::remove(11)), (Some(refreshed), true));
    assert!(memo::stats()
        .iter()
        .any(|stats| stats.uncacheable == 3 && stats.name.ends_with("::small")));
}

#[test]
fn it_is_an_expression_over_all_parameters_by_reference() {
    struct Request {
        is_live: bool,
    }
    #[memo(enabled = !_request.is_live && !name.is_empty() && flags.1)]
    fn page(_request: &Request, name: String, flags: (u8, bool)) -> (String, u32) {
        let _ = flags;
        (name, run())
    }
    let page = |is_live, name: &str, is_on| page(&Request { is_live }, name.to_owned(), (1, is_on));
    assert_eq!(page(false, "a", true), page(false, "a", true));
    for (is_live, name, is_on) in [(true, "a", true), (false, "", true), (false, "a", false)] {
        assert_ne!(page(is_live, name, is_on), page(is_live, name, is_on));
    }
    // A pattern's names, a parameter for nothing else, and a key of its own.
    #[memo(enabled = *a > 0 && use_cache, key = b)]
    fn apart((a, b): (u32, u32), use_cache: bool) -> (u32, u32) {
        (a + b, run())
    }
    assert_eq!(apart((1, 2), true), apart((5, 2), true));
    assert_ne!(apart((0, 2), true), apart((1, 2), true));
    assert_ne!(apart((1, 2), false), apart((1, 2), true));
}

#[test]
fn a_key_is_not_asked_for_where_it_is_false() {
    static KEYS: AtomicU32 = AtomicU32::new(0);
    fn key(x: Option<u32>) -> Option<u32> {
        KEYS.fetch_add(1, SeqCst);
        x
    }
    #[memo(enabled = x != Some(0), key = key(x)?)]
    fn keyed(x: Option<u32>) -> u32 {
        x.unwrap_or(9)
    }
    assert_eq!((keyed(Some(0)), KEYS.load(SeqCst)), (0, 0));
    assert_eq!((keyed(Some(1)), keyed(Some(1)), keyed(None)), (1, 1, 9));
    assert_eq!((KEYS.load(SeqCst), keyed::stats().hits), (3, 1));
}

#[test]
fn it_may_begin_with_a_block() {
    #[memo(enabled = match kind { "live" => false, other => other.len() < 9 } && x > 0)]
    fn matched(kind: &str, x: u32) -> (u32, u32) {
        (x, run())
    }
    macro_rules! cached_where {
        ($name:ident, $enabled:expr) => {
            #[memo(enabled = $enabled && x > 0)]
            fn $name(x: u32) -> (u32, u32) {
                (x, run())
            }
        };
    }
    cached_where!(braced, { true });
    assert_eq!((matched("old", 1), braced(1)), (matched("old", 1), braced(1)));
    assert_ne!(matched("live", 1), matched("live", 1));
    assert_ne!((matched("old", 0), braced(0)), (matched("old", 0), braced(0)));
}

#[test]
fn a_panic_in_it_runs_the_body_uncached() {
    #[memo(enabled = x < 10 || resume_unwind(Box::new("no")))]
    fn moody(x: u32) -> (u32, u32) {
        (x, run())
    }
    assert_eq!(moody(1), moody(1));
    assert_ne!(moody(10), moody(10));
    let stats = moody::stats();
    assert_eq!((stats.uncacheable, stats.misses, stats.entries), (2, 1, 1));
}

#[test]
fn an_async_function_is_asked_at_the_first_poll() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    #[memo(enabled = { ASKED.fetch_add(1, SeqCst); is_on })]
    async fn awaited(_is_on: &str, is_on: bool) -> u32 {
        run()
    }
    #[memo(enabled = is_on)]
    fn boxed(is_on: bool) -> std::pin::Pin<Box<dyn std::future::Future<Output = u32> + Send>> {
        Box::pin(async move {
            let _ = is_on;
            run()
        })
    }
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let mut task = Task::new(is_send(awaited("a", false)));
    assert_eq!(ASKED.load(SeqCst), 0);
    assert!(task.poll().is_ready());
    assert_eq!(ASKED.load(SeqCst), 1);
    assert_ne!(block_on(awaited("a", false)), block_on(awaited("a", false)));
    assert_eq!(block_on(awaited("a", true)), block_on(awaited("a", true)));
    assert_ne!(block_on(boxed(false)), block_on(boxed(false)));
    assert_eq!(block_on(boxed(true)), block_on(boxed(true)));
}

#[test]
fn methods_traits_generics_and_refreshed_functions_ask_as_well() {
    #[derive(Serialize)]
    struct Shape {
        sides: u32,
    }
    impl Shape {
        #[memo(enabled = self.sides > 2)]
        fn area(&self) -> u32 {
            run()
        }
    }
    trait Drawn {
        fn drawn(&self, both: (u32, u32)) -> u32;
    }
    impl Drawn for Shape {
        #[memo(in_trait, enabled = self.sides > 2 && *a > 0)]
        fn drawn(&self, (a, _b): (u32, u32)) -> u32 {
            let _ = a;
            run()
        }
    }
    #[memo(enabled = size_of::<T>() > 1)]
    fn generic<T: Serialize>(x: T) -> u32 {
        let _ = x;
        run()
    }
    #[memo(enabled = x > 0, ttl = "1h", refresh = "background")]
    #[track_caller]
    fn refreshed(x: u32) -> u32 {
        let _ = x;
        run()
    }
    let (flat, round) = (Shape { sides: 2 }, Shape { sides: 3 });
    assert_ne!(flat.area(), flat.area());
    assert_eq!(round.area(), round.area());
    assert_ne!(flat.drawn((1, 1)), flat.drawn((1, 1)));
    assert_ne!(round.drawn((0, 1)), round.drawn((0, 1)));
    assert_eq!(round.drawn((1, 1)), round.drawn((1, 1)));
    assert_ne!(generic(1_u8), generic(1_u8));
    assert_eq!(generic(1_u16), generic(1_u16));
    assert_ne!(refreshed(0), refreshed(0));
    assert_eq!(refreshed(1), refreshed(1));
    let name = memo::stats()
        .into_iter()
        .map(|stats| stats.name)
        .find(|name| name.ends_with("::Shape::area"));
    assert!(name.is_some(), "it is known by its type though its first call was not cached");
}

#[test]
fn a_resource_that_is_not_cached_is_a_new_one_for_each_call_and_released() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    #[singleton(enabled = is_shared, on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn made(is_shared: bool) -> u32 {
        u32::from(is_shared)
    }
    #[singleton(enabled = !name.is_empty())]
    async fn tried(name: &str) -> Result<String, String> {
        Ok(name.to_owned())
    }
    assert!(Arc::ptr_eq(&made(true), &made(true)));
    let (first, second) = (made(false), made(false));
    assert!(!Arc::ptr_eq(&first, &second));
    drop((first, second));
    crate::schedule::eventually(|| RELEASED.load(SeqCst) == 2);
    assert_eq!((made::stats().uncacheable, made::stats().entries), (2, 1));
    let tried = |name| block_on(tried(name)).unwrap();
    assert!(Arc::ptr_eq(&tried("a"), &tried("a")) && !Arc::ptr_eq(&tried(""), &tried("")));
}
