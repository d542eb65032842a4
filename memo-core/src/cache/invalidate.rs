//! What takes entries out of the cache or puts others in their place, and what can be freed for it.

use super::{Cache, Shared};
use crate::background::release::{self, Leftovers};
use crate::flight::Key;
use crate::function::causes::Cause;
use crate::function::dependents::{Turn, Voided};
use crate::function::event::EventKind;
use crate::memory::bounded::Memory;
use crate::memory::entry::{Builder, Ref, View};
use crate::memory::gone::Gone;
use crate::platform::sync::{thread, MutexGuard};
use crate::reclaim::{self, Quota, Retired};
use crate::store::Ticket;

impl Cache {
    /// Removes a call from memory, which was removed from the store at that moment, if it has one.
    pub(crate) fn remove(&'static self, key: &Key, at: Option<Ticket>) -> bool {
        let ((removed, fenced), freed) = self.invalidate(|shared| {
            shared.forget_dependents(&key.digest);
            let fenced = shared.flights.fence(&key.digest);
            if let Some(at) = at {
                let there = shared.memory.peek(&self.table, &key.entry);
                if let Some(own) = there.and_then(|entry| shared.memory.dependent(entry)) {
                    // The answer may have been late, and a newer one may be there by now.
                    let is_since = |(epoch, removals)| epoch != at.epoch || removals >= at.removals;
                    self.give_up_stored(own, |put| put.is_some_and(is_since));
                }
            }
            let removed = shared.memory.remove(&self.table, &key.entry);
            if !removed && !fenced.is_none() {
                let hash = key.entry.hashes().thorough;
                shared.memory.causes.note_again(hash, Cause::Removed);
            }
            (removed, fenced)
        });
        fenced.wake();
        drop(freed);
        if removed {
            self.tell(&key.digest, || EventKind::Removed);
        }
        removed
    }

    /// Gives up an entry if it is the one meant; a flight that replaces it goes on.
    pub(crate) fn remove_if(&'static self, key: &Builder, is_meant: impl FnOnce(View<'_>) -> bool) {
        let ((), freed) = self.change(|shared| {
            if shared.memory.find(&self.table, key).is_some_and(is_meant) {
                shared.memory.remove(&self.table, key);
            }
        });
        drop(freed);
    }

    /// Gives up this very entry, which cannot be read back.
    pub(crate) fn remove_entry(&'static self, entry: &Ref) {
        let (_, freed) = self.change(|shared| {
            let hash = entry.view().hashes().thorough;
            shared.memory.causes.note_again(hash, Cause::Uncacheable);
            shared.memory.remove_same(&self.table, entry.view())
        });
        drop(freed);
    }

    /// Changes what is behind the lock. What can be freed for it is handed out, to be dropped when
    /// the caller has said what it has to say to others: a resource's drop is the user's code.
    pub(super) fn change<R>(&'static self, change: impl FnOnce(&mut Shared) -> R) -> (R, Freed) {
        let mut shared = self.lock();
        let result = change(&mut shared);
        (result, self.freed(&mut shared.memory, self.is_resource))
    }

    /// The same of what may have been used by others: what was computed from it is void.
    pub(super) fn invalidate<R>(
        &'static self,
        change: impl FnOnce(&mut Shared) -> R,
    ) -> (R, Freed) {
        self.invalidate_if(true, change)
    }

    /// The same, if anything that is there is to go.
    pub(super) fn invalidate_if<R>(
        &'static self,
        invalidates: bool,
        change: impl FnOnce(&mut Shared) -> R,
    ) -> (R, Freed) {
        let mut turn = None;
        let mut shared = self.lock();
        if invalidates && shared.dependents.is_some() {
            drop(shared);
            (turn, shared) = Turn::with(|| self.lock(), |_| true);
        }
        let result = change(&mut shared);
        let mut freed = self.freed(&mut shared.memory, self.is_resource);
        if let Some(turn) = turn {
            freed.voided = Some(void(turn, shared));
        }
        (result, freed)
    }

    /// The same, unless somebody holds the lock.
    pub(super) fn try_change<R>(
        &'static self,
        change: impl FnOnce(&mut Shared) -> R,
    ) -> Option<(R, Freed)> {
        let mut shared = self.shared.try_lock()?;
        let result = change(&mut shared);
        Some((result, self.freed(&mut shared.memory, self.is_resource)))
    }

    /// Frees what was given up without it.
    pub(super) fn free(&'static self) {
        let freed = self.freed(&mut self.lock().memory, true);
        drop(freed);
    }

    /// What can be freed by now; `at_once`, even if it is little.
    fn freed(&'static self, memory: &mut Memory, at_once: bool) -> Freed {
        let retired = memory.collect(at_once);
        let (has_leftovers, gone) = (at_once && !memory.is_clean(), memory.take_gone());
        Freed { cache: self, retired, has_leftovers, gone, voided: None }
    }

    /// Frees what no reader keeps from being freed; whether there is nothing that one keeps.
    fn free_now(&self) -> bool {
        reclaim::tend();
        let (retired, is_clean) = {
            let mut shared = self.lock();
            (shared.memory.collect(true), shared.memory.is_clean())
        };
        self.free_slice(retired);
        is_clean
    }

    /// Frees what was collected: resources at once, of data a slice, and the rest by and by.
    fn free_slice(&self, retired: Vec<Retired>) {
        reclaim::free(retired, if self.is_resource { Quota::all() } else { Quota::slice() });
    }
}

/// Voids what was computed from what has been taken out.
#[cold]
#[inline(never)]
fn void(turn: Turn, mut shared: MutexGuard<'_, Shared>) -> Voided {
    let dependents = shared.taken_dependents();
    drop(shared);
    turn.void(dependents)
}

/// What a change left to be freed, by dropping it outside the lock.
#[must_use]
pub(super) struct Freed {
    cache: &'static Cache,
    retired: Vec<Retired>,
    /// A reader kept some of it from being freed that should be freed at once.
    has_leftovers: bool,
    /// What the observer is to be told has gone.
    gone: Vec<Gone>,
    /// What was computed from it.
    voided: Option<Voided>,
}

/// How often it is looked again for leftovers, before the rest is left to others. A read takes
/// nanoseconds, but its thread may be made to pause.
const MAX_ATTEMPTS: usize = 100;

impl Freed {
    #[cold]
    #[inline(never)]
    fn tell_gone(&mut self) {
        for Gone { digest, how } in std::mem::take(&mut self.gone) {
            self.cache.tell(&digest, || how.into());
        }
    }
}

impl Drop for Freed {
    fn drop(&mut self) {
        if !self.gone.is_empty() {
            self.tell_gone();
        }
        if let Some(voided) = self.voided.take() {
            voided.conclude();
        }
        self.cache.free_slice(std::mem::take(&mut self.retired));
        reclaim::tend();
        if !self.has_leftovers {
            return;
        }
        for _ in 0..MAX_ATTEMPTS {
            if self.cache.free_now() {
                return;
            }
            thread::yield_now();
        }
        // What is only memory can wait for the next write.
        if self.cache.is_resource {
            release::watch_leftovers(self.cache);
        }
    }
}

impl Leftovers for Cache {
    fn free(&self) -> bool {
        self.free_now()
    }
}
