//! Functions with a store, which is cleared as well.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use memo::memo;
use memo::store::{Changes, DiskStore, Failure, FunctionId, Key, Lookup, Store, Ticket};

use crate::alone;
use crate::removing::remove;
use crate::schedule::{block_on, End, Runs, AGES};
use crate::source::{nothing_stale, Source};

/// A directory of this process's, gone with the test.
struct Directory(&'static str);

impl Directory {
    fn path(&self) -> PathBuf {
        // Where the build has its files: what later tests clear makes an empty directory anew.
        let name = format!("memo-clear-{}-{}", std::process::id(), self.0);
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
    }

    fn open(&self) -> DiskStore {
        DiskStore::open(self.path())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        remove(&self.path());
    }
}

#[test]
fn nothing_that_came_from_a_disk_outlives_a_clear_of_all() {
    static SOURCE: Source = Source::new();
    #[memo(store = Directory("inner").open())]
    fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo]
    fn middle(key: u64) -> u64 {
        inner(key)
    }
    #[memo]
    fn outer(key: u64) -> u64 {
        middle(key)
    }
    let _alone = alone();
    let _gone = Directory("inner");
    nothing_stale(&SOURCE, 40, memo::clear_all, [outer, middle, inner]);
}

#[test]
fn nothing_that_is_on_a_disk_outlives_a_clear_of_all_that_it_came_from() {
    static SOURCE: Source = Source::new();
    #[memo]
    fn inner(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo(store = Directory("middle").open())]
    fn middle(key: u64) -> u64 {
        inner(key)
    }
    #[memo(store = Directory("outer").open())]
    async fn outer(key: u64) -> u64 {
        middle(key)
    }
    let _alone = alone();
    let _gone = (Directory("middle"), Directory("outer"));
    let chain: [fn(u64) -> u64; 3] = [|key| block_on(outer(key)), middle, inner];
    nothing_stale(&SOURCE, 40, memo::clear_all, chain);
}

/// A store that has nothing, and whose clearing is held.
struct Slow {
    clears: Mutex<Clears>,
    changed: Condvar,
}

#[derive(Default)]
struct Clears {
    began: u64,
    may_end: u64,
}

impl Slow {
    const fn new() -> Self {
        Self { clears: Mutex::new(Clears { began: 0, may_end: 0 }), changed: Condvar::new() }
    }

    fn change(&self, change: impl FnOnce(&mut Clears)) {
        change(&mut self.clears.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait_while(&self, condition: impl FnMut(&mut Clears) -> bool) {
        let clears = self.clears.lock().unwrap();
        let wait = self.changed.wait_timeout_while(clears, AGES, condition).unwrap();
        assert!(!wait.1.timed_out());
    }

    fn held_clear(&self) {
        let mut number = 0;
        self.change(|clears| {
            clears.began += 1;
            number = clears.began;
        });
        self.wait_while(|clears| clears.may_end < number);
    }
}

const START: Ticket = Ticket::new(1, 0);

impl Store for &'static Slow {
    fn get(&self, _: &FunctionId<'_>, _: &Key) -> Result<Lookup, Failure> {
        Ok(Lookup::new(START, None))
    }
    fn put(
        &self,
        _: &FunctionId<'_>,
        _: &Key,
        _: Ticket,
        _: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        Ok(())
    }
    fn remove(&self, _: &FunctionId<'_>, _: &Key) -> Result<(bool, Ticket), Failure> {
        Ok((false, START))
    }
    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.held_clear();
        Ok(START)
    }
    fn clear_all(&self) -> Result<(), Failure> {
        self.held_clear();
        Ok(())
    }
    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        Ok((START, Changes::Nothing))
    }
}

#[test]
fn what_is_computed_while_a_store_is_cleared_is_kept_by_nobody() {
    static SLOW: Slow = Slow::new();
    static SOURCE: Source = Source::new();
    #[memo(store = &SLOW)]
    fn stored(key: u64) -> u64 {
        let _ = key;
        SOURCE.read()
    }
    #[memo]
    fn known(key: u64) -> u64 {
        stored(key)
    }
    #[memo]
    fn unknown(key: u64) -> u64 {
        stored(key)
    }
    let _alone = alone();
    assert_eq!((known(1), known(2)), (1, 1));
    thread::scope(|scope| {
        let clearing = scope.spawn(|| SOURCE.change(memo::clear_all));
        SLOW.wait_while(|clears| clears.began == 0);
        // One is called for the first time meanwhile.
        assert_eq!((known(1), unknown(1), stored(2)), (2, 2, 2));
        assert_eq!((known::get(1), unknown::get(1), stored::stats().entries), (None, None, 0));
        SLOW.change(|clears| clears.may_end = u64::MAX);
        clearing.join().unwrap();
    });
    assert_eq!((known::get(1), unknown::get(1), stored::stats().entries), (None, None, 0));
    // From then on all is as before.
    assert_eq!((known(1), unknown(1)), (2, 2));
    assert_eq!((known::get(1), unknown::get(1), stored::stats().entries), (Some(2), Some(2), 1));
}

#[test]
fn what_a_refresh_returned_while_all_is_cleared_is_not_followed_by_anything_older() {
    static SLOW: Slow = Slow::new();
    #[memo(store = &SLOW)]
    fn stored(key: u64) -> u64 {
        key
    }
    static RUNS: Runs = Runs::new();
    #[memo]
    fn held(key: u64) -> Result<u32, String> {
        let _ = key;
        RUNS.held()
    }
    let _alone = alone();
    assert_eq!(stored(1), 1);
    thread::scope(|scope| {
        let clearing = scope.spawn(memo::clear_all);
        SLOW.wait_while(|clears| clears.began == 0);
        let old = scope.spawn(|| held(1));
        RUNS.wait_for(1);
        let waiter = scope.spawn(|| held(1));
        let new = scope.spawn(|| held::refresh(1));
        RUNS.wait_for(2);
        RUNS.end(1, End::Returns(2));
        assert_eq!(new.join().unwrap(), Ok(2));
        // Whoever asks from now on, or does not have an answer yet, has it computed anew.
        let late = scope.spawn(|| held(1));
        RUNS.wait_for(3);
        RUNS.end(0, End::Returns(1));
        assert_eq!(old.join().unwrap(), Ok(1));
        while !(waiter.is_finished() && late.is_finished()) {
            (2..RUNS.count()).for_each(|run| RUNS.end(run, End::Returns(3)));
            thread::yield_now();
        }
        for call in [waiter, late] {
            assert_eq!(call.join().unwrap(), Ok(3));
        }
        // Nor by what was inserted before.
        held::insert(2, Ok(4));
        let run = RUNS.count();
        let new = scope.spawn(|| held::refresh(2));
        RUNS.wait_for(run + 1);
        RUNS.end(run, End::Returns(5));
        assert_eq!((new.join().unwrap(), held::get(2)), (Ok(5), None));
        SLOW.change(|clears| clears.may_end = u64::MAX);
        clearing.join().unwrap();
    });
}

#[test]
fn a_function_that_is_called_for_the_first_time_while_it_is_cleared_is_cached_from_then_on() {
    static SLOW: Slow = Slow::new();
    #[memo(store = &SLOW)]
    fn stored(key: u64) -> u64 {
        key
    }
    let _alone = alone();
    thread::scope(|scope| {
        let clearing = scope.spawn(stored::clear);
        SLOW.wait_while(|clears| clears.began == 0);
        assert_eq!(stored(1), 1);
        SLOW.change(|clears| clears.may_end = u64::MAX);
        clearing.join().unwrap();
    });
    assert_eq!((stored(1), stored::stats().entries), (1, 1));
    // Nor is one counted twice that was cleared among all at that time.
    memo::clear_all();
    assert_eq!((stored(2), stored::stats().entries), (2, 1));
}
