//! The functions that are tested, in suites whose options differ.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use memo::{memo, Stats};

use crate::command::{Body, TAGS};
use crate::schedule::{block_on, End, Runs};

pub(crate) type Outcome = Result<u32, String>;
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The functions of one suite.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) now: Blocking,
    pub(crate) mine: Blocking,
    pub(crate) begin: fn(u8, &'static Runs) -> Pending,
    pub(crate) refresh: fn(u8, &'static Runs) -> Pending,
    pub(crate) held: Companions,
}

pub(crate) struct Blocking {
    pub(crate) call: fn(u8) -> Outcome,
    pub(crate) refresh: fn(u8) -> Outcome,
    pub(crate) companions: Companions,
}

pub(crate) struct Companions {
    pub(crate) get: fn(u8) -> Option<Outcome>,
    pub(crate) contains: fn(u8) -> bool,
    pub(crate) remove: fn(u8) -> bool,
    pub(crate) insert: fn(u8, Outcome),
    pub(crate) clear: fn(),
    pub(crate) stats: fn() -> Stats,
    /// Nothing of a function with a store.
    pub(crate) retain: Option<fn() -> usize>,
}

impl From<Body> for End {
    fn from(body: Body) -> Self {
        match body {
            Body::Returns(value) => Self::Returns(value),
            Body::Fails => Self::Fails,
            Body::Panics => Self::Panics,
        }
    }
}

thread_local! {
    /// How the next body of a function that blocks ends, and how many have run.
    pub(crate) static NEXT: Cell<Body> = const { Cell::new(Body::Fails) };
    pub(crate) static RAN: Cell<u64> = const { Cell::new(0) };
}

fn body() -> Outcome {
    RAN.set(RAN.get() + 1);
    let runs = Runs::new();
    let run = runs.begin();
    runs.end(run, NEXT.get().into());
    runs.told(run)
}

pub(crate) fn tags(key: u8) -> impl Iterator<Item = usize> {
    [usize::from(key % 2 == 1)].into_iter().chain((key == 3).then_some(2))
}

fn tags_of(key: u8) -> Vec<&'static str> {
    tags(key).map(|tag| TAGS[tag]).collect()
}

/// In how many units of time a result expires; never, if nothing. Time passes in steps of five units.
pub(crate) fn units(value: u32) -> Option<u32> {
    [Some(0), Some(8), Some(21), None, None, None][value as usize % 6]
}

/// How long a unit of time is: by the clock of the test, or for a process that has told so.
pub(crate) static UNIT: OnceLock<Duration> = OnceLock::new();

fn life(value: &u32) -> Duration {
    let unit = *UNIT.get_or_init(|| crate::MINUTE);
    units(*value).map_or(Duration::MAX, |units| unit * units)
}

macro_rules! companions {
    ($function:ident, async) => {
        Companions {
            get: |key| block_on($function::get_async(key)),
            contains: |key| block_on($function::contains_async(key)),
            remove: |key| block_on($function::remove_async(key)),
            insert: |key, outcome| block_on($function::insert_async(key, outcome)),
            clear: || block_on($function::clear_async()),
            stats: || $function::stats(),
            retain: None,
        }
    };
    ($function:ident, $retain:expr) => {
        Companions {
            get: |key| $function::get(key),
            contains: |key| $function::contains(key),
            remove: |key| $function::remove(key),
            insert: |key, outcome| $function::insert(key, outcome),
            clear: || $function::clear(),
            stats: || $function::stats(),
            retain: $retain,
        }
    };
}

macro_rules! blocking {
    ($function:ident, $retain:expr) => {
        Blocking {
            call: $function,
            refresh: |key| $function::refresh(key),
            companions: companions!($function, $retain),
        }
    };
}

macro_rules! retain {
    ($function:ident) => {
        Some(|| $function::retain(|value| value % 2 == 0))
    };
}

macro_rules! functions {
    ($($options:tt)*) => {
        #[memo(ttl = |value| life(value), tags(tags_of(key)) $($options)*)]
        fn now(key: u8) -> Result<u32, String> {
            let _ = key;
            body()
        }

        #[memo(ttl = |value| life(value), tags(tags_of(key)) $($options)*)]
        async fn held(key: u8, _runs: &Runs) -> Result<u32, String> {
            let _ = key;
            _runs.awaited().await
        }
    };
}

macro_rules! suite {
    ($name:ident, $now:expr, $held:expr, ($($mine:tt)*)) => {{
        #[memo(ttl = |value| life(value), tags(tags_of(key)), scope = "session" $($mine)*)]
        fn mine(key: u8) -> Result<u32, String> {
            let _ = key;
            body()
        }

        Suite {
            name: stringify!($name),
            now: $now,
            mine: blocking!(mine, retain!(mine)),
            begin: |key, runs| Box::pin(held(key, runs)),
            refresh: |key, runs| Box::pin(held::refresh(key, runs)),
            held: $held,
        }
    }};
}

macro_rules! memory {
    ($name:ident $($options:tt)*) => {
        pub(crate) fn $name() -> Suite {
            functions!($($options)*);
            let (now, held) = (blocking!(now, retain!(now)), companions!(held, retain!(held)));
            suite!($name, now, held, ($($options)*))
        }
    };
}

macro_rules! stored {
    ($name:ident $($options:tt)*) => {
        pub(crate) fn $name() -> Suite {
            functions!($($options)*);
            let (now, held) = (blocking!(now, None), companions!(held, async));
            suite!($name, now, held, ())
        }
    };
}

memory!(plain);
memory!(kept, clone);
stored!(disk, store = "disk");
// What is larger than that is not in memory.
stored!(disk_alone, store = "disk", max_bytes = 1);
#[cfg(all(unix, feature = "redis"))]
stored!(redis, store = server());
#[cfg(all(unix, feature = "redis"))]
stored!(redis_alone, store = server(), max_bytes = 1);

/// Waits for a server that is slow, on a machine that has other things to do.
#[cfg(all(unix, feature = "redis"))]
fn server() -> memo::store::RedisStore {
    let url = std::env::var("MEMO_REDIS_URL").expect("a child has one");
    memo::store::RedisStore::builder(url).deadline(Duration::from_secs(5)).connect()
}

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        plain(),
        disk(),
        disk_alone(),
        #[cfg(all(unix, feature = "redis"))]
        redis(),
        #[cfg(all(unix, feature = "redis"))]
        redis_alone(),
    ]
}
