//! What depends on something and has a store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, LazyLock, Mutex};
use std::time::Duration;
use std::{env, process, thread};

use memo::memo;
use memo::store::{Changes, DiskStore, Failure, FunctionId, Key, Lookup, Store, Ticket};

use crate::removing::remove;
use crate::schedule::block_on;

fn directory(of: &str) -> PathBuf {
    env::temp_dir().join(format!("memo-depends-{of}-{}", process::id()))
}

/// Removes it with the test.
struct Scratch(&'static str);

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&directory(self.0));
    }
}

#[test]
fn what_goes_is_not_found_in_the_store_either() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let _scratch = Scratch("gone");

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, store = DiskStore::open(directory("gone")))]
    fn page(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        price(x) + 1
    }

    assert_eq!((page(4), page(5)), (5, 6));
    SOURCE.store(2, SeqCst);
    price::remove(4);
    assert!(!page::contains(4) && page::contains(5));
    assert_eq!((page(4), page(5), RUNS.load(SeqCst)), (9, 6, 3));
    // What it has by now is the new one.
    assert_eq!(page::get(4), Some(9));
}

/// How far the removal is that a [late](Watched::late) store makes in the background.
static STEP: Mutex<Step> = Mutex::new(Step::None);
static STEPPED: Condvar = Condvar::new();

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    None,
    /// It is to be removed.
    Due,
    Asked,
    Removed,
    /// Whoever removed it may know.
    Answered,
}

fn step_to(step: Step) {
    *STEP.lock().unwrap() = step;
    STEPPED.notify_all();
}

fn wait_for(step: Step) {
    let now = STEP.lock().unwrap();
    drop(STEPPED.wait_while(now, |now| *now != step).unwrap());
}

/// A store that knows what was put into it last.
struct Watched {
    store: DiskStore,
    last: Mutex<Option<(&'static str, [u8; 16], Key)>>,
    is_late: bool,
}

impl Watched {
    fn new(of: &str) -> Self {
        Self { store: DiskStore::open(directory(of)), last: Mutex::new(None), is_late: false }
    }

    /// One in which something is removed in the background just after a call has asked what was, and
    /// that answers so late that the call removes it too: so the process is told of what it did itself.
    fn late(of: &str) -> Self {
        Self { is_late: true, ..Self::new(of) }
    }

    fn is_at(&self, step: Step) -> bool {
        self.is_late && *STEP.lock().unwrap() == step
    }

    /// What another process does: it removes what was put last.
    fn others_remove(&self) {
        let (name, fingerprint, key) = self.last.lock().unwrap().expect("something was put");
        let other = DiskStore::open(self.store.directory());
        assert!(other.remove(&FunctionId::new(name, fingerprint), &key).unwrap().0);
    }
}

impl Store for Watched {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.store.get(function, key)
    }
    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let name = String::from(function.name).leak();
        *self.last.lock().unwrap() = Some((name, function.fingerprint, *key));
        self.store.put(function, key, ticket, value, life)
    }
    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let is_in_background = thread::current().name() == Some("memo-store");
        if !self.is_late || !is_in_background || self.is_at(Step::None) {
            return self.store.remove(function, key);
        }
        wait_for(Step::Asked);
        let removed = self.store.remove(function, key);
        step_to(Step::Removed);
        wait_for(Step::Answered);
        removed
    }
    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.store.clear(function)
    }
    fn clear_all(&self) -> Result<(), Failure> {
        self.store.clear_all()
    }
    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let changes = self.store.changes(function, since);
        if self.is_at(Step::Due) {
            step_to(Step::Asked);
            wait_for(Step::Removed);
        }
        changes
    }
    /// Each call asks.
    fn max_staleness(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn what_this_process_removed_and_is_told_of_late_is_not_what_it_has_computed_since() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let _scratch = Scratch("late");

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, store = Watched::late("late"))]
    fn page(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        price(x)
    }

    assert_eq!(page(4), 4);
    step_to(Step::Due);
    SOURCE.store(2, SeqCst);
    price::remove(4);
    // Computed after both removals, of which the process knows of none yet.
    assert_eq!(page(4), 8);
    // It asks what was removed, and is told of its own.
    assert_eq!((page(4), RUNS.load(SeqCst)), (8, 2));
    step_to(Step::Answered);
    SOURCE.store(3, SeqCst);
    price::remove(4);
    assert_eq!((page(4), RUNS.load(SeqCst)), (12, 3));
}

#[test]
fn what_others_remove_goes_and_no_other_result() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static STORE: LazyLock<Watched> = LazyLock::new(|| Watched::new("others"));
    let _scratch = Scratch("others");

    #[memo]
    fn price(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends, store = &*STORE)]
    fn page(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        price(x)
    }

    assert_eq!((page(5), page(4), RUNS.load(SeqCst)), (5, 4, 2));
    STORE.others_remove();
    assert_eq!((page(5), page(4), RUNS.load(SeqCst)), (5, 4, 3));
    // Of both it is known from what they were computed.
    SOURCE.store(2, SeqCst);
    price::clear();
    assert_eq!((page(5), page(4), RUNS.load(SeqCst)), (10, 8, 5));
}

#[test]
fn nothing_comes_back_from_the_store_however_often_it_goes() {
    static SOURCE: AtomicU64 = AtomicU64::new(0);
    let _scratch = Scratch("often");

    #[memo]
    fn price(x: u64) -> u64 {
        x + SOURCE.load(SeqCst)
    }

    #[memo(depends, store = DiskStore::open(directory("often")))]
    fn page(x: u64) -> u64 {
        price(x)
    }

    #[memo(depends)]
    fn book(x: u64) -> u64 {
        page(x)
    }

    let change = || SOURCE.fetch_add(1, SeqCst) + 1;
    for _ in 0..400 {
        let forget: [&dyn Fn(u64); 4] = [
            &|_| price::clear(),
            &|_| assert!(price::remove(1)),
            &|now| price::insert(1, 1 + now),
            &|now| assert_eq!(price::refresh(1), 1 + now),
        ];
        for forget in forget {
            let now = change();
            forget(now);
            assert_eq!(book(1), 1 + now);
            assert_eq!(page(1), 1 + now);
        }
    }
}

#[test]
fn the_companions_of_tasks_count_as_calls() {
    let _scratch = Scratch("tasks");

    #[memo(store = DiskStore::open(directory("tasks")))]
    async fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    async fn known(x: u64) -> Option<u64> {
        price::get_async(x).await
    }

    #[memo(depends)]
    async fn is_known(x: u64) -> bool {
        price::contains_async(x).await
    }

    block_on(async {
        assert_eq!((known(4).await, is_known(4).await), (None, false));
        assert_eq!(price(5).await, 5);
        price::insert_async(4, 9).await;
        assert_eq!((known(4).await, is_known(4).await), (Some(9), true));
        price::clear_async().await;
        assert_eq!((known(4).await, is_known(4).await), (None, false));
    });
}
