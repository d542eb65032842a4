//! Results that have lives of their own, in a store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memo::memo;
use memo::store::{Changes, Failure, Found, FunctionId, Key, Lookup, Store, Ticket};

use crate::schedule::eventually;

const HOUR: Duration = Duration::from_secs(3600);

/// Values, and how long the store was told to keep them.
type Stored = HashMap<Key, (Vec<u8>, Option<Duration>)>;

/// A store whose results are as old as the test says, and which never finds them too old itself.
struct Shelf {
    stored: Mutex<Stored>,
    age: Mutex<Duration>,
}

impl Shelf {
    fn new() -> Arc<Self> {
        Arc::new(Self { stored: Mutex::default(), age: Mutex::default() })
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the store was told to keep what it has.
    fn lives(&self) -> Vec<Option<Duration>> {
        let mut lives: Vec<_> = self.stored().values().map(|(_, life)| *life).collect();
        lives.sort();
        lives
    }

    fn age_by(&self, age: Duration) {
        *self.age.lock().unwrap() = age;
    }
}

impl Store for Shelf {
    fn get(&self, _: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let age = *self.age.lock().unwrap();
        let found = self.stored().get(key).map(|(value, _)| Found::new(value.clone(), age));
        Ok(Lookup::new(Ticket::new(1, 0), found))
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        key: &Key,
        _: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        self.stored().insert(*key, (value.to_vec(), life));
        Ok(())
    }

    fn remove(&self, _: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        Ok((self.stored().remove(key).is_some(), Ticket::new(1, 0)))
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.clear_all()?;
        Ok(Ticket::new(1, 0))
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.stored().clear();
        Ok(())
    }

    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        Ok((Ticket::new(1, 0), Changes::Nothing))
    }
}

type Shelved = LazyLock<Arc<Shelf>>;

#[test]
fn what_comes_from_a_store_lives_as_long_as_was_said_when_it_was_computed() {
    static SHELF: Shelved = LazyLock::new(Shelf::new);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    // What is not the last one is in the store alone.
    #[memo(store = Arc::clone(&SHELF), max_entries = 1, ttl = |life: &Duration| *life)]
    fn lived(life: Duration) -> Duration {
        RUNS.fetch_add(1, SeqCst);
        life
    }
    let lives = [HOUR, 2 * HOUR, Duration::MAX];
    lives.iter().for_each(|life| assert_eq!(lived(*life), *life));
    assert_eq!(SHELF.lives(), [None, Some(HOUR), Some(2 * HOUR)]);
    SHELF.age_by(HOUR / 2);
    lives.iter().for_each(|life| assert_eq!(lived(*life), *life));
    assert_eq!((RUNS.load(SeqCst), lived::stats().store_hits), (3, 3));
    SHELF.age_by(HOUR + HOUR / 2);
    assert_eq!((lived::get(HOUR), lived::get(2 * HOUR)), (None, Some(2 * HOUR)));
    SHELF.age_by(1000 * HOUR);
    assert_eq!((lived::get(2 * HOUR), lived::get(Duration::MAX)), (None, Some(Duration::MAX)));
    // Of what lives for an hour there is not much left when it comes into memory.
    lived(2 * HOUR);
    SHELF.age_by(HOUR - Duration::from_millis(300));
    lived(HOUR);
    SHELF.age_by(HOUR);
    eventually(|| lived::get(HOUR).is_none());
}

#[test]
fn what_lives_for_no_time_is_not_stored_and_what_was_stored_goes() {
    static SHELF: Shelved = LazyLock::new(Shelf::new);
    #[memo(store = Arc::clone(&SHELF), ttl = Duration::clone)]
    fn lived(key: u32, _life: Duration) -> Duration {
        let _ = key;
        _life
    }
    lived(1, Duration::ZERO);
    assert_eq!((lived::get(1), SHELF.lives().len()), (None, 0));
    lived(1, HOUR);
    assert_eq!((lived::get(1), SHELF.lives().len()), (Some(HOUR), 1));
    lived::refresh(1, Duration::ZERO);
    assert_eq!((lived::get(1), SHELF.lives().len()), (None, 0));
    lived::insert(1, HOUR);
    lived::insert(1, Duration::ZERO);
    assert_eq!((lived::get(1), SHELF.lives().len()), (None, 0));
}

#[test]
fn a_jittered_life_is_the_same_in_all_processes() {
    static SHELF: Shelved = LazyLock::new(Shelf::new);
    #[memo(store = Arc::clone(&SHELF), max_entries = 1, ttl = HOUR, jitter = HOUR)]
    fn number(x: u32) -> u32 {
        x
    }
    (0..200).for_each(|x| assert_eq!(number(x), x));
    let lives: Vec<_> = SHELF.lives().into_iter().flatten().collect();
    assert!(lives.len() == 200 && lives.iter().all(|life| (HOUR / 2..=HOUR).contains(life)));
    // At an age in the middle those are there that live longer. (The last one is in memory.)
    let middle = HOUR * 3 / 4;
    number::remove(199);
    let living = SHELF.lives().into_iter().flatten().filter(|life| *life > middle).count();
    SHELF.age_by(middle);
    assert_eq!((0..200).filter(|x| number::get(*x).is_some()).count(), living);
    assert!((1..199).contains(&living));
}

#[test]
fn an_old_result_from_a_store_is_refreshed_behind_by_its_own_ttl() {
    static SHELF: Shelved = LazyLock::new(Shelf::new);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(store = Arc::clone(&SHELF), max_entries = 1, ttl = |_| HOUR, refresh = "background")]
    fn number(x: u32) -> u32 {
        x + RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!((number(0), number(10)), (0, 11));
    assert_eq!(SHELF.lives(), [Some(2 * HOUR), Some(2 * HOUR)]);
    SHELF.age_by(HOUR / 2);
    assert_eq!((number(0), number(0), RUNS.load(SeqCst)), (0, 0, 2));
    SHELF.age_by(HOUR + HOUR / 2);
    // It comes from the store, and it is the next call that finds it old.
    assert_eq!((number(10), number(10)), (11, 11));
    eventually(|| number::get(10) == Some(12));
    SHELF.age_by(2 * HOUR);
    assert_eq!(number::get(0), None);
}
