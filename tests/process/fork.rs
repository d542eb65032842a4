//! Children of `fork`, while the parent's threads are in the middle of everything.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use memo::store::DiskStore;
use memo::{memo, singleton, Session};

use crate::alone;

/// Whether the closure returned in a child; one that hangs is killed.
fn in_child(go_on: impl FnOnce()) -> bool {
    // SAFETY: the child calls what memo promises to work in one, and leaves without unwinding out.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: it takes a number.
        unsafe { libc::alarm(20) };
        let is_ok = std::panic::catch_unwind(std::panic::AssertUnwindSafe(go_on)).is_ok();
        // SAFETY: it ends the process.
        unsafe { libc::_exit(i32::from(!is_ok)) }
    }
    let mut status = 0;
    // SAFETY: the status is ours, and the child is this process's.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park_timeout(Duration::from_secs(1));
    }
}

#[memo(max_entries = 50, ttl = "5ms")]
fn busy(key: u32) -> String {
    key.to_string()
}

#[memo]
async fn task(key: u32) -> u32 {
    key + 1
}

#[singleton(max_entries = 10, on_release = |_| ())]
fn resource(key: u32) -> u32 {
    key
}

alone! {
    fn a_child_of_a_busy_process_goes_on() {
        let is_over = AtomicBool::new(false);
        let failed = thread::scope(|scope| {
            for number in 0..4 {
                let is_over = &is_over;
                scope.spawn(move || {
                    let mut key = number;
                    while !is_over.load(SeqCst) {
                        busy(key % 100);
                        block_on(task(key % 100));
                        resource(key % 30);
                        if key % 64 == number {
                            busy::clear();
                            memo::clear_all();
                        }
                        key += 7;
                    }
                });
            }
            let failed = (0..100_u32).filter(|&round| {
                !in_child(|| {
                    for key in 0..200 {
                        assert_eq!(busy(key), key.to_string());
                        assert_eq!(block_on(task(key)), key + 1);
                        assert_eq!(*resource(key), key);
                    }
                    // No thread is waited for: std has a lock that each takes as it starts, which a
                    // thread of the parent may have held.
                    assert_eq!((busy(round), busy(round)), (round.to_string(), round.to_string()));
                    memo::clear_all();
                    memo::singleton::clear_all();
                    assert!(memo::stats().iter().all(|stats| stats.entries == 0));
                })
            });
            let failed = failed.count();
            is_over.store(true, SeqCst);
            failed
        });
        assert_eq!(failed, 0);
    }
}

alone! {
    fn a_child_of_a_process_with_isolated_blocks_has_blocks_of_its_own() {
        fn block(key: u32) {
            memo::isolated(|| {
                assert!(!busy::contains(key) && !resource::contains(key));
                assert_eq!((busy(key), *resource(key)), (key.to_string(), key));
                assert_eq!(block_on(task(key)), key + 1);
                memo::advance(Duration::from_secs(1));
                assert!(!busy::contains(key) && resource::contains(key));
            });
        }
        let is_over = AtomicBool::new(false);
        let failed = thread::scope(|scope| {
            for number in 0..3 {
                let is_over = &is_over;
                scope.spawn(move || {
                    while !is_over.load(SeqCst) {
                        block(number);
                    }
                });
            }
            let go_on = || (0..100).for_each(block);
            let failed = (0..50).filter(|round| match round % 2 {
                0 => !in_child(go_on),
                _ => memo::isolated(|| {
                    task::insert(7, 9);
                    !in_child(|| {
                        assert_eq!(block_on(task(7)), 9);
                        go_on();
                        memo::clear_all();
                        assert_eq!(block_on(task(7)), 8);
                    })
                }),
            });
            let failed = failed.count();
            is_over.store(true, SeqCst);
            failed
        });
        assert_eq!(failed, 0);
    }
}

alone! {
    fn a_child_does_not_wait_for_what_its_parent_computes() {
        static PARENT: AtomicU32 = AtomicU32::new(0);
        static INSIDE: Barrier = Barrier::new(2);
        static GO_ON: Barrier = Barrier::new(2);
        #[memo]
        fn slow(key: u32) -> u32 {
            if std::process::id() == PARENT.load(SeqCst) {
                INSIDE.wait();
                GO_ON.wait();
            }
            key
        }
        PARENT.store(std::process::id(), SeqCst);
        thread::scope(|scope| {
            let parent = scope.spawn(|| slow(1));
            INSIDE.wait();
            assert!(in_child(|| assert_eq!((slow(1), slow::stats().unshared), (1, 0))));
            GO_ON.wait();
            assert_eq!(parent.join().unwrap(), 1);
        });
    }
}

alone! {
    fn a_child_opens_the_store_that_its_parent_is_opening() {
        static PARENT: AtomicU32 = AtomicU32::new(0);
        static INSIDE: Barrier = Barrier::new(2);
        static GO_ON: Barrier = Barrier::new(2);
        fn directory() -> PathBuf {
            std::env::temp_dir().join(format!("memo-fork-{}", PARENT.load(SeqCst)))
        }
        fn opened() -> DiskStore {
            if std::process::id() == PARENT.load(SeqCst) {
                INSIDE.wait();
                GO_ON.wait();
            }
            DiskStore::open(directory())
        }
        #[memo(store = opened())]
        fn stored(key: u32) -> u32 {
            key
        }
        PARENT.store(std::process::id(), SeqCst);
        thread::scope(|scope| {
            let parent = scope.spawn(|| stored(1));
            INSIDE.wait();
            assert!(in_child(|| {
                assert_eq!((stored(2), stored::stats().store_errors), (2, 0));
                stored::clear();
                assert_eq!((stored(2), stored::stats().store_errors), (2, 0));
            }));
            GO_ON.wait();
            assert_eq!(parent.join().unwrap(), 1);
        });
        std::fs::remove_dir_all(directory()).unwrap();
    }
}

alone! {
    fn a_child_sweeps_though_its_parent_was_about_it() {
        const MAX_BYTES: u64 = 1 << 20;
        fn directory() -> PathBuf {
            std::env::temp_dir().join(format!("memo-fork-sweeps-{}", PARENT.load(SeqCst)))
        }
        static PARENT: AtomicU32 = AtomicU32::new(0);
        #[memo(store = DiskStore::builder(directory()).max_bytes(MAX_BYTES).open())]
        fn large(key: u32) -> Vec<u8> {
            vec![key as u8; 100_000]
        }
        fn directories(within: PathBuf) -> Vec<PathBuf> {
            let found = std::fs::read_dir(within).into_iter().flatten().flatten();
            found.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
        }
        fn generations() -> Vec<PathBuf> {
            directories(directory().join("memo-v1")).into_iter().flat_map(directories).collect()
        }
        fn is_trash(path: &std::path::Path) -> bool {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("trash"))
        }
        fn bytes() -> u64 {
            let files = generations().into_iter().flat_map(std::fs::read_dir).flatten().flatten();
            files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
        }
        PARENT.store(std::process::id(), SeqCst);
        large(0);
        // So much is to be deleted that a thread is at it for a while.
        let generation = generations().pop().unwrap();
        for number in 0..10_000 {
            std::fs::write(generation.join(format!("{number:064x}")), "").unwrap();
        }
        large::clear();
        assert!(generations().iter().any(|path| is_trash(path)), "it is swept already");
        assert!(in_child(|| {
            // The parent is done, and nobody sweeps.
            while generations().iter().any(|path| is_trash(path)) {
                thread::yield_now();
            }
            for key in 0..100 {
                large(key);
            }
            while bytes() > MAX_BYTES {
                thread::yield_now();
            }
        }));
        std::fs::remove_dir_all(directory()).unwrap();
    }
}

alone! {
    fn a_body_that_forks_returns_in_both() {
        #[memo]
        fn forks(key: u32) -> bool {
            key == 0 || in_child(|| ())
        }
        assert!(forks(1) && forks::contains(1));
        // In the child the body of the parent's call ends, too.
        #[memo]
        fn returns(key: u32) -> i32 {
            let _ = key;
            // SAFETY: both go on with what memo promises to work in a child.
            unsafe { libc::fork() }
        }
        let child = returns(1);
        if child == 0 {
            let is_right = !returns::contains(1);
            // SAFETY: it ends the process.
            unsafe { libc::_exit(i32::from(!is_right)) }
        }
        let mut status = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, returns::get(1)), (0, Some(child)));
    }
}

alone! {
    fn what_a_child_gives_up_is_released_in_it() {
        static RELEASED: AtomicU32 = AtomicU32::new(0);
        #[singleton(on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
        fn lent(key: u32) -> u32 {
            key
        }
        // In the parent a thread looks whether it is given back.
        let lent_out = lent(1);
        lent::clear();
        assert!(in_child(|| {
            let lent_here = lent(2);
            lent::clear();
            drop((lent_out, lent_here));
            let mut patience = 1000;
            while RELEASED.load(SeqCst) < 2 && patience > 0 {
                thread::sleep(Duration::from_millis(10));
                patience -= 1;
            }
            assert_eq!(RELEASED.load(SeqCst), 2);
        }));
    }
}

#[memo(scope = "session")]
fn scoped(key: u32, _whose: usize) -> (u32, usize) {
    (key, _whose)
}

alone! {
    fn a_child_goes_on_with_the_sessions_of_its_parent_and_with_new_ones() {
        let is_over = AtomicBool::new(false);
        let live = Session::new();
        live.enter(|| scoped(0, 100));
        let failed = thread::scope(|scope| {
            for number in 0..3 {
                let (is_over, live) = (&is_over, &live);
                scope.spawn(move || {
                    while !is_over.load(SeqCst) {
                        let session = Session::new();
                        for key in 0..5 {
                            assert_eq!(session.enter(|| scoped(key, number)), (key, number));
                            live.enter(|| scoped(key + 10, number));
                        }
                        if number == 0 {
                            scoped::clear();
                            live.enter(|| scoped(0, 100));
                        }
                    }
                });
            }
            let failed = (0..100).filter(|_| {
                !in_child(|| {
                    // Another session's it never is.
                    assert!(live.enter(|| scoped::get(0)).is_none_or(|found| found == (0, 100)));
                    let session = Session::new();
                    for whose in 0..3 {
                        assert_eq!(session.enter(|| scoped(0, whose)), (0, 0));
                    }
                    assert_eq!(scoped(0, 7), (0, 7));
                    drop(session);
                    assert_eq!(Session::new().enter(|| scoped(0, 8)), (0, 8));
                    scoped::clear();
                    assert_eq!(live.enter(|| scoped(0, 9)), (0, 9));
                    live.clear();
                    assert!(memo::stats().iter().any(|stats| stats.misses > 0));
                })
            });
            let failed = failed.count();
            is_over.store(true, SeqCst);
            failed
        });
        assert_eq!(failed, 0);
    }
}
