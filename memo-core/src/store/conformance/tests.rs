//! A store in memory that keeps the contract passes, and one that breaks it in one thing does not.

use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::check;
use crate::store::{
    Changes, Failure, Found, FunctionId, Key, Lookup, OnInvalidation, Stamp, Store, Tag, Ticket,
};

/// What a store does wrong about tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    KeepsStamps,
    ClearsAllTags,
    ClearsTheFirstTag,
    ChangesStampsByItself,
    ReversesStamps,
    ForgetsStamps,
    ReusesStamps,
    HandsOutItsOwnStamps,
    TellsNothing,
    TellsEverything,
    TellsAllFromTheStart,
    CountsNoClears,
    BeginsAnEpochWithEachClear,
    KnowsEveryEpoch,
    LooksUpWithOldStamps,
    LooksUpNothing,
    ClearsTheFunction,
    ClearsTagsWithTheFunction,
    KeepsStampsThroughAClearOfAll,
    TellsNoClearOfAll,
    CallsNobodyBack,
}

use Wrong::*;

/// What the suite says of each.
const WRONGS: [(Wrong, &str); 21] = [
    (KeepsStamps, "the same stamp after it was cleared"),
    (ClearsAllTags, "clearing a tag cleared another"),
    (ClearsTheFirstTag, "clearing a tag cleared another"),
    (ChangesStampsByItself, "a stamp changed, and its tag was not cleared"),
    (ReversesStamps, "not in the order"),
    (ForgetsStamps, "stamps changed, and no tag was cleared"),
    (ReusesStamps, "a stamp came twice"),
    (HandsOutItsOwnStamps, "the same stamp after it was cleared"),
    (TellsNothing, "other tags are told"),
    (TellsEverything, "nothing happened, and something changed"),
    (TellsAllFromTheStart, "nothing happened, and something changed"),
    (CountsNoClears, "does not advance the moment"),
    (BeginsAnEpochWithEachClear, "everything is void"),
    (KnowsEveryEpoch, "a moment of another epoch"),
    (LooksUpWithOldStamps, "`get_tagged` overlooks a clear"),
    (LooksUpNothing, "finds what `get` does not"),
    (ClearsTheFunction, "is not the function's"),
    (ClearsTagsWithTheFunction, "the clear of a function clears tags"),
    (KeepsStampsThroughAClearOfAll, "the same stamp after `clear_all`"),
    (TellsNoClearOfAll, "`clear_all` is not told"),
    (CallsNobodyBack, "is not told of the clear of a tag"),
];

#[derive(Clone)]
struct Shelf {
    shared: Arc<Mutex<Shelved>>,
    wrong: Wrong,
    /// The first stamps that this handle handed out.
    own: Arc<Mutex<HashMap<Tag, Stamp>>>,
}

#[derive(Default)]
struct Shelved {
    last: u64,
    functions: HashMap<[u8; 16], Results>,
    stamps: HashMap<Tag, Stamp>,
    /// The tags that were cleared, in order.
    cleared: Vec<Tag>,
    epoch_of_tags: u64,
    listeners: Vec<OnInvalidation>,
}

struct Results {
    epoch: u64,
    removed: Vec<Key>,
    values: HashMap<Key, (Vec<u8>, Instant, Option<Duration>)>,
}

impl Results {
    fn ticket(&self) -> Ticket {
        Ticket::new(self.epoch, self.removed.len() as u64)
    }

    fn find(&self, key: &Key) -> Option<Found> {
        let (value, put, life) = self.values.get(key)?;
        let age = put.elapsed();
        life.is_none_or(|life| age < life).then(|| Found::new(value.clone(), age))
    }
}

impl Shelved {
    fn of(&mut self, function: &FunctionId<'_>) -> &mut Results {
        let last = &mut self.last;
        self.functions.entry(function.fingerprint).or_insert_with(|| {
            *last += 1;
            Results { epoch: *last, removed: Vec::new(), values: HashMap::new() }
        })
    }

    fn moment_of_tags(&self) -> Ticket {
        Ticket::new(self.epoch_of_tags, self.cleared.len() as u64)
    }
}

impl Shelf {
    fn new(wrong: Wrong) -> Self {
        Self { shared: Arc::default(), wrong, own: Arc::default() }
    }

    /// Another handle of the same.
    fn open(&self) -> Self {
        Self { own: Arc::default(), ..self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Shelf {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        Ok(Lookup::new(results.ticket(), results.find(key)))
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let removed = results.removed.get(ticket.removals as usize..).unwrap_or_default();
        if results.epoch == ticket.epoch && !removed.contains(key) {
            results.values.insert(*key, (value.to_vec(), Instant::now(), life));
        }
        Ok(())
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let was_there = results.find(key).is_some();
        results.values.remove(key);
        results.removed.push(*key);
        Ok((was_there, results.ticket()))
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let mut shelf = self.lock();
        if self.wrong == ClearsTagsWithTheFunction {
            shelf.stamps.clear();
        }
        shelf.functions.remove(&function.fingerprint);
        Ok(shelf.of(function).ticket())
    }

    fn clear_all(&self) -> Result<(), Failure> {
        let mut shelf = self.lock();
        shelf.functions.clear();
        if self.wrong != KeepsStampsThroughAClearOfAll {
            shelf.stamps.clear();
        }
        if self.wrong != TellsNoClearOfAll {
            shelf.last += 1;
            shelf.epoch_of_tags = shelf.last;
            shelf.cleared.clear();
        }
        Ok(())
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != results.epoch => Changes::Everything,
            Some(since) => match &results.removed[since.removals as usize..] {
                [] => Changes::Nothing,
                removed => Changes::Removed(removed.to_vec()),
            },
        };
        Ok((results.ticket(), changes))
    }

    fn max_staleness(&self) -> Duration {
        Duration::MAX
    }

    fn has_tags(&self) -> bool {
        true
    }

    fn stamps(&self, tags: &[Tag]) -> Result<Vec<Stamp>, Failure> {
        let mut shelf = self.lock();
        let mut stamps: Vec<Stamp> = Vec::new();
        for tag in tags {
            shelf.last += 1;
            let new = if self.wrong == ReusesStamps { shelf.last % 7 } else { shelf.last };
            if self.wrong == ForgetsStamps && shelf.stamps.len() > 50 {
                shelf.stamps.clear();
            }
            if self.wrong == ChangesStampsByItself {
                shelf.stamps.remove(tag);
            }
            stamps.push(*shelf.stamps.entry(*tag).or_insert(new));
        }
        match self.wrong {
            ReversesStamps => stamps.reverse(),
            HandsOutItsOwnStamps => {
                let mut own = self.own.lock().unwrap();
                let own =
                    tags.iter().zip(&stamps).map(|(tag, stamp)| *own.entry(*tag).or_insert(*stamp));
                stamps = own.collect();
            }
            _ => {}
        }
        Ok(stamps)
    }

    fn get_tagged(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        tags: &[Tag],
    ) -> Result<(Lookup, Vec<Stamp>), Failure> {
        let mut lookup = self.get(function, key)?;
        let mut stamps = self.stamps(tags)?;
        match self.wrong {
            LooksUpNothing => lookup.found = None,
            LooksUpWithOldStamps => {
                let mut own = self.own.lock().unwrap();
                let old =
                    tags.iter().zip(&stamps).map(|(tag, stamp)| *own.entry(*tag).or_insert(*stamp));
                stamps = old.collect();
            }
            _ => {}
        }
        Ok((lookup, stamps))
    }

    fn clear_tag(&self, tag: &Tag) -> Result<Ticket, Failure> {
        let mut shelf = self.lock();
        match self.wrong {
            KeepsStamps => {}
            ClearsAllTags => shelf.stamps.clear(),
            ClearsTheFirstTag => {
                shelf.stamps.remove(tag);
                let first = Tag::from(std::array::from_fn(|at| if at == 0 { 0 } else { tag[at] }));
                shelf.stamps.remove(&first);
            }
            ClearsTheFunction => {
                shelf.functions.clear();
                shelf.stamps.remove(tag);
            }
            _ => drop(shelf.stamps.remove(tag)),
        }
        if self.wrong != CountsNoClears {
            shelf.cleared.push(*tag);
        }
        if self.wrong == BeginsAnEpochWithEachClear {
            shelf.epoch_of_tags += 1;
        }
        let listeners = shelf.listeners.clone();
        let moment = shelf.moment_of_tags();
        drop(shelf);
        listeners.iter().for_each(|notify| notify());
        Ok(moment)
    }

    fn tag_changes(&self, since: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        let shelf = self.lock();
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != shelf.epoch_of_tags && self.wrong != KnowsEveryEpoch => {
                Changes::Everything
            }
            Some(_) if self.wrong == TellsNothing => Changes::Nothing,
            Some(_) if self.wrong == TellsEverything => Changes::Everything,
            Some(since) => {
                let since = if self.wrong == TellsAllFromTheStart { 0 } else { since.removals };
                match shelf.cleared.get(since as usize..).unwrap_or_default() {
                    [] => Changes::Nothing,
                    cleared => Changes::Removed(cleared.to_vec()),
                }
            }
        };
        Ok((shelf.moment_of_tags(), changes))
    }

    fn on_tag_invalidation(&self, notify: OnInvalidation) {
        if self.wrong != CallsNobodyBack {
            self.lock().listeners.push(notify);
        }
    }
}

/// What the suite says of a store that is so wrong; nothing, if it passes.
fn verdict(wrong: Wrong) -> Option<String> {
    let shelf = Shelf::new(wrong);
    let checked = catch_unwind(AssertUnwindSafe(|| check(|| shelf.open())));
    checked.err().map(|said| {
        let text = said.downcast_ref::<String>().cloned();
        text.or_else(|| said.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

#[test]
fn a_store_in_memory_that_has_tags_is_one() {
    assert_eq!(verdict(Nothing), None);
}

#[test]
fn whatever_is_wrong_about_tags_is_noticed() {
    for (wrong, words) in WRONGS {
        let said = verdict(wrong).unwrap_or_else(|| panic!("{wrong:?} passes"));
        assert!(said.contains(words), "{wrong:?}: {said}");
    }
}
