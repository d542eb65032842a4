//! Clearing a function in memory and in its backing store, and with it what is computed from it.

use crate::platform::sync::MutexGuard;

use super::{Cache, Shared};
use crate::flight::Fenced;
use crate::function::registry::{Held, Released, Step};
use crate::reclaim;

/// A cache that is locked.
pub(super) struct Locked {
    cache: &'static Cache,
    shared: MutexGuard<'static, Shared>,
    fenced: Fenced,
}

impl Cache {
    pub(super) fn held(&'static self) -> Locked {
        Locked { cache: self, shared: self.lock(), fenced: Fenced::none() }
    }

    /// Empties memory; what is computed now is not stored.
    pub(crate) fn forget_all(&'static self) {
        self.clear_step(Step::Whole);
    }

    /// Empties memory and the store. What is computed meanwhile may come from what is still there
    /// of either, and is stored in neither.
    pub(super) fn clear_with_store(&'static self) {
        struct End(&'static Cache);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.clear_step(Step::End);
            }
        }
        if !self.has_store() {
            return self.forget_all();
        }
        self.clear_step(Step::Begin);
        let _end = End(self);
        self.clear_store();
    }

    pub(super) fn clear_step(&'static self, step: Step) {
        let mut held = Box::new(self.held());
        held.clear(step);
        held.release().conclude();
        reclaim::free_more();
    }
}

impl Held for Locked {
    fn clear(&mut self, step: Step) {
        let shared = &mut *self.shared;
        match step {
            Step::Begin => shared.clearing += 1,
            Step::End => shared.clearing -= 1,
            Step::Whole => {}
            Step::Anew => shared.clearing = 0,
        }
        shared.memory.clear(&self.cache.table);
        self.fenced.add(shared.flights.fence_all());
    }

    fn release(self: Box<Self>) -> Released {
        let Self { cache, shared, fenced } = *self;
        drop(shared);
        Released { wake: Box::new(move || fenced.wake()), free: Box::new(|| cache.free()) }
    }
}
