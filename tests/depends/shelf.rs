//! A store of one function, in memory, in which something happens before or after what it does: a schedule
//! for answers that are late.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use memo::store::{Changes, Failure, Found, FunctionId, Key, Lookup, Stamp, Store, Tag, Ticket};

/// When something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    BeforeGet,
    BeforeRemove,
    AfterRemove,
    BeforeClear,
    /// When it has said what has changed, if anything has.
    AfterChanges,
    BeforeClearTag,
}

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(crate) struct Shelf {
    state: Mutex<State>,
    hooks: Mutex<HashMap<At, Hook>>,
    /// All removals are told once more, as to who has asked long ago.
    pub(crate) tells_again: AtomicBool,
    /// It is not asked for changes.
    is_not_asked: bool,
}

#[derive(Default)]
struct State {
    epoch: u64,
    removed: Vec<Key>,
    results: HashMap<Key, Kept>,
    stamps: HashMap<Tag, Stamp>,
    cleared_tags: Vec<Tag>,
}

struct Kept {
    value: Vec<u8>,
    put: Instant,
    life: Option<Duration>,
}

impl State {
    fn now(&self) -> Ticket {
        Ticket::new(self.epoch, self.removed.len() as u64)
    }

    fn clear(&mut self) {
        self.epoch += 1;
        self.removed.clear();
        self.results.clear();
    }

    fn changes(&self, since: Option<Ticket>, tells_again: bool) -> Changes {
        let now = self.now();
        match since {
            _ if tells_again => Changes::Removed(self.removed.clone()),
            Some(since) if since.epoch != now.epoch => Changes::Everything,
            Some(since) if since != now => {
                Changes::Removed(self.removed[since.removals as usize..].to_vec())
            }
            _ => Changes::Nothing,
        }
    }
}

impl Shelf {
    pub(crate) const fn new() -> LazyLock<Self> {
        LazyLock::new(Self::default)
    }

    pub(crate) const fn not_asked() -> LazyLock<Self> {
        LazyLock::new(|| Self { is_not_asked: true, ..Self::default() })
    }

    /// Has this happen then, once. The store fails if it panics: what it sees it is to [leave](Seen).
    pub(crate) fn once(&self, at: At, hook: impl FnOnce() + Send + 'static) {
        self.hooks.lock().unwrap().insert(at, Box::new(hook));
    }

    fn at(&self, at: At) {
        let hook = self.hooks.lock().unwrap().remove(&at);
        if let Some(hook) = hook {
            hook();
        }
    }

    /// As another process does.
    pub(crate) fn is_cleared_by_others(&self) {
        self.state.lock().unwrap().clear();
    }
}

impl Store for Shelf {
    fn get(&self, _: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.at(At::BeforeGet);
        let state = self.state.lock().unwrap();
        let found = state.results.get(key).and_then(|Kept { value, put, life }| {
            let age = put.elapsed();
            let lives = life.is_none_or(|life| age < life);
            lives.then(|| Found::new(value.clone(), age))
        });
        Ok(Lookup::new(state.now(), found))
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let mut state = self.state.lock().unwrap();
        let is_current =
            ticket.epoch == state.epoch && !state.removed[ticket.removals as usize..].contains(key);
        if is_current {
            let kept = Kept { value: value.to_vec(), put: Instant::now(), life };
            state.results.insert(*key, kept);
        }
        Ok(())
    }

    fn remove(&self, _: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        self.at(At::BeforeRemove);
        let removed = {
            let mut state = self.state.lock().unwrap();
            state.removed.push(*key);
            (state.results.remove(key).is_some(), state.now())
        };
        self.at(At::AfterRemove);
        Ok(removed)
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.at(At::BeforeClear);
        let mut state = self.state.lock().unwrap();
        state.clear();
        Ok(state.now())
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.is_cleared_by_others();
        Ok(())
    }

    fn changes(
        &self,
        _: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let (now, changes) = {
            let state = self.state.lock().unwrap();
            (state.now(), state.changes(since, self.tells_again.swap(false, SeqCst)))
        };
        if !matches!(changes, Changes::Nothing) {
            self.at(At::AfterChanges);
        }
        Ok((now, changes))
    }

    fn max_staleness(&self) -> Duration {
        if self.is_not_asked {
            Duration::MAX
        } else {
            Duration::ZERO
        }
    }

    fn has_tags(&self) -> bool {
        true
    }

    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        let State { stamps, cleared_tags, .. } = &mut *self.state.lock().unwrap();
        let next = cleared_tags.len() as u64 + 1;
        Ok(tags.iter().map(|tag| *stamps.entry(*tag).or_insert(next)).collect())
    }

    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        self.at(At::BeforeClearTag);
        let mut state = self.state.lock().unwrap();
        state.stamps.remove(tag);
        state.cleared_tags.push(*tag);
        Ok(Ticket::new(0, state.cleared_tags.len() as u64))
    }

    fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        let state = self.state.lock().unwrap();
        let now = Ticket::new(0, state.cleared_tags.len() as u64);
        let changes = match since {
            Some(since) if since != now => {
                Changes::Removed(state.cleared_tags[since.removals as usize..].to_vec())
            }
            _ => Changes::Nothing,
        };
        Ok((now, changes))
    }
}

/// What was returned to calls that a hook made.
pub(crate) struct Seen(Mutex<Vec<u64>>);

impl Seen {
    pub(crate) const fn nothing() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn add(&self, seen: u64) {
        self.0.lock().unwrap().push(seen);
    }

    /// Calls on a thread that holds nothing of what this one does.
    pub(crate) fn call(&self, call: impl FnOnce() -> u64 + Send + 'static) {
        self.add(apart(call));
    }

    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Calls on a thread of its own.
pub(crate) fn apart<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(call).join().unwrap()
}
