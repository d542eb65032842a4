//! What a store tells of what others invalidated, and what memory forgets for it.
//!
//! Of functions with `depends` memory knows from what their results were computed, and a store does not:
//! whatever goes from memory alone would be found there again, and would stay when that is forgotten.
//! What a store tells may be older than a result, as when this process has removed the one before and
//! is told so late. So a result that was put since stays in memory; where that cannot be told, it goes
//! from the store as well.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use crate::cache::{Cache, Shared};
use crate::flight::Fenced;
use crate::function::causes::Cause;
use crate::function::dependents::{Dependent, Put};
use crate::function::error::Kind;
use crate::key::tags::{Tag, TagHash};
use crate::key::DIGEST;
use crate::memory::entry::View;
use crate::store::backing::Backing;
use crate::store::in_step::InStep;
use crate::store::{Changes, Failure, FunctionId, Store, Ticket};

/// A result that is told to be removed, and whether it was put since.
struct Told {
    dependent: Arc<Dependent>,
    is_newer: bool,
}

impl Cache {
    /// Invalidates in memory what others invalidated in the store, if it is time to ask.
    pub(crate) fn sync_invalidations(&'static self) {
        let Backing { calls, tags, .. } = &self.backing;
        if calls.needs_sync() {
            self.sync(
                calls,
                |store, function, since| store.changes(function, since),
                |keys| self.forget_removed(&keys.into_iter().collect()),
                |over| self.forget_all_but(over),
            );
        }
        if tags.needs_sync() {
            self.sync_tags();
        }
    }

    #[cold]
    fn sync_tags(&'static self) {
        let tags = &self.backing.tags;
        let _ = self.backing.opened(self);
        match self.backing.has_tags() {
            Ok(true) => {
                let forget = |cleared: Vec<_>| self.forget_tags(&cleared);
                // It is not their epoch: whatever was put may have been since.
                let forget_all = |_| self.forget_all();
                self.sync(tags, |store, _, since| store.tag_changes(since), forget, forget_all);
            }
            // Nothing of this function is in it.
            Ok(false) => tags.synced(tags.question(), u64::MAX),
            Err(_) => tags.synced(tags.question(), self.backing.until_asked_again()),
        }
    }

    /// Follows a history of the store.
    fn sync(
        &'static self,
        history: &InStep,
        changes: impl FnOnce(
            &dyn Store,
            &FunctionId<'_>,
            Option<Ticket>,
        ) -> Result<(Ticket, Changes), Failure>,
        forget: impl FnOnce(Vec<[u8; DIGEST]>),
        forget_all: impl FnOnce(Option<u64>),
    ) {
        let question = history.question();
        let since = question.since;
        let asked = self.ask(Kind::Store, |store, function| changes(store, function, since));
        let Some((ticket, changes)) = asked else {
            // A store that cannot tell leaves memory as it is: it answers on, and asks again.
            return history.synced(question, self.backing.until_asked_again());
        };
        // A clear between these two; there may have been more since, before it is told.
        let over = since.map(|since| since.epoch).filter(|epoch| *epoch != ticket.epoch);
        match changes {
            // What memory has it got without the store, and nobody can tell since when; unless
            // another call has found out the same meanwhile, and it is from since then.
            Changes::Nothing if since.is_none() && history.last_synced() != Some(ticket) => {
                forget_all(over);
            }
            Changes::Nothing => {}
            Changes::Removed(keys) => forget(keys),
            Changes::Everything => forget_all(over),
        }
        history.set_last_synced(ticket);
        history.synced(question, self.backing.max_staleness());
    }

    /// A tag was cleared in the stores, or could not be.
    pub(in crate::cache) fn tag_was_cleared(&'static self, tag: &Tag) {
        let Some(known) = self.backing.known().filter(|_| self.backing.is_tagged()) else {
            return;
        };
        if let Some(why) = known.pending(tag) {
            self.backing.errors.fetch_add(1, Ordering::Relaxed);
            self.report_store(Kind::Put, why);
        } else if let Some(ticket) = known.cleared_at(tag) {
            self.backing.tags.removed(ticket);
        }
    }

    /// Forgets these calls in memory, which were removed from the store.
    fn forget_removed(&'static self, digests: &HashSet<[u8; DIGEST]>) {
        // What says its digest is found by that. Of the rest each entry's is computed, to see whether it
        // is meant: with many, to fetch them from the store again is less than to keep others waiting.
        const MANY: usize = 10_000;
        let (entries, dependents) = {
            let memory = &self.lock().memory;
            (memory.entries(), memory.count_dependents())
        };
        let is_much = entries - dependents > MANY;
        if is_much && dependents == 0 {
            return self.forget_all();
        }
        let told = self.told(digests);
        let ((fenced, gone), freed) = self.invalidate(|shared| {
            let mut fenced = Fenced::none();
            for digest in digests {
                shared.forget_dependents(digest);
                fenced.add(shared.flights.fence(digest).leaving_older());
            }
            let gone = self.give_up_removed(shared, digests, &told);
            for own in &gone {
                let is_it = |it: &Arc<Dependent>| Arc::ptr_eq(it, own);
                shared.memory.remove_dependent(&self.table, own.hashes, Cause::Removed, is_it);
            }
            let is_meant = |entry: View<'_>| is_much || digests.contains(&entry.digest_of_key());
            shared.memory.remove_independent(&self.table, is_meant);
            (fenced, gone)
        });
        fenced.wake();
        drop((freed, gone));
    }

    /// Which results of these calls go from memory, of those that it knows from what they were computed.
    fn give_up_removed(
        &self,
        shared: &Shared,
        digests: &HashSet<[u8; DIGEST]>,
        told: &[Told],
    ) -> Vec<Arc<Dependent>> {
        let dependents = shared.memory.dependents().map(|(_, dependent)| dependent);
        let mut gone = Vec::new();
        for dependent in dependents.filter(|dependent| digests.contains(&dependent.digest)) {
            match told.iter().find(|it| Arc::ptr_eq(&it.dependent, dependent)) {
                Some(told) if told.is_newer => continue,
                Some(_) => {}
                None => self.give_up_stored(dependent, |_| true),
            }
            gone.push(Arc::clone(dependent));
        }
        gone
    }

    /// The results of these calls that memory has and the store, asked about each.
    fn told(&'static self, digests: &HashSet<[u8; DIGEST]>) -> Vec<Told> {
        let put: Vec<_> = {
            let shared = self.lock();
            let dependents = shared.memory.dependents().map(|(_, dependent)| dependent);
            let meant = dependents.filter(|dependent| digests.contains(&dependent.digest));
            meant.filter_map(|it| Some((Arc::clone(it), it.put_at()?))).collect()
        };
        // Each is a request. What is not asked about is given up there.
        const ASKED: usize = 64;
        let told = put.into_iter().take(ASKED).filter_map(|(dependent, (epoch, removals))| {
            let at = Ticket::new(epoch, removals);
            let changes =
                self.ask(Kind::Store, |store, function| store.changes(function, Some(at)));
            let is_newer = match changes?.1 {
                Changes::Nothing => true,
                Changes::Removed(keys) => !keys.contains(&dependent.digest),
                Changes::Everything => false,
            };
            Some(Told { dependent, is_newer })
        });
        told.collect()
    }

    /// A result goes from memory, and is not put into the store any more: if the moment at which it was is
    /// meant, it is not to be found there either; nor is what it was to replace, if it was not yet. With
    /// the lock of the cache.
    pub(in crate::cache) fn give_up_stored(
        &self,
        dependent: &Dependent,
        is_meant: impl Fn(Option<Put>) -> bool,
    ) {
        if is_meant(dependent.gone_from_memory()) {
            self.backing.note_pending_removal(dependent.digest);
        }
    }

    /// All results go from memory: what was put into the store is in it, but for this epoch.
    pub(in crate::cache) fn give_up_all_but(&self, shared: &Shared, over: Option<u64>) {
        for (_, dependent) in shared.memory.dependents() {
            self.give_up_stored(dependent, |put| put.is_none_or(|(of, _)| Some(of) != over));
        }
    }

    /// The same of those with a tag that was cleared in the store: they may have been put since.
    pub(in crate::cache) fn give_up_tagged(&self, shared: &Shared, tag: TagHash) {
        for (entry, dependent) in shared.memory.dependents() {
            if entry.tags().any(|other| other == tag) {
                self.give_up_stored(dependent, |_| true);
            }
        }
    }
}
