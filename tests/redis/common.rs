//! What the tests share: functions behind a server, their reports, and waiting.

use std::env;
use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use memo::store::RedisStore;
use memo::Stats;

pub(crate) use crate::waiting::{random, random_below, until};

/// Nothing takes that long; it is there for a failure to be one.
pub(crate) const AGES: Duration = Duration::from_secs(60);
/// How long a call waits for the server at the most.
pub(crate) const DEADLINE: Duration = Duration::from_millis(100);
/// The same, on a machine that has other things to do.
pub(crate) const LATE: Duration = Duration::from_secs(1);
/// Until then a server that answers again is asked again.
pub(crate) const RECOVERY: Duration = Duration::from_secs(2);

/// How many times as much as usual the tests that count are to do.
pub(crate) fn scale() -> u64 {
    env::var("MEMO_TEST_SCALE").map_or(1, |scale| scale.parse().expect("MEMO_TEST_SCALE"))
}

/// A function that doubles, as [`doubling!`] makes it.
pub(crate) struct Doubling {
    pub(crate) call: fn(u64) -> u64,
    pub(crate) clear: fn(),
    pub(crate) stats: fn() -> Stats,
    pub(crate) explain: fn(u64) -> memo::Explanation,
}

/// A function of the test's own, of that name, behind the server at that URL.
macro_rules! doubling {
    ($name:literal, $url:expr $(, $option:ident = $value:literal)*) => {{
        static URL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        #[memo::memo(store = crate::common::store(&URL), name = $name $(, $option = $value)*)]
        fn double(number: u64) -> u64 {
            2 * number
        }
        URL.set($url).unwrap();
        crate::common::listen();
        crate::common::Doubling {
            call: double,
            clear: double::clear,
            stats: double::stats,
            explain: double::explain,
        }
    }};
}
pub(crate) use doubling;

pub(crate) fn store(url: &OnceLock<String>) -> RedisStore {
    RedisStore::builder(url.get().unwrap()).deadline(DEADLINE).connect()
}

impl Doubling {
    /// Calls with what nobody has called with: how long that took.
    #[track_caller]
    pub(crate) fn call_anew(&self) -> Duration {
        static NEXT: AtomicU64 = AtomicU64::new(1 << 40);
        let number = NEXT.fetch_add(1, SeqCst);
        self.call(number)
    }

    #[track_caller]
    pub(crate) fn call(&self, number: u64) -> Duration {
        let start = Instant::now();
        assert_eq!((self.call)(number), 2 * number);
        start.elapsed()
    }

    pub(crate) fn errors(&self) -> u64 {
        (self.stats)().store_errors
    }

    /// Whether a new call got all it asked of its store.
    #[track_caller]
    pub(crate) fn is_well(&self) -> bool {
        let before = self.errors();
        self.call_anew();
        self.errors() == before
    }

    pub(crate) fn reports(&self) -> Vec<String> {
        reports_of((self.stats)().name)
    }
}

static REPORTS: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

/// Hears reports, of all functions.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        memo::set_reporter(|error| {
            REPORTS.lock().unwrap().push((error.function(), format!("{error} {error:?}")));
        });
    });
}

pub(crate) fn reports_of(function: &str) -> Vec<String> {
    let reports = REPORTS.lock().unwrap();
    reports.iter().filter(|(of, _)| *of == function).map(|(_, what)| what.clone()).collect()
}

/// An executor of one task, which runs on its own thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(AGES),
        }
    }
}

/// Two futures in one task, each polled whenever either is woken.
pub(crate) async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (Half::new(a), Half::new(b));
    std::future::poll_fn(move |context| {
        let is_over = [a.poll(context), b.poll(context)];
        match is_over {
            [true, true] => Poll::Ready((a.output.take().unwrap(), b.output.take().unwrap())),
            _ => Poll::Pending,
        }
    })
    .await
}

struct Half<F: Future> {
    future: Pin<Box<F>>,
    output: Option<F::Output>,
}

impl<F: Future> Half<F> {
    fn new(future: F) -> Self {
        Self { future: Box::pin(future), output: None }
    }

    /// Whether it is over.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        if self.output.is_none() {
            if let Poll::Ready(output) = self.future.as_mut().poll(context) {
                self.output = Some(output);
            }
        }
        self.output.is_some()
    }
}
