//! Stores that fail, panic or answer late, and then do not any more: what was forgotten stays so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{
    Changes, Failure, Found, FunctionId, Key, Lookup, OnInvalidation, Stamp, Store, Tag, Ticket,
};

/// Nothing takes so long that is to come.
const AGES: Duration = Duration::from_secs(60);

/// A store of one function, in memory.
#[derive(Default)]
struct Shelf {
    state: Mutex<State>,
    next_remove_fails: AtomicBool,
    next_changes_fail: AtomicBool,
    /// It says when there are changes, and is not asked otherwise.
    says_when: bool,
    listeners: Mutex<Vec<OnInvalidation>>,
    /// At which question from now on it panics, whether it has tags.
    panics_at: AtomicU32,
    /// All removals are told once more, as to who has asked long ago.
    tells_again: AtomicBool,
    /// Done once, before a removal.
    before_remove: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Done once, after a clear or a removal and before the answer.
    before_answer: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[derive(Default)]
struct State {
    epoch: u64,
    removed: Vec<Key>,
    results: HashMap<Key, (Ticket, Vec<u8>)>,
    stamps: HashMap<Tag, Stamp>,
    cleared_tags: Vec<Tag>,
}

impl State {
    fn now(&self) -> Ticket {
        Ticket::new(self.epoch, self.removed.len() as u64)
    }

    fn is_void(&self, key: &Key, at: Ticket) -> bool {
        let mut since = self.removed.iter().skip(at.removals as usize);
        at.epoch != self.epoch || since.any(|removed| removed == key)
    }
}

fn since(moments: &[Key], since: Option<Ticket>, now: Ticket) -> (Ticket, Changes) {
    let changes = match since {
        Some(since) if since.epoch != now.epoch => Changes::Everything,
        Some(since) if since != now => {
            Changes::Removed(moments[since.removals as usize..].to_vec())
        }
        _ => Changes::Nothing,
    };
    (now, changes)
}

impl Shelf {
    /// What another process does: it clears the function.
    fn others_clear(&self) {
        let mut state = self.state.lock().unwrap();
        state.epoch += 1;
        state.removed.clear();
    }

    /// It stores anew what was there.
    fn others_put_again(&self) {
        let mut state = self.state.lock().unwrap();
        let now = state.now();
        state.results.values_mut().for_each(|(at, _)| *at = now);
    }

    /// It clears the only tag that there is.
    fn others_clear_tag(&self) {
        let tag = *self.state.lock().unwrap().stamps.keys().next().expect("a tag was used");
        self.clear_tag(&tag).unwrap();
    }

    fn answer(&self) {
        let before = self.before_answer.lock().unwrap().take();
        if let Some(before) = before {
            before();
        }
    }
}

impl Store for Shelf {
    fn get(&self, _: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let state = self.state.lock().unwrap();
        let found = state.results.get(key).filter(|(at, _)| !state.is_void(key, *at));
        let found = found.map(|(_, value)| Found::new(value.clone(), Duration::ZERO));
        Ok(Lookup::new(state.now(), found))
    }
    fn put(
        &self,
        _: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        self.state.lock().unwrap().results.insert(*key, (ticket, value.to_vec()));
        Ok(())
    }
    fn remove(&self, _: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        if self.next_remove_fails.swap(false, SeqCst) {
            return Err("it failed".into());
        }
        let before = self.before_remove.lock().unwrap().take();
        if let Some(before) = before {
            before();
        }
        let removed = {
            let mut state = self.state.lock().unwrap();
            state.removed.push(*key);
            (state.results.contains_key(key), state.now())
        };
        self.answer();
        Ok(removed)
    }
    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.others_clear();
        let now = self.state.lock().unwrap().now();
        self.answer();
        Ok(now)
    }
    fn clear_all(&self) -> Result<(), Failure> {
        self.others_clear();
        Ok(())
    }
    fn changes(
        &self,
        _: &FunctionId<'_>,
        last: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        if self.next_changes_fail.swap(false, SeqCst) {
            return Err("it failed".into());
        }
        let state = self.state.lock().unwrap();
        if self.tells_again.swap(false, SeqCst) {
            return Ok((state.now(), Changes::Removed(state.removed.clone())));
        }
        Ok(since(&state.removed, last, state.now()))
    }
    fn max_staleness(&self) -> Duration {
        if self.says_when {
            Duration::MAX
        } else {
            Duration::ZERO
        }
    }
    fn on_invalidation(&self, _: &FunctionId<'_>, notify: OnInvalidation) {
        self.listeners.lock().unwrap().push(notify);
    }
    fn has_tags(&self) -> bool {
        let asked = self.panics_at.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        assert_ne!(asked, Ok(1), "it panics");
        true
    }
    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        let state = &mut *self.state.lock().unwrap();
        let next = state.cleared_tags.len() as Stamp;
        Ok(tags.iter().map(|tag| *state.stamps.entry(*tag).or_insert(next)).collect())
    }
    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        let mut state = self.state.lock().unwrap();
        state.stamps.remove(tag);
        state.cleared_tags.push(*tag);
        Ok(Ticket::new(9, state.cleared_tags.len() as u64))
    }
    fn tag_changes(&self, last: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        let state = self.state.lock().unwrap();
        let now = Ticket::new(9, state.cleared_tags.len() as u64);
        Ok(since(&state.cleared_tags, last, now))
    }
}

/// Calls until the result is this one.
#[track_caller]
fn becomes(call: fn(u32) -> u32, expected: u32) {
    let start = Instant::now();
    while call(1) != expected {
        assert!(start.elapsed() < AGES, "it is still {}", call(1));
        thread::yield_now();
    }
}

/// A function behind a shelf, what it returns now, and with tags.
macro_rules! behind {
    ($function:ident, $shelf:ident, $value:ident, $new:expr, $store:expr $(, tags = $tag:literal)?) => {
        static $shelf: LazyLock<Shelf> = LazyLock::new(|| $new);
        static $value: AtomicU32 = AtomicU32::new(1);
        #[memo(store = $store $(, tags($tag))?)]
        fn $function(key: u32) -> u32 {
            let _ = key;
            $value.load(SeqCst)
        }
    };
}

#[test]
fn changes_that_could_not_be_asked_for_are_asked_for_again() {
    behind!(value, SHELF, NOW, Shelf { says_when: true, ..Shelf::default() }, &*SHELF);
    assert_eq!((value(1), value(1)), (1, 1));
    NOW.store(2, SeqCst);
    SHELF.others_clear();
    SHELF.next_changes_fail.store(true, SeqCst);
    SHELF.listeners.lock().unwrap().iter().for_each(|listener| listener());
    assert_eq!(value(1), 1);
    assert!(!SHELF.next_changes_fail.load(SeqCst), "it was not asked");
    becomes(value, 2);
}

#[test]
fn a_removal_that_failed_before_a_clear_was_answered_is_made_up_for() {
    behind!(value, SHELF, NOW, Shelf::default(), &*SHELF);
    assert_eq!(value(1), 1);
    *SHELF.before_answer.lock().unwrap() = Some(Box::new(|| {
        SHELF.others_put_again();
        NOW.store(2, SeqCst);
        SHELF.next_remove_fails.store(true, SeqCst);
        thread::spawn(|| value::remove(1)).join().unwrap();
    }));
    value::clear();
    assert_eq!(value(1), 2, "removed, and found");
}

#[test]
fn a_removal_that_failed_before_another_was_answered_is_made_up_for() {
    behind!(value, SHELF, NOW, Shelf::default(), &*SHELF);
    assert_eq!(value(1), 1);
    *SHELF.before_answer.lock().unwrap() = Some(Box::new(|| {
        SHELF.others_put_again();
        NOW.store(2, SeqCst);
        SHELF.next_remove_fails.store(true, SeqCst);
        thread::spawn(|| value::remove(1)).join().unwrap();
    }));
    value::remove(1);
    assert_eq!(value(1), 2, "removed, and found");
}

#[test]
fn a_tag_is_cleared_though_the_store_panicked_when_it_was_asked_whether_it_has_any() {
    behind!(value, SHELF, NOW, Shelf::default(), &*SHELF, tags = "late answers: cleared");
    assert_eq!((value(1), value(1)), (1, 1));
    NOW.store(2, SeqCst);
    SHELF.panics_at.store(1, SeqCst);
    memo::clear_tag("late answers: cleared");
    assert_eq!(SHELF.panics_at.load(SeqCst), 0);
    assert_eq!(value(1), 2, "cleared, and found");
}

#[test]
fn tags_are_followed_though_the_store_panicked_when_it_was_asked_whether_it_has_any() {
    fn new() -> Shelf {
        Shelf { panics_at: AtomicU32::new(2), ..Shelf::default() }
    }
    behind!(value, SHELF, NOW, new(), &*SHELF, tags = "late answers: panics");
    assert_eq!(value(1), 1);
    assert_eq!(SHELF.panics_at.load(SeqCst), 0);
    becomes(value, 1);
    NOW.store(2, SeqCst);
    SHELF.others_clear_tag();
    becomes(value, 2);
}

#[test]
fn tags_are_followed_though_what_opens_the_store_calls_the_function() {
    behind!(
        value,
        SHELF,
        NOW,
        Shelf::default(),
        {
            value(0);
            &*SHELF
        },
        tags = "late answers: itself"
    );
    assert_eq!((value(1), value(1)), (1, 1));
    NOW.store(2, SeqCst);
    SHELF.others_clear_tag();
    becomes(value, 2);
}

#[test]
fn tags_are_followed_though_the_store_was_slow_to_open() {
    static OPENS: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    static OPENED: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    fn opened() -> &'static Shelf {
        OPENS.wait();
        OPENED.wait();
        &SHELF
    }
    behind!(value, SHELF, NOW, Shelf::default(), opened(), tags = "late answers: slow");
    let other = thread::spawn(|| value(7));
    OPENS.wait();
    // It waits for the other, and goes on without the store.
    assert_eq!(value(1), 1);
    OPENED.wait();
    assert_eq!(other.join().unwrap(), 1);
    value(2);
    NOW.store(2, SeqCst);
    SHELF.others_clear_tag();
    becomes(value, 2);
}

/// Has the function be told once more what was removed, by a call of something else.
fn tell_again(shelf: &Shelf, call: fn(u32) -> u32) {
    shelf.tells_again.store(true, SeqCst);
    thread::spawn(move || call(2)).join().unwrap();
    assert!(!shelf.tells_again.load(SeqCst), "it was not asked");
}

#[test]
fn a_refresh_during_which_a_removal_is_told_late_leaves_nothing_older_in_the_store() {
    static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::default);
    static NOW: AtomicU32 = AtomicU32::new(1);
    static IS_LATE: AtomicBool = AtomicBool::new(false);
    #[memo(store = &*SHELF)]
    fn value(key: u32) -> u32 {
        if key == 1 && IS_LATE.swap(false, SeqCst) {
            tell_again(&SHELF, value);
        }
        NOW.load(SeqCst)
    }
    assert_eq!((value(1), value::refresh(1)), (1, 1));
    NOW.store(2, SeqCst);
    IS_LATE.store(true, SeqCst);
    assert_eq!(value::refresh(1), 2);
    assert_eq!(value(1), 2, "what is older came from the store");
}

#[test]
fn what_was_found_in_the_store_before_a_refresh_removed_it_there_is_not_kept() {
    behind!(value, SHELF, NOW, Shelf::default(), &*SHELF);
    assert_eq!((value(1), value::refresh(1)), (1, 1));
    for refresh in [|| _ = value::refresh(1), || value::insert(1, NOW.load(SeqCst))] {
        let last = NOW.fetch_add(1, SeqCst);
        *SHELF.before_remove.lock().unwrap() = Some(Box::new(move || {
            // Memory forgets the new result, and has the old one from the store.
            tell_again(&SHELF, value);
            assert_eq!(thread::spawn(|| value(1)).join().unwrap(), last);
        }));
        refresh();
        assert_eq!(value(1), last + 1, "what is older was kept");
    }
}
