//! Every function that has been called, so that all can be asked and cleared at once.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

#[cfg(feature = "metrics")]
use crate::function::computed::Latest;
use crate::function::dependents::{Dependent, Taken, Turn};
use crate::function::isolation;
use crate::function::stats::{Counted, Stats};
use crate::key::tags::{Tag, TagHash};
use crate::platform::sync::Mutex;

mod step;
mod tags;

use step::conclude;
pub(crate) use step::{between, Released, Step};
pub(crate) use tags::{clear_tag, note_clearing};

use crate::clock::Tick;
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};

/// A function's cache, as the registry sees it.
pub(crate) trait Function: Sync {
    fn name(&'static self) -> &'static str;
    fn clear(&'static self);
    #[cfg(unix)]
    fn before_fork(&'static self) -> Unlock;
    /// Clears what it has in its store, if it has one.
    fn clear_store_of(&'static self);
    /// A tag was cleared in all stores, or could not be.
    fn tag_was_cleared(&'static self, tag: &Tag);
    /// Locks it: nobody claims or ends a computation until it is let go.
    fn hold(&'static self) -> Box<dyn Held>;
    /// So many clears of all functions were under way when it was registered, and clears of these tags.
    fn clears_begin(&'static self, clears: u32, tags: &[TagHash]);
    /// Forgets some of what has a tag; whether that was all, and what is to be dropped outside all locks.
    fn forget_tagged(&'static self, tag: TagHash) -> (bool, Box<dyn Any>);
    /// Whether its results have tags.
    fn is_tagged(&'static self) -> bool;
    /// The times of its computations since the last call of this.
    #[cfg(feature = "metrics")]
    fn take_latest(&'static self) -> Latest;
    /// Gives up what has expired, and asks for the bounds if need be, which is the user's code: what it
    /// [counts](Self::counted) is to be told.
    fn will_be_counted(&'static self);
    /// What it holds and did, as it is known. It takes the cache's lock.
    fn counted(&'static self) -> Counted;
    /// The address of the function that it is, or is the double of: those alike are one for users.
    fn original(&'static self) -> usize;
    /// Its place among the registered, which is written and read under their lock.
    fn place(&'static self) -> &'static AtomicUsize;
    /// The double of a session that has ended: it stores nothing from now on, and leaves its registry.
    fn close(&'static self);
    /// The double is another session's, after the last who might touch it has.
    fn reopen(&'static self);
    /// Gives up all that has expired by its clock.
    fn expire_whole(&'static self);
    /// It is as if it had never been called, and in no registry. It is empty, and nobody calls it.
    fn begin_anew(&'static self);
    /// Gives up some of what has expired, for who took it out of the agenda of expiries with that
    /// number.
    fn expire(&'static self, now: Tick, listed: u64);
    /// The same, unless its lock is held.
    fn try_expire(&'static self, now: Tick, listed: u64);
    /// Lists it by the entry that it would evict next, if there is one.
    fn list_oldest(&'static self);
    /// Evicts an entry that was queued at that stamp or before, or lists itself again.
    /// What is to be dropped outside all locks is handed out.
    fn evict_older(&'static self, stamp: u64) -> (bool, Box<dyn Any>);
    /// Forgets what a computation of it has left, or is about to leave, and adds what depends on that to
    /// what is left to be voided. What is to be done outside all locks is handed out.
    fn void(
        &'static self,
        dependent: &Arc<Dependent>,
        left: &mut Taken,
    ) -> Option<Box<dyn FnOnce()>>;
    /// Looks whether some of what was computed from its results has gone, unless its lock is held.
    fn forget_some_dependents(&'static self);
}

/// A cache that is locked.
pub(crate) trait Held {
    /// Whether anything was computed from its results: then a clear takes its [turn](Turn).
    fn has_dependents(&self) -> bool;
    /// Empties memory and fences what is computed.
    fn clear(&mut self, step: Step);
    /// Fences what is computed with a tag, and but for the beginning forgets what has it.
    fn clear_tag(&mut self, tag: TagHash, step: Step);
    /// Lets it go; what wakes who waited, and what frees what it had.
    fn release(self: Box<Self>) -> Released;
}

/// Takes a function out of those among which it has a place; false if it is not there.
fn take_out(functions: &mut Vec<&'static dyn Function>, function: &'static dyn Function) -> bool {
    let at = function.place().load(Ordering::Relaxed);
    let is_here = |it: &&'static dyn Function| std::ptr::addr_eq(*it, function);
    if !functions.get(at).is_some_and(is_here) {
        return false;
    }
    functions.swap_remove(at);
    if let Some(moved) = functions.get(at) {
        moved.place().store(at, Ordering::Relaxed);
    }
    true
}

/// The functions of one attribute.
pub(crate) struct Registry {
    registered: Mutex<Registered>,
}

struct Registered {
    functions: Vec<&'static dyn Function>,
    /// So many clears of all of them have begun and not ended.
    clears: u32,
    /// The tags of which clears have.
    clearing_tags: Vec<TagHash>,
    /// Doubles of sessions that have ended, while somebody may call them yet.
    closed: Vec<&'static dyn Function>,
    /// What was counted in such sessions before, by the original.
    ended: BTreeMap<usize, Counted>,
}

pub(crate) static MEMOS: Registry = Registry::new();
pub(crate) static SINGLETONS: Registry = Registry::new();

/// The number of the next function, among those of all registries.
pub(crate) static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn next_number() -> usize {
    // Relaxed: only the number matters.
    NEXT_NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// The functions of data that this thread's calls are of: in an isolation those of that alone.
pub(crate) fn memos() -> &'static Registry {
    isolation::current().map_or(&MEMOS, |isolation| &isolation.memos)
}

/// The same, of resources.
pub(crate) fn singletons() -> &'static Registry {
    isolation::current().map_or(&SINGLETONS, |isolation| &isolation.singletons)
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Self {
            registered: Mutex::new(Registered {
                functions: Vec::new(),
                clears: 0,
                clearing_tags: Vec::new(),
                closed: Vec::new(),
                ended: BTreeMap::new(),
            }),
        }
    }

    /// Adds a function, unless `is_new` says that it is there already. `number` has it take the
    /// number that is its own among those of all registries, once all who clear functions know it.
    pub(crate) fn register(
        &self,
        function: &'static dyn Function,
        is_new: impl Fn() -> bool,
        number: impl FnOnce(),
        is_closed: impl FnOnce() -> bool,
    ) {
        let mut registered = self.registered.lock();
        if is_new() && is_closed() {
            function.place().store(registered.closed.len(), Ordering::Relaxed);
            registered.closed.push(function);
            number();
        } else if is_new() {
            function.clears_begin(registered.clears, &registered.clearing_tags);
            // Relaxed, here and below: under the lock.
            function.place().store(registered.functions.len(), Ordering::Relaxed);
            registered.functions.push(function);
            number();
        }
    }

    /// Takes out the double of a session that has ended, once `close` has had it not come in again. What
    /// it counts goes on to be told.
    pub(crate) fn end(&self, function: &'static dyn Function, close: impl FnOnce()) {
        let mut registered = self.registered.lock();
        close();
        if take_out(&mut registered.functions, function) {
            function.place().store(registered.closed.len(), Ordering::Relaxed);
            registered.closed.push(function);
        }
    }

    /// Nobody calls a double any more that was closed: what it counted is added to the total of its
    /// function.
    pub(crate) fn leave(&self, function: &'static dyn Function) {
        let mut registered = self.registered.lock();
        if take_out(&mut registered.closed, function) {
            let mut counted = function.counted();
            (counted.stats.entries, counted.stats.bytes) = (0, 0);
            let total = registered.ended.entry(function.original());
            total.and_modify(|total| total.add(&counted)).or_insert(counted);
        }
    }

    /// The functions now, so that they are spoken to outside the lock.
    pub(crate) fn all(&self) -> Vec<&'static dyn Function> {
        self.registered.lock().functions.clone()
    }

    /// Clears all functions as one: no computation that was under way, or began before the end, is
    /// stored, and so nothing that was computed from what is forgotten.
    pub(crate) fn clear_all(&self) {
        self.clear_step(Step::Whole);
    }

    /// The same, and `clear_stores` in the middle.
    pub(crate) fn clear_all_and(&self, clear_stores: impl FnOnce()) {
        between(
            |step| self.clear_step(step),
            || {
                clear_stores();
                // Each on its own as well: a function whose store cannot be cleared does without it
                // until that can be done.
                self.all().into_iter().for_each(Function::clear_store_of);
            },
        );
    }

    /// Clears all functions; and from now on they store nothing, whoever calls them.
    pub(crate) fn close(&self) {
        self.clear_step(Step::Close);
    }

    /// After [`close`](Self::close), when nobody calls any of them: it has no functions.
    pub(crate) fn begin_anew(&self) {
        self.clear_step(Step::Anew);
        let functions = {
            let mut registered = self.registered.lock();
            registered.ended.clear();
            registered.closed.clear();
            std::mem::take(&mut registered.functions)
        };
        functions.into_iter().for_each(Function::begin_anew);
    }

    fn clear_step(&self, step: Step) {
        // Held all the while: a function that is called for the first time begins after the step. Nobody
        // else holds two caches at once, so no order is needed.
        let (turn, (mut registered, mut held)) = Turn::with(
            || {
                let registered = self.registered.lock();
                let held: Vec<_> = registered.functions.iter().map(|it| it.hold()).collect();
                (registered, held)
            },
            |(_, held)| held.iter().any(|held| held.has_dependents()),
        );
        match step {
            Step::Begin | Step::Close => registered.clears += 1,
            Step::End => registered.clears -= 1,
            Step::Whole | Step::Forget => {}
            Step::Anew => {
                registered.clears = 0;
                registered.clearing_tags.clear();
            }
        }
        held.iter_mut().for_each(|held| held.clear(step));
        let released: Vec<_> = held.into_iter().map(Held::release).collect();
        drop(registered);
        conclude(turn, released, step);
    }

    /// Takes its lock and those of its functions.
    #[cfg(unix)]
    pub(crate) fn before_fork(&'static self) -> Vec<Unlock> {
        let registered = self.registered.lock();
        let mut functions = registered.functions.clone();
        functions.extend(&registered.closed);
        let own: Unlock = Box::new(move |side| {
            let mut registered = registered;
            if side == Side::Child {
                // Who cleared is another thread.
                registered.clears = 0;
                registered.clearing_tags.clear();
            }
        });
        let functions = functions.into_iter().map(|function| function.before_fork());
        std::iter::once(own).chain(functions).collect()
    }

    /// Clears the functions of that name; whether there are any.
    pub(crate) fn clear(&self, name: &str) -> bool {
        let mut named = self.all();
        named.retain(|function| function.name() == name);
        named.iter().for_each(|function| function.clear());
        if !named.is_empty() {
            return true;
        }
        let registered = self.registered.lock();
        registered.ended.values().any(|total| total.stats.name == name)
            || registered.closed.iter().any(|function| function.name() == name)
    }

    /// Clears a function's doubles in all sessions.
    pub(crate) fn clear_doubles(&self, original: usize) {
        let mut doubles = self.all();
        doubles.retain(|function| function.original() == original);
        doubles.into_iter().for_each(Function::clear);
    }

    /// One for each function, with its doubles in sessions and those that have ended.
    pub(crate) fn stats(&self) -> Vec<Stats> {
        self.counted().into_iter().map(|counted| counted.stats).collect()
    }

    /// The same, with what users are not shown.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        self.all().into_iter().for_each(Function::will_be_counted);
        let registered = self.registered.lock();
        let mut rows: Vec<Counted> = Vec::with_capacity(registered.functions.len());
        let mut at: BTreeMap<usize, usize> = BTreeMap::new();
        let ended = registered.ended.iter().map(|(original, total)| (*original, total.clone()));
        let live = registered.functions.iter().chain(&registered.closed);
        let live = live.map(|it| (it.original(), it.counted()));
        for (original, counted) in live.chain(ended) {
            match at.get(&original) {
                Some(at) => rows[*at].add(&counted),
                None => {
                    at.insert(original, rows.len());
                    rows.push(counted);
                }
            }
        }
        rows
    }

    /// What a function counts, registered or not, with its doubles in sessions and those that have
    /// ended.
    pub(crate) fn counted_with_doubles(&self, function: &'static dyn Function) -> Counted {
        let original = function.original();
        function.will_be_counted();
        let mut doubles = self.all();
        doubles.retain(|it| it.original() == original);
        doubles.into_iter().for_each(Function::will_be_counted);
        let registered = self.registered.lock();
        let mut sum = function.counted();
        let is_double = |it: &&&'static dyn Function| {
            it.original() == original && !std::ptr::addr_eq(**it, function)
        };
        let all = registered.functions.iter().chain(&registered.closed);
        all.filter(is_double).for_each(|it| sum.add(&it.counted()));
        if let Some(total) = registered.ended.get(&original) {
            sum.add(total);
        }
        sum
    }
}
