//! Blocks of a test that have every function to themselves: what is outside is not inside, nor the
//! other way round, and a clock that the test moves.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use memo::store::DiskStore;
use memo::{memo, singleton};

use crate::schedule::{block_on, eventually, together, End, Gate, Runs, Task};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn every_function_starts_empty_inside_and_what_is_stored_there_is_not_outside() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn data(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    #[singleton]
    fn shared(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    let outside = (data(0), shared(0));
    let inside = memo::isolated(|| {
        assert!(!data::contains(0) && shared::get(0).is_none());
        let inside = (data(0), shared(0));
        assert_eq!((data(0), shared(0)), inside);
        data(9);
        shared(9);
        inside
    });
    assert!(inside.0 != outside.0 && !Arc::ptr_eq(&inside.1, &outside.1));
    assert_eq!((data(0), shared(0)), outside);
    assert!(!data::contains(9) && !shared::contains(9));
    // Nor is it in the next one.
    memo::isolated(|| assert!(!data::contains(0) && !data::contains(9) && !shared::contains(9)));
}

#[test]
fn a_function_that_is_first_called_inside_has_not_been_called_outside() {
    #[memo(name = "isolated::first")]
    fn data(x: u32) -> u32 {
        x
    }
    memo::isolated(|| data(1));
    assert!(!memo::clear("isolated::first"));
    assert_eq!((data(1), data::stats().misses), (1, 1));
    assert!(memo::clear("isolated::first"));
}

#[test]
fn tests_at_the_same_time_do_not_see_each_other() {
    #[memo]
    fn data(_thread: usize, x: usize) -> (usize, usize) {
        (_thread, x)
    }
    const THREADS: usize = 4;
    let barrier = Barrier::new(THREADS);
    for _ in 0..20 {
        together(THREADS, |thread| {
            memo::isolated(|| {
                barrier.wait();
                for x in 0..50 {
                    assert!(!data::contains(x));
                    assert_eq!((data(thread, x), data(9, x)), ((thread, x), (thread, x)));
                }
                barrier.wait();
                let stats = data::stats();
                assert_eq!((stats.misses, stats.hits, stats.entries), (50, 50, 50));
                data::clear();
                barrier.wait();
                assert_eq!(data::stats().entries, 0);
            });
        });
    }
    assert_eq!(data::stats().misses, 0);
}

#[test]
fn a_block_in_a_block_starts_empty_and_leaves_the_outer_one_as_it_was() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(ttl = "1h")]
    fn data() -> u32 {
        RUNS.fetch_add(1, SeqCst)
    }
    memo::isolated(|| {
        assert_eq!(data(), 0);
        memo::isolated(|| {
            assert_eq!(data(), 1);
            memo::advance(HOUR);
            assert_eq!(data(), 2);
            memo::set_enabled(false);
        });
        assert_eq!((data(), data::stats().misses), (0, 1));
    });
    assert_eq!(data(), 3);
}

#[test]
fn a_panic_leaves_the_block() {
    #[memo]
    fn data(x: u32) -> u32 {
        x
    }
    #[singleton]
    fn shared(_token: &Arc<()>) -> Arc<()> {
        Arc::clone(_token)
    }
    let token = Arc::new(());
    let left = catch_unwind(AssertUnwindSafe(|| {
        memo::isolated(|| {
            data(1);
            shared(&token);
            std::panic::resume_unwind(Box::new("the test fails"))
        })
    }));
    assert!(left.is_err() && !data::contains(1));
    eventually(|| Arc::strong_count(&token) == 1);
    data(1);
    assert!(data::contains(1));
}

#[test]
fn resources_are_released_at_the_end_of_the_block_and_what_they_call_then_is_not_stored() {
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn data(x: usize) -> usize {
        x
    }
    #[singleton(on_release = |x| { RELEASED.fetch_add(data(*x), SeqCst); })]
    fn shared(x: usize) -> usize {
        x
    }
    memo::isolated(|| {
        shared(1);
        shared(10);
        assert_eq!(RELEASED.load(SeqCst), 0);
    });
    eventually(|| RELEASED.load(SeqCst) == 11);
    let held = memo::isolated(|| shared(100));
    assert_eq!((*held, RELEASED.load(SeqCst)), (100, 11));
    drop(held);
    eventually(|| RELEASED.load(SeqCst) == 111);
    memo::isolated(|| assert!(!data::contains(1) && !data::contains(100)));
    assert!(!data::contains(1) && !data::contains(10));
}

#[test]
fn generics_methods_traits_and_every_kind_of_key_are_the_blocks_own() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[derive(serde::Serialize)]
    struct Rect(u32);
    trait Shape {
        fn edges(&self, x: &str) -> u32;
    }
    impl Rect {
        #[memo]
        fn area(&self, x: u32) -> u32 {
            RUNS.fetch_add(1, SeqCst);
            self.0 * x
        }
    }
    impl Shape for Rect {
        #[memo(in_trait, ttl = "1h")]
        fn edges(&self, x: &str) -> u32 {
            RUNS.fetch_add(1, SeqCst);
            self.0 + x.len() as u32
        }
    }
    #[memo]
    fn width<T: serde::Serialize>(x: &T) -> usize {
        RUNS.fetch_add(1, SeqCst);
        size_of_val(x)
    }
    #[memo(key = x % 2)]
    fn parity(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x % 2
    }
    #[memo]
    #[track_caller]
    fn lines(x: Option<Vec<String>>) -> usize {
        RUNS.fetch_add(1, SeqCst);
        x.map_or(0, |x| x.len())
    }
    #[memo(clone)]
    fn kept(x: &[Rect]) -> &'static str {
        RUNS.fetch_add(1, SeqCst);
        if x.is_empty() {
            "empty"
        } else {
            "full"
        }
    }
    let call_all = || {
        let long = "long".repeat(10_000);
        Rect(2).area(3);
        Rect(2).edges("ab");
        Rect(2).edges(&long);
        width(&1_u8);
        width(&1_u64);
        parity(7);
        lines(Some(vec![long]));
        kept(&[Rect(1)]);
    };
    let runs = |call: &dyn Fn()| {
        let before = RUNS.load(SeqCst);
        call();
        RUNS.load(SeqCst) - before
    };
    assert_eq!((runs(&call_all), runs(&call_all)), (8, 0));
    memo::isolated(|| {
        assert_eq!((runs(&call_all), runs(&call_all)), (8, 0));
        let stats = Rect::area_stats();
        assert!(stats.name.ends_with("::Rect::area"), "{}", stats.name);
        assert_eq!((stats.misses, stats.hits, width::stats().entries), (1, 1, 2));
    });
    assert_eq!(runs(&call_all), 0);
    assert_eq!(runs(&|| memo::isolated(call_all)), 8);
}

#[test]
fn companions_speak_of_the_block() {
    #[memo]
    fn data(x: u32) -> u32 {
        x
    }
    #[singleton]
    fn shared(x: u32) -> u32 {
        x
    }
    for x in 0..3 {
        data(x);
        shared(x);
    }
    memo::isolated(|| {
        assert!(!data::remove(0) && !shared::remove(0));
        data::insert(1, 7);
        assert_eq!((data(1), data::get(1)), (7, Some(7)));
        assert_eq!((data::refresh(1), data::get(1), data::uncached(1)), (1, Some(1), 1));
        shared::refresh(1);
        assert!(shared::contains(1) && data::remove(1) && shared::remove(1));
        data(2);
        shared(2);
        data::clear();
        shared::clear();
        assert!(!data::contains(2) && !shared::contains(2));
    });
    assert!((0..3).all(|x| data::get(x) == Some(x) && shared::contains(x)));
}

#[test]
fn statistics_and_what_clears_all_functions_are_the_blocks_own() {
    #[memo(name = "isolated::data")]
    fn data(x: u32) -> u32 {
        x
    }
    #[singleton(name = "isolated::shared")]
    fn shared(x: u32) -> u32 {
        x
    }
    data(1);
    data(1);
    shared(1);
    let names = |stats: Vec<memo::Stats>| stats.iter().map(|it| it.name).collect::<Vec<_>>();
    // The second block has what the first one had.
    for _ in 0..2 {
        memo::isolated(|| {
            assert!(memo::stats().is_empty() && memo::singleton::stats().is_empty());
            assert_eq!(
                (data::stats().misses, data::stats().hits, data::stats().entries),
                (0, 0, 0)
            );
            assert!(!memo::clear("isolated::data"));
            for _ in 0..3 {
                data(1);
                data(2);
                shared(1);
            }
            let stats = data::stats();
            assert_eq!((stats.hits, stats.misses, stats.entries), (4, 2, 2));
            assert_eq!(names(memo::stats()), ["isolated::data"]);
            assert_eq!(names(memo::singleton::stats()), ["isolated::shared"]);
            assert_eq!(memo::report().functions.len(), 2);
            memo::clear_all();
            assert!(!data::contains(1) && shared::contains(1));
            memo::singleton::clear_all();
            assert!(!shared::contains(1));
            data(1);
            assert!(memo::clear("isolated::data") && !data::contains(1));
        });
    }
    let stats = data::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
    assert!(names(memo::stats()).contains(&"isolated::data") && shared::contains(1));
}

#[test]
fn caching_is_switched_off_for_the_block_alone() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn data(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    #[memo(ttl = "1h")]
    fn aging(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst) + x
    }
    #[singleton]
    fn shared(x: u32) -> u32 {
        x
    }
    let outside = (data(0), aging(0));
    memo::isolated(|| {
        data(0);
        aging(0);
        memo::set_enabled(false);
        let before = RUNS.load(SeqCst);
        data(0);
        aging(0);
        data(0);
        aging(0);
        assert_eq!(RUNS.load(SeqCst), before + 4);
        data::insert(5, 5);
        assert!(data::get(5).is_none() && Arc::ptr_eq(&shared(0), &shared(0)));
        // Everybody else caches on.
        let other = thread::spawn(move || (data(0), aging(0)));
        assert_eq!(other.join().unwrap(), outside);
        memo::isolated(|| assert_eq!(data(0), data(0)));
        memo::set_enabled(true);
        assert_eq!(data(0), data(0));
        memo::set_enabled(false);
    });
    assert_eq!((data(0), aging(0)), outside);
    memo::isolated(|| assert_eq!((data(0), aging(0)), (data(0), aging(0))));
}

#[test]
fn threads_that_are_started_inside_are_outside() {
    #[memo(ttl = "1h")]
    fn data(x: u32) -> u32 {
        x
    }
    data(1);
    memo::isolated(|| {
        data(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(data::contains(1) && !data::contains(2));
                data(3);
                assert!(catch_unwind(|| memo::advance(HOUR)).is_err());
            });
        });
        assert!(!data::contains(3));
    });
    assert!(data::contains(3));
}

#[test]
fn the_clock_outside_is_nobodys_to_move() {
    let moved = catch_unwind(|| memo::advance(HOUR)).unwrap_err();
    let message = moved.downcast_ref::<String>().map_or_else(
        || moved.downcast_ref::<&str>().copied().unwrap_or_default(),
        |message| message.as_str(),
    );
    assert!(message.contains("memo::isolated"), "{message}");
}

#[test]
fn a_clock_that_is_moved_makes_results_and_resources_old() {
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    #[memo(ttl = "10m")]
    fn data(x: u32) -> u32 {
        x
    }
    #[singleton(ttl = "1h", on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn shared(x: u32) -> u32 {
        x
    }
    #[memo]
    fn lasting(x: u32) -> u32 {
        x
    }
    #[memo(ttl = Duration::MAX)]
    fn everlasting(x: u32) -> u32 {
        x
    }
    data(0);
    shared(0);
    memo::isolated(|| {
        for x in 0..200 {
            data(x);
        }
        shared(1);
        lasting(1);
        everlasting(1);
        memo::advance(HOUR / 12);
        data(1000);
        memo::advance(HOUR / 12);
        assert!(!data::contains(0) && data::get(7).is_none() && data::contains(1000));
        let stats = data::stats();
        assert_eq!((stats.entries, stats.expirations), (1, 200));
        assert_eq!((data(0), data::stats().misses), (0, 202));
        assert_eq!((shared::contains(1), RELEASED.load(SeqCst)), (true, 0));
        memo::advance(HOUR);
        // Though nobody has called it since.
        assert!(!shared::contains(1));
        eventually(|| RELEASED.load(SeqCst) == 1);
        memo::advance(Duration::MAX);
        assert!(lasting::contains(1) && everlasting::contains(1));
    });
    assert!(data::contains(0) && shared::contains(0));
    // The next block begins now.
    memo::isolated(|| {
        data(0);
        assert!(data::contains(0));
    });
}

#[test]
fn a_refresh_in_the_background_is_part_of_the_block() {
    static RUNS: Runs = Runs::new();
    #[memo(ttl = "1h", refresh = "background")]
    fn held(x: u32) -> Result<u32, String> {
        let _ = x;
        RUNS.held()
    }
    memo::isolated(|| {
        held::insert(1, Ok(5));
        memo::advance(HOUR);
        // It is old: served at once, and refreshed once behind.
        assert_eq!([held(1), held(1)], [Ok(5), Ok(5)]);
        RUNS.wait_for(1);
        RUNS.end(0, End::Returns(6));
        eventually(|| held::get(1) == Some(Ok(6)));
        assert_eq!(held(1), Ok(6));
        // As old as the block's clock says.
        memo::advance(HOUR / 2);
        assert_eq!((held(1), RUNS.count()), (Ok(6), 1));
        memo::advance(HOUR / 2);
        assert_eq!(held(1), Ok(6));
        RUNS.wait_for(2);
    });
    // Its end is after the block's, and is nowhere to be found.
    RUNS.end(1, End::Returns(7));
    memo::isolated(|| assert_eq!(held::get(1), None));
    assert_eq!((held::get(1), held::stats().misses), (None, 0));
}

#[test]
fn a_function_with_a_store_has_memory_alone() {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    fn open() -> DiskStore {
        OPENED.fetch_add(1, SeqCst);
        DiskStore::open(directory())
    }
    fn directory() -> PathBuf {
        std::env::temp_dir().join(format!("memo-isolated-{}", std::process::id()))
    }
    #[memo(store = open())]
    fn stored(x: u32) -> Result<u32, String> {
        Ok(x)
    }
    #[memo(store = open(), flight = "fleet", ttl = "1h")]
    async fn awaited(x: u32) -> u32 {
        x
    }
    let call = || {
        assert_eq!((stored(1), stored(1)), (Ok(1), Ok(1)));
        assert_eq!((stored::get(2), stored::contains(2), stored::remove(2)), (None, false, false));
        stored::insert(2, Ok(7));
        assert_eq!((stored(2), stored::refresh(2), stored::get(2)), (Ok(7), Ok(2), Some(Ok(2))));
        assert!(stored::remove(2) && !stored::contains(2));
        let stats = stored::stats();
        assert_eq!((stats.hits, stats.misses, stats.store_hits, stats.store_errors), (2, 1, 0, 0));
        stored::clear();
        memo::clear_all();
    };
    let call_async = async {
        assert_eq!((awaited(1).await, awaited(1).await), (1, 1));
        assert_eq!((awaited::get_async(1).await, awaited::get_async(2).await), (Some(1), None));
        awaited::insert_async(2, 7).await;
        assert!(awaited::contains_async(2).await && !awaited::contains_async(3).await);
        assert_eq!((awaited(2).await, awaited::refresh(2).await, awaited(2).await), (7, 2, 2));
        assert!(awaited::remove_async(2).await && !awaited::contains(2));
        memo::advance(HOUR);
        assert_eq!((awaited::get(1), awaited::stats().misses), (None, 1));
        awaited(1).await;
        awaited::clear_async().await;
        assert!(!awaited::contains(1));
    };
    memo::isolated(call);
    block_on(memo::isolated_async(call_async));
    assert_eq!((OPENED.load(SeqCst), directory().exists()), (0, false));
}

#[test]
fn a_future_is_inside_whenever_it_is_polled_on_whichever_thread() {
    static GATES: [Gate; 2] = [const { Gate::new() }; 2];
    #[memo(ttl = "1h")]
    async fn data(x: usize) -> usize {
        GATES[x].pass().await;
        x
    }
    #[memo]
    fn other(x: usize) -> usize {
        x
    }
    let mut task = Task::new(memo::isolated_async(async {
        other(0);
        assert_eq!(data(0).await, 0);
        assert!(other::contains(0));
        assert_eq!(data(1).await, 1);
        assert!(data::contains(0) && data::contains(1));
        memo::advance(HOUR);
        assert!(!data::contains(0) && other::contains(0));
        other::stats().misses
    }));
    assert!(task.poll().is_pending());
    // Between its polls, this thread is outside.
    assert!(!other::contains(0) && catch_unwind(|| memo::advance(HOUR)).is_err());
    let mut task = thread::spawn(move || {
        GATES[0].open();
        assert!(task.is_woken() && task.poll().is_pending());
        assert!(!data::contains(0));
        task
    })
    .join()
    .unwrap();
    GATES[1].open();
    assert_eq!(task.poll(), Poll::Ready(1));
    assert!(!data::contains(0) && !data::contains(1) && !other::contains(0));
}

#[test]
fn two_futures_that_take_turns_on_a_thread_do_not_see_each_other() {
    #[memo]
    async fn data(_task: usize, x: usize) -> usize {
        _task + x
    }
    static GATE: Gate = Gate::new();
    let mut tasks = [0, 10].map(|task| {
        Task::new(memo::isolated_async(async move {
            let first = data(task, 1).await;
            GATE.pass().await;
            let inner = memo::isolated_async(data(task + 100, 1)).await;
            (first, data(1000, 1).await, inner)
        }))
    });
    assert!(tasks.iter_mut().all(|task| task.poll().is_pending()));
    GATE.open();
    let results = tasks.each_mut().map(Task::poll);
    assert_eq!(results, [Poll::Ready((1, 1, 101)), Poll::Ready((11, 11, 111))]);
    assert_eq!(data::stats().misses, 0);
}

#[test]
fn a_future_that_is_dropped_or_panics_ends_its_block() {
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    #[singleton(on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn shared(x: usize) -> usize {
        x
    }
    /// Calls a function at its end, which is inside.
    struct Calls(usize);
    impl Drop for Calls {
        fn drop(&mut self) {
            shared(self.0);
        }
    }
    let block = || {
        let calls = Calls(2);
        memo::isolated_async(async move {
            let _calls = calls;
            shared(1);
            std::future::pending::<()>().await;
        })
    };
    let mut task = Task::new(block());
    assert!(task.poll().is_pending());
    assert_eq!(RELEASED.load(SeqCst), 0);
    drop(task);
    eventually(|| RELEASED.load(SeqCst) == 2);
    // Though it was never polled.
    drop(block());
    eventually(|| RELEASED.load(SeqCst) == 3);
    let mut task = Task::new(memo::isolated_async(async {
        shared(1);
        std::panic::resume_unwind(Box::new("the test fails"))
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| task.poll() as Poll<()>)).is_err());
    assert!(!shared::contains(1));
    drop(task);
    eventually(|| RELEASED.load(SeqCst) == 4);
    assert_eq!(shared::stats().misses, 0);
}

#[test]
fn a_future_that_is_carried_out_of_its_block_stores_nothing_anywhere() {
    static RUNS: Runs = Runs::new();
    #[memo(wait = "1h")]
    async fn held(x: u32) -> Result<u32, String> {
        let _ = x;
        RUNS.awaited().await
    }
    let begin = || {
        let mut task = Task::new(held(1));
        assert!(task.poll().is_pending());
        task
    };
    let [mut leader, mut waiter] = memo::isolated(|| [begin(), begin()]);
    assert_eq!(RUNS.count(), 1);
    // Who waited asks again, in a block that is over.
    assert!(waiter.is_woken());
    memo::isolated(|| {
        let mut own = begin();
        assert_eq!(RUNS.count(), 2);
        assert!(waiter.poll().is_pending());
        assert_eq!(RUNS.count(), 3);
        for (run, value) in [(0, 10), (2, 12)] {
            RUNS.end(run, End::Returns(value));
        }
        assert_eq!((leader.poll(), waiter.poll()), (Poll::Ready(Ok(10)), Poll::Ready(Ok(12))));
        assert_eq!(held::get(1), None);
        RUNS.end(1, End::Returns(11));
        assert_eq!((own.poll(), held::get(1)), (Poll::Ready(Ok(11)), Some(Ok(11))));
    });
    drop((leader, waiter));
    memo::isolated(|| assert_eq!(held::get(1), None));
    assert_eq!((held::get(1), held::stats().misses), (None, 0));
}

#[test]
fn a_future_that_was_made_inside_and_polled_outside_is_outside() {
    #[memo]
    async fn data(x: u32) -> u32 {
        x
    }
    let future = memo::isolated(|| data(1));
    assert_eq!(block_on(future), 1);
    assert!(data::contains(1));
}

#[test]
fn bounds_evict_within_the_block() {
    #[memo(max_entries = 3)]
    fn few(x: u32) -> u32 {
        x
    }
    for x in 0..3 {
        few(x);
    }
    for _ in 0..2 {
        memo::isolated(|| {
            for x in 100..200 {
                few(x);
            }
            let stats = few::stats();
            assert_eq!((stats.entries, stats.evictions, stats.max_entries), (3, 97, Some(3)));
        });
    }
    assert!((0..3).all(few::contains));
    assert_eq!(few::stats().evictions, 0);
}

#[test]
fn what_options_say_is_asked_for_in_each_block() {
    static LIFE: AtomicU32 = AtomicU32::new(1);
    fn life() -> u32 {
        LIFE.load(SeqCst)
    }
    #[memo(ttl = HOUR * life(), max_entries = life() as usize)]
    fn data(x: u32) -> u32 {
        x
    }
    for hours in 1..4 {
        LIFE.store(hours, SeqCst);
        memo::isolated(|| {
            for x in 0..9 {
                data(x);
            }
            let stats = data::stats();
            assert_eq!((stats.entries, stats.ttl), (hours as usize, Some(HOUR * hours)));
            memo::advance(HOUR * hours);
            assert_eq!(data::stats().entries, 0);
        });
    }
    LIFE.store(9, SeqCst);
    data(1);
    assert_eq!(data::stats().ttl, Some(HOUR * 9));
}

#[test]
fn hits_before_and_after_a_block_are_counted_where_they_are() {
    #[memo]
    fn data(x: u32) -> u32 {
        x
    }
    data(1);
    for _ in 0..10 {
        data(1);
        memo::isolated(|| {
            for _ in 0..5 {
                data(1);
            }
            assert_eq!((data::stats().hits, data::stats().misses), (4, 1));
        });
        data(1);
    }
    assert_eq!((data::stats().hits, data::stats().misses), (20, 1));
}
