//! Tags of functions with a store: what the store has of them, and where it has none.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use memo::memo;
use memo::store::{Changes, Failure, Found, FunctionId, Key, Lookup, Stamp, Store, Tag, Ticket};

/// A store of one function, with tags or without.
struct Shelf {
    results: Mutex<HashMap<Key, Vec<u8>>>,
    stamps: Mutex<HashMap<Tag, Stamp>>,
    next: AtomicU64,
    has_tags: bool,
    is_down: AtomicBool,
    /// Done in the middle of each clear of a tag, once that has another stamp.
    meanwhile: fn(),
}

impl Shelf {
    fn new(has_tags: bool) -> Self {
        Self {
            results: Mutex::default(),
            stamps: Mutex::default(),
            next: AtomicU64::new(1),
            has_tags,
            is_down: AtomicBool::new(false),
            meanwhile: || (),
        }
    }

    fn up(&self) -> Result<(), Failure> {
        if self.is_down.load(SeqCst) {
            return Err("it is down".into());
        }
        Ok(())
    }

    fn entries(&self) -> usize {
        self.results.lock().unwrap().len()
    }
}

const NOW: Ticket = Ticket::new(1, 0);

impl Store for Shelf {
    fn get(&self, _: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.up()?;
        let found = self.results.lock().unwrap().get(key).cloned();
        Ok(Lookup::new(NOW, found.map(|value| Found::new(value, Duration::ZERO))))
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        key: &Key,
        _: Ticket,
        value: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        self.up()?;
        self.results.lock().unwrap().insert(*key, value.to_vec());
        Ok(())
    }

    fn remove(&self, _: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        Ok((self.results.lock().unwrap().remove(key).is_some(), NOW))
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.results.lock().unwrap().clear();
        Ok(NOW)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.results.lock().unwrap().clear();
        self.stamps.lock().unwrap().clear();
        Ok(())
    }

    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        Ok((NOW, Changes::Nothing))
    }

    fn has_tags(&self) -> bool {
        self.has_tags
    }

    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        self.up()?;
        let mut stamps = self.stamps.lock().unwrap();
        let next = || self.next.fetch_add(1, SeqCst);
        Ok(tags.iter().map(|tag| *stamps.entry(*tag).or_insert_with(next)).collect())
    }

    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        self.up()?;
        self.stamps.lock().unwrap().remove(tag);
        (self.meanwhile)();
        Ok(NOW)
    }

    fn tag_changes(&self, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        Ok((NOW, Changes::Nothing))
    }
}

#[test]
fn functions_with_tags_do_without_a_store_that_has_none() {
    static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(false));
    #[memo(store = &*SHELF, tags(format!("without {id}")))]
    fn tagged(id: u64) -> u64 {
        id
    }
    #[memo(store = &*SHELF)]
    fn plain(id: u64) -> u64 {
        id
    }
    assert_eq!((tagged(1), tagged(1), tagged(2)), (1, 1, 2));
    assert_eq!(SHELF.entries(), 0);
    memo::clear_tag("without 1");
    assert!(!tagged::contains(1) && tagged::contains(2));
    assert_eq!((tagged::stats().hits, tagged::stats().misses), (1, 2));
    plain(1);
    assert_eq!(SHELF.entries(), 1);
}

#[test]
fn what_was_put_with_other_stamps_is_not_taken() {
    static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(true));
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(store = &*SHELF, tags(format!("stamped {id}"), _more))]
    fn tagged(id: u64, _more: Option<&str>) -> u32 {
        RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(tagged(1, Some("more of it")), 0);
    assert_eq!(SHELF.entries(), 1);
    memo::clear_tag("stamped 1");
    assert_eq!(tagged(1, Some("more of it")), 1);
    // It has more tags than this call has, and they count.
    memo::clear_tag("more of it");
    assert_eq!(tagged(1, None), 2);
    assert_eq!(tagged(1, None), 2);
    assert_eq!(tagged::stats().store_hits, 0);
}

#[test]
fn a_tag_that_could_not_be_cleared_keeps_what_has_it_from_being_taken_until_it_could() {
    static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf::new(true));
    static NOW: AtomicU32 = AtomicU32::new(7);
    #[memo(store = &*SHELF, tags(format!("down {id}")))]
    fn tagged(id: u64) -> u32 {
        NOW.load(SeqCst)
    }
    assert_eq!((tagged(1), tagged(2)), (7, 7));
    let before = tagged::stats().store_errors;
    SHELF.is_down.store(true, SeqCst);
    memo::clear_tag("down 1");
    assert!(tagged::stats().store_errors > before);
    NOW.store(8, SeqCst);
    // Computed, and kept in memory.
    assert_eq!((tagged(1), tagged(1), tagged(2)), (8, 8, 7));
    SHELF.is_down.store(false, SeqCst);
    assert_eq!(tagged::get(1), Some(8));
    memo::clear_tag("down 1");
    NOW.store(9, SeqCst);
    assert_eq!((tagged(1), tagged(2)), (9, 7));
}

#[test]
fn what_is_computed_while_its_tag_is_cleared_is_kept_nowhere() {
    static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf { meanwhile, ..Shelf::new(true) });
    static NOW: AtomicU32 = AtomicU32::new(7);
    #[memo(tags("meanwhile"))]
    fn part() -> u32 {
        NOW.load(SeqCst)
    }
    // A result of it that is put now, with new stamps, may come from what memory has yet.
    #[memo(store = &*SHELF, tags("meanwhile"))]
    fn sum() -> u32 {
        part() + part()
    }
    // Other tests clear tags of theirs in all stores.
    thread_local!(static IS_CLEARING: Cell<bool> = const { Cell::new(false) });
    fn meanwhile() {
        if IS_CLEARING.get() {
            sum();
        }
    }
    assert_eq!(sum(), 14);
    NOW.store(8, SeqCst);
    IS_CLEARING.set(true);
    memo::clear_tag("meanwhile");
    assert_eq!((sum::get(), part::get()), (None, None));
    assert_eq!(sum(), 16);
}

#[test]
fn a_store_that_gives_too_few_stamps_fails_no_call() {
    struct Stingy(Shelf);
    impl Store for Stingy {
        fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
            self.0.get(function, key)
        }
        fn put(
            &self,
            function: &FunctionId<'_>,
            key: &Key,
            ticket: Ticket,
            value: &[u8],
            life: Option<Duration>,
        ) -> Result<(), Failure> {
            self.0.put(function, key, ticket, value, life)
        }
        fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
            self.0.remove(function, key)
        }
        fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
            self.0.clear(function)
        }
        fn clear_all(&self) -> Result<(), Failure> {
            self.0.clear_all()
        }
        fn changes(
            &self,
            _: &FunctionId<'_>,
            _: Option<Ticket>,
        ) -> Result<(Ticket, Changes), Failure> {
            panic!("no changes")
        }
        fn has_tags(&self) -> bool {
            true
        }
        fn stamps(&self, _: &[Tag]) -> Result<Vec<Stamp>, Failure> {
            Ok(Vec::new())
        }
        fn clear_tag(&self, _: &Tag) -> Result<Ticket, Failure> {
            panic!("no clears")
        }
        fn tag_changes(&self, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
            panic!("no tags")
        }
    }
    static STINGY: LazyLock<Arc<Stingy>> = LazyLock::new(|| Arc::new(Stingy(Shelf::new(true))));
    #[memo(store = Arc::clone(&STINGY), tags("stingy"))]
    fn tagged(id: u64) -> u64 {
        id
    }
    assert_eq!((tagged(1), tagged(1)), (1, 1));
    assert_eq!(STINGY.0.entries(), 0);
    memo::clear_tag("stingy");
    assert!(!tagged::contains(1) && tagged(1) == 1);
}
