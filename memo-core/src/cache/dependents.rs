//! What was computed from a function's results, and what its own were computed from.

use std::sync::Arc;

use super::{Cache, Claimant, Shared};
use crate::background::pool::STORES;
use crate::clock::Tick;
use crate::flight::{self, Flight};
use crate::function::causes::Cause;
use crate::function::dependents::{self, Dependent, Taken};
use crate::key::tags::{TagHash, Tags};
use crate::key::DIGEST;
use crate::memory::entry::View;

impl Shared {
    /// What was computed from a call is to be voided.
    pub(super) fn forget_dependents(&mut self, digest: &[u8; DIGEST]) {
        if let Some(dependents) = &mut self.dependents {
            dependents.forget(digest);
        }
    }

    /// What is to be voided once the lock is released.
    pub(super) fn taken_dependents(&mut self) -> Taken {
        self.dependents.as_mut().map(|dependents| dependents.take()).unwrap_or_default()
    }

    /// Notes that a computation uses what a call comes to, unless that is known.
    fn note_dependent(
        &mut self,
        function: &'static Cache,
        digest: &[u8; DIGEST],
        tags: impl Iterator<Item = TagHash>,
        dependent: &Arc<Dependent>,
    ) {
        let mut tags = tags.peekable();
        if !dependent.calls(function.address(), digest, tags.peek().is_some()) {
            return;
        }
        let dependents = self.dependents.get_or_insert_with(|| {
            dependents::list(function);
            Box::default()
        });
        dependents.add(digest, tags, dependent);
    }
}

impl Cache {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Notes what a call in the body of a computation is about to use, whatever it finds.
    #[cold]
    pub(super) fn note_call(
        &'static self,
        shared: &mut Shared,
        flight: &Flight,
        around: &Arc<Dependent>,
    ) {
        let tags = flight.tags.iter().flat_map(Tags::hashes);
        shared.note_dependent(self, &flight.digest, tags, around);
    }

    /// Notes that the computation whose body this thread is in uses an entry that was found; false if that
    /// is there no more, and is none to be used.
    pub(crate) fn note_hit(&'static self, digest: &[u8; DIGEST], entry: View<'_>) -> bool {
        flight::recording().is_none_or(|around| self.note_hit_in(&around, digest, entry))
    }

    #[cold]
    fn note_hit_in(
        &'static self,
        around: &Arc<Dependent>,
        digest: &[u8; DIGEST],
        entry: View<'_>,
    ) -> bool {
        let mut shared = self.lock();
        // Whatever takes it out takes its dependents, under this lock.
        if !shared.memory.has(&self.table, entry) {
            return false;
        }
        shared.note_dependent(self, digest, entry.tags(), around);
        let from = shared.memory.dependent(entry).cloned();
        drop(shared);
        around.uses(from, entry.served_until());
        true
    }

    /// Notes that the computation whose body this thread is in was told whether there is a result of a call,
    /// which is so until then.
    pub(crate) fn note_look(&'static self, digest: &[u8; DIGEST], until: Option<Tick>) {
        if let Some(around) = flight::recording() {
            self.lock().note_dependent(self, digest, std::iter::empty(), &around);
            around.uses(None, until);
        }
    }

    /// Notes that a call uses the result of another, whose flight it waited for.
    pub(super) fn note_shared(&self, call: &Flight, awaited: &Flight, entry: View<'_>) {
        if let Some(around) = call.around() {
            let stored = self.lock().memory.dependent(entry).cloned();
            // It may have been evicted by now, or never stored.
            around.uses(stored.or_else(|| awaited.answer().cloned()), entry.served_until());
        }
    }

    /// Notes under the lock what a computation has come to, of which something is noted.
    #[cold]
    pub(super) fn note_end(
        &'static self,
        shared: &mut Shared,
        call: &Claimant,
        result: Option<View<'_>>,
    ) {
        let flight = &call.flight;
        if let Some(own) = flight.dependent() {
            own.conclude();
        }
        let Some(around) = flight.around() else { return };
        if call.is_forced {
            // It was not noted before, lest its own result voids it. What was forgotten meanwhile has not
            // found it, then.
            self.note_call(shared, flight, around);
            if flight.is_fenced() || shared.is_clearing(flight.tags.as_ref()) {
                around.spoil();
            }
        }
        let stored = result.and_then(|entry| shared.memory.dependent(entry));
        let from = stored.or(flight.dependent()).cloned();
        around.uses(from, result.and_then(View::served_until));
    }

    /// Forgets what a computation has left, or is about to leave.
    pub(super) fn void_dependent(
        &'static self,
        dependent: &Arc<Dependent>,
        left: &mut Taken,
    ) -> Option<Box<dyn FnOnce()>> {
        if !dependent.make_void() {
            return None;
        }
        let (fenced, freed) = self.change(|shared| {
            let is_meant = |own: &Arc<Dependent>| Arc::ptr_eq(own, dependent);
            shared.memory.remove_dependent(&self.table, dependent.hashes, Cause::Cleared, is_meant);
            if self.has_store() {
                // Nothing of it is taken from there before that is done.
                self.backing.note_pending_removal(dependent.digest);
            }
            shared.forget_dependents(&dependent.digest);
            left.add(shared.taken_dependents());
            shared.flights.fence_dependent(dependent)
        });
        let digest = self.has_store().then_some(dependent.digest);
        let let_go = dependent.let_go();
        Some(Box::new(move || {
            fenced.wake();
            drop((freed, let_go));
            if let Some(digest) = digest {
                // Nobody who clears something else waits for this store.
                let remove = Box::new(move || {
                    self.remove_from_store(&digest);
                });
                let _ = STORES.run(remove).map_err(|job| job());
            }
        }))
    }
}
