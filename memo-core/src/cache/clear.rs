//! Clearing a function in memory and in its backing store, and with it what is computed from it.

use crate::platform::sync::MutexGuard;

use super::{Cache, Shared};
use crate::flight::Fenced;
use crate::function::dependents::Turn;
use crate::function::event::EventKind;
use crate::function::registry::{between, note_clearing, Held, Released, Step};
use crate::key::tags::{hash_of_tag, Tag, TagHash, Tags};
use crate::memory::entry::View;
use crate::reclaim;

/// A cache that is locked.
pub(super) struct Locked {
    cache: &'static Cache,
    shared: MutexGuard<'static, Shared>,
    fenced: Fenced,
    /// All of it was cleared, as far as it will be.
    is_cleared: bool,
}

impl Cache {
    pub(super) fn held(&'static self) -> Locked {
        Locked { cache: self, shared: self.lock(), fenced: Fenced::none(), is_cleared: false }
    }

    /// Empties memory; what is computed now is not stored.
    pub(crate) fn forget_all(&'static self) {
        self.forget_all_but(None);
    }

    /// The same, as the store was cleared and this epoch is over: what was put in it is void there.
    pub(super) fn forget_all_but(&'static self, over: Option<u64>) {
        self.clear_step_after(Step::Forget, |shared| self.give_up_all_but(shared, over));
    }

    /// Empties memory and the store. What is computed meanwhile may come from what is still there
    /// of either, and is stored in neither.
    pub(super) fn clear_with_store(&'static self) {
        if !self.has_store() {
            return self.clear_step(Step::Whole);
        }
        between(
            |step| self.clear_step(step),
            || {
                self.clear_store();
            },
        );
    }

    pub(super) fn clear_step(&'static self, step: Step) {
        self.clear_step_after(step, |_| ());
    }

    /// The same, once that is done under the lock.
    fn clear_step_after(&'static self, step: Step, before: impl FnOnce(&Shared)) {
        let (turn, mut held) = Turn::with(|| Box::new(self.held()), |held| held.has_dependents());
        before(&held.shared);
        held.clear(step);
        held.release().conclude(turn, step);
        reclaim::free_more();
    }
}

impl Shared {
    /// Whether what has these tags is being cleared.
    pub(super) fn is_clearing(&self, tags: Option<&Tags>) -> bool {
        self.clearing > 0
            || (!self.clearing_tags.is_empty()
                && tags.is_some_and(|tags| self.clearing_tags.iter().any(|tag| tags.has(*tag))))
    }

    /// The same of an entry.
    pub(super) fn is_clearing_entry(&self, entry: View<'_>) -> bool {
        self.clearing > 0
            || (!self.clearing_tags.is_empty()
                && entry.tags().any(|tag| self.clearing_tags.contains(&tag)))
    }

    /// Forgets what has a tag, and fences what is computed with it.
    fn forget_tagged(&mut self, cache: &Cache, tag: TagHash) -> Fenced {
        self.memory.remove_tagged(&cache.table, tag, usize::MAX);
        if let Some(dependents) = &mut self.dependents {
            dependents.forget_tagged(tag);
        }
        self.flights.fence_tagged(tag)
    }
}

impl Cache {
    /// Forgets in memory what has one of these tags.
    pub(crate) fn forget_tags(&'static self, tags: &[Tag]) {
        let (fenced, freed) = self.invalidate(|shared| {
            let mut fenced = Fenced::none();
            for tag in tags.iter().map(hash_of_tag) {
                self.give_up_tagged(shared, tag);
                fenced.add(shared.forget_tagged(self, tag).leaving_older());
            }
            fenced
        });
        fenced.wake();
        drop(freed);
    }
}

impl Held for Locked {
    fn has_dependents(&self) -> bool {
        self.shared.dependents.is_some()
    }

    fn clear(&mut self, step: Step) {
        let shared = &mut *self.shared;
        match step {
            Step::Begin | Step::Close => shared.clearing += 1,
            Step::End => shared.clearing -= 1,
            Step::Whole | Step::Forget => {}
            Step::Anew => {
                shared.clearing = 0;
                shared.clearing_tags.clear();
            }
        }
        shared.memory.note_clear(&self.cache.table, self.cache.misses_so_far(shared.misses));
        shared.memory.clear(&self.cache.table);
        if let Some(dependents) = &mut shared.dependents {
            dependents.forget_all();
        }
        self.is_cleared = matches!(step, Step::Whole | Step::End);
        let fenced = shared.flights.fence_all();
        // What the store has is as it was.
        self.fenced.add(if step == Step::Forget { fenced.leaving_older() } else { fenced });
    }

    fn clear_tag(&mut self, tag: TagHash, step: Step) {
        let shared = &mut *self.shared;
        note_clearing(&mut shared.clearing_tags, tag, step);
        self.fenced.add(match step {
            Step::Begin => {
                // What uses meanwhile what is still there is void at the end.
                shared.flights.fence_tagged(tag)
            }
            _ => shared.forget_tagged(self.cache, tag),
        });
    }

    fn release(self: Box<Self>) -> Released {
        let Self { cache, mut shared, fenced, is_cleared } = *self;
        let dependents = shared.taken_dependents();
        drop(shared);
        let free = move || {
            cache.free();
            if is_cleared {
                cache.tell_of_all(|| EventKind::Cleared);
            }
        };
        Released { dependents, wake: Box::new(move || fenced.wake()), free: Box::new(free) }
    }
}
