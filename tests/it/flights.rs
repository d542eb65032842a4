//! One computation per key, and no deadlock. Schedules are made with barriers and channels.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Barrier, Mutex, OnceLock};
use std::thread;

use memo::memo;

use crate::schedule::together;

#[test]
fn eight_threads_on_one_cold_key_run_the_body_once() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn slow(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x + 1
    }
    for round in 0..200 {
        assert_eq!(together(8, |_| slow(round)), [round + 1; 8]);
    }
    assert_eq!(RUNS.load(SeqCst), 200);
    let stats = slow::stats();
    assert_eq!((stats.misses, stats.hits, stats.unshared), (200, 1400, 0));
}

#[test]
fn eight_cold_keys_run_side_by_side() {
    static ALL_INSIDE: Barrier = Barrier::new(8);
    #[memo]
    fn meet(x: usize) -> usize {
        // Passes only when all eight bodies run at once.
        ALL_INSIDE.wait();
        x
    }
    assert_eq!(together(8, meet), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn eight_outer_calls_share_one_inner_computation() {
    static INNER: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn inner(x: u32) -> u32 {
        INNER.fetch_add(1, SeqCst);
        x
    }
    #[memo]
    fn outer(number: usize, round: u32) -> usize {
        number + inner(round) as usize
    }
    for round in 0..100 {
        together(8, |number| outer(number, round));
    }
    assert_eq!(INNER.load(SeqCst), 100);
    assert_eq!(inner::stats().unshared, 0);
}

#[test]
fn a_function_that_calls_itself_with_its_own_key_ends() {
    static DEPTH: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn own(key: u8) -> usize {
        let depth = DEPTH.fetch_add(1, SeqCst);
        if depth < 3 {
            own(key)
        } else {
            depth
        }
    }
    assert_eq!(own(1), 3);
    assert_eq!(own::stats().unshared, 3);
    assert_eq!(own(1), 3);
    assert_eq!(own::stats().hits, 1);
}

#[test]
fn two_threads_that_need_each_other_end() {
    static BOTH_LEAD: Barrier = Barrier::new(2);
    static FIRST: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    #[memo]
    fn a(key: u8) -> u32 {
        if FIRST[0].fetch_add(1, SeqCst) == 0 {
            BOTH_LEAD.wait();
            1 + b(key)
        } else {
            10
        }
    }
    #[memo]
    fn b(key: u8) -> u32 {
        if FIRST[1].fetch_add(1, SeqCst) == 0 {
            BOTH_LEAD.wait();
            1 + a(key)
        } else {
            10
        }
    }
    // Each leads its key before it asks for the other's; one of the two must compute for itself.
    together(2, |number| if number == 0 { a(0) } else { b(0) });
    assert_eq!(a::stats().unshared + b::stats().unshared, 1);
}

#[test]
fn a_circle_through_three_threads_ends() {
    static ALL_LEAD: Barrier = Barrier::new(3);
    static FIRST: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
    #[memo]
    fn ring(at: usize) -> usize {
        if FIRST[at].fetch_add(1, SeqCst) == 0 {
            ALL_LEAD.wait();
            1 + ring((at + 1) % 3)
        } else {
            100
        }
    }
    together(3, ring);
    assert_eq!(ring::stats().unshared, 1);
}

#[test]
fn a_pool_smaller_than_the_number_of_callers_ends() {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    #[memo]
    fn shared(round: u32) -> u64 {
        // Waits in the pool, whose threads meanwhile take up other callers of this very key.
        let (a, b) = rayon::join(|| u64::from(round), || (0..1000_u64).sum::<u64>());
        a + b
    }
    let pool = POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    for round in 0..20 {
        let results = Mutex::new(Vec::new());
        pool.scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|_| {
                    let result = shared(round);
                    results.lock().unwrap().push(result);
                });
            }
        });
        assert_eq!(results.into_inner().unwrap(), [u64::from(round) + 499_500; 16]);
    }
}

#[test]
fn a_panic_reaches_its_own_caller_only() {
    static LEADS: Barrier = Barrier::new(2);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn fragile(x: u32) -> u32 {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            LEADS.wait();
            panic!("the leader's own");
        }
        x
    }
    thread::scope(|scope| {
        let leader = scope.spawn(|| catch_unwind(|| fragile(1)));
        LEADS.wait();
        // Either waits for the leader or comes after it; in both cases it computes for itself.
        assert_eq!(fragile(1), 1);
        assert!(leader.join().unwrap().is_err());
    });
    assert_eq!(fragile(1), 1);
    let stats = fragile::stats();
    assert_eq!((RUNS.load(SeqCst), stats.misses, stats.hits), (2, 2, 1));
}

#[test]
fn a_panic_leaves_nothing_behind() {
    #[memo]
    fn moody(x: u32, _calm: bool) -> u32 {
        assert!(_calm, "not now");
        x
    }
    for x in 0..100 {
        assert!(catch_unwind(AssertUnwindSafe(|| moody(x, false))).is_err());
        assert_eq!(moody(x, true), x);
        assert_eq!(moody(x, false), x);
    }
}

#[test]
fn waiters_of_an_error_compute_for_themselves() {
    let (inside, leads) = mpsc::channel();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static GO_ON: Barrier = Barrier::new(2);
    #[memo]
    fn first_fails(x: u32, _inside: &mpsc::Sender<()>) -> Result<u32, String> {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            _inside.send(()).unwrap();
            GO_ON.wait();
            return Err("the first".into());
        }
        Ok(x)
    }
    thread::scope(|scope| {
        let sender = inside.clone();
        let leader = scope.spawn(move || first_fails(7, &sender));
        leads.recv().unwrap();
        let waiters: Vec<_> = (0..4)
            .map(|_| (inside.clone(), ()))
            .map(|(sender, ())| scope.spawn(move || first_fails(7, &sender)))
            .collect();
        GO_ON.wait();
        assert!(leader.join().unwrap().is_err());
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(7));
        }
    });
    assert_eq!(first_fails::stats().entries, 1);
}

#[test]
fn counters_stay_exact_under_eight_threads() {
    #[memo]
    fn double(x: usize) -> usize {
        x * 2
    }
    const CALLS: usize = 20_000;
    together(8, |number| {
        for call in 0..CALLS {
            let x = (call * 31 + number) % 500;
            assert_eq!(double(x), x * 2);
        }
    });
    let stats = double::stats();
    assert_eq!((stats.hits + stats.misses) as usize, 8 * CALLS);
    assert_eq!((stats.misses, stats.entries), (500, 500));
}

#[test]
fn threads_that_come_and_go_lose_no_count() {
    #[memo]
    fn one(x: u8) -> u8 {
        x
    }
    for _ in 0..50 {
        together(4, |_| one(1));
    }
    let stats = one::stats();
    assert_eq!((stats.hits, stats.misses), (199, 1));
}
