//! A function's backing store, and what could not be invalidated in it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::clock;
use crate::function::identity::{self, Claim, Identified, Source};
use crate::key::DIGEST;
use crate::platform::process;
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::{Condvar, Mutex, CAN_WAIT};
use crate::store::in_step::InStep;
use crate::store::known::{self, caught, Known};
use crate::store::removals::Removals;
use crate::store::{Failure, FunctionId, Store, Unavailable};

/// The backing store of one function. Functions without one have this too, empty.
pub(crate) struct Backing {
    /// Opens the store, at the first call.
    open: Option<fn() -> Arc<dyn Store>>,
    source: Source,
    version: fn() -> u64,
    /// One process computes a call for all.
    is_fleet: bool,
    opened: OnceCell<Opened>,
    /// Held by the call that opens it. Not the cell's own lock: that has no bound, and what opens a
    /// store may call the function.
    opening: Opening,
    /// Of calls and of clears of this function.
    pub(crate) calls: InStep,
    /// Of clears of tags, if the function's results have any.
    pub(crate) tags: InStep,
    is_tagged: bool,
    /// How often what is in the store was to be forgotten, and could not be; and up to which of them
    /// that was made up for.
    clears_failed: AtomicU64,
    clears_made_up: AtomicU64,
    removals: Removals,
    /// Another function of this process is known there by the same: neither uses the store.
    is_ambiguous: AtomicBool,
    pub(crate) errors: AtomicU64,
}

pub(crate) struct Opened {
    known: &'static Known,
    fingerprint: [u8; 16],
    longest_life: Option<u64>,
}

impl Opened {
    fn unavailable(why: &'static str, fingerprint: [u8; 16]) -> Self {
        let known = Known::unlisted(Arc::new(Unavailable(why)));
        Self { known, fingerprint, longest_life: None }
    }
}

/// The right to open a store, which one call has at a time.
struct Opening {
    taken: Mutex<Option<Taken>>,
    is_over: Condvar,
}

#[derive(Clone, Copy)]
struct Taken {
    /// The [generation](process::generation) of the process in which it is: what the parent of this
    /// one was opening, nobody opens here.
    generation: u32,
    /// Somebody has waited for it in vain: it may be for who opens the store itself.
    is_late: bool,
}

/// How long a call waits for another that opens the store; once.
const OPENING: Duration = Duration::from_secs(1);

impl Opening {
    const fn new() -> Self {
        Self { taken: Mutex::new(None), is_over: Condvar::new() }
    }

    /// The right; none, if another call has it for so long.
    fn take(&self) -> Option<Turn<'_>> {
        let generation = process::generation();
        let mut taken = self.taken.lock();
        let mut is_late = !CAN_WAIT;
        while let Some(other) = taken.as_mut().filter(|other| other.generation == generation) {
            other.is_late |= is_late;
            if other.is_late {
                return None;
            }
            (taken, is_late) = self.is_over.wait_for(taken, OPENING);
        }
        *taken = Some(Taken { generation, is_late: false });
        Some(Turn(self))
    }
}

/// The right to open a store, until it is dropped.
struct Turn<'o>(&'o Opening);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock() = None;
        self.0.is_over.notify_one();
    }
}

impl Backing {
    pub(crate) const fn new() -> Self {
        Self {
            open: None,
            source: Source::NONE,
            version: || 0,
            is_fleet: false,
            opened: OnceCell::new(),
            opening: Opening::new(),
            calls: InStep::new(),
            tags: InStep::new().ignored(),
            is_tagged: false,
            clears_failed: AtomicU64::new(0),
            clears_made_up: AtomicU64::new(0),
            removals: Removals::new(),
            is_ambiguous: AtomicBool::new(false),
            errors: AtomicU64::new(0),
        }
    }

    /// In a child of `fork` its locks are free.
    #[cfg(unix)]
    pub(crate) fn before_fork(&'static self) -> Unlock {
        let calls = self.calls.last_synced.lock();
        let tags = self.tags.last_synced.lock();
        let removals = self.removals.lock();
        let taken = self.opening.taken.lock();
        Box::new(move |_| drop((taken, removals, tags, calls)))
    }

    pub(crate) const fn set_store(&mut self, open: fn() -> Arc<dyn Store>) {
        self.open = Some(open);
    }

    pub(crate) const fn set_source(&mut self, source: Source) {
        self.source = source;
    }

    pub(crate) const fn set_version(&mut self, version: fn() -> u64) {
        self.version = version;
    }

    pub(crate) const fn set_tagged(&mut self) {
        self.is_tagged = true;
        self.tags.follow();
    }

    pub(crate) const fn set_fleet(&mut self) {
        self.is_fleet = true;
    }

    pub(crate) fn is_fleet(&self) -> bool {
        self.is_fleet
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn has_store(&self) -> bool {
        self.open.is_some()
    }

    /// Asks the store something. A panic of it is an error of it.
    pub(crate) fn ask<R>(
        &'static self,
        identified: &'static dyn Identified,
        question: impl FnOnce(&dyn Store, &FunctionId<'_>) -> Result<R, Failure>,
    ) -> Result<R, String> {
        let opened = self.opened(identified)?;
        let function = FunctionId::new(identified.stored_name(), opened.fingerprint);
        caught(|| question(&*opened.known.store, &function))
    }

    /// The store, opened if it is not, of the function whose store this is.
    pub(crate) fn opened(
        &'static self,
        identified: &'static dyn Identified,
    ) -> Result<&'static Opened, String> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let Some(opening) = self.opening.take() else {
            return Err("it is still being opened, perhaps by a call of this function".into());
        };
        let mut ambiguous = Vec::new();
        if self.opened.get().is_none() {
            let version = caught(|| Ok((self.version)()));
            let fingerprint =
                self.source.fingerprint(identified.stored_name(), *version.as_ref().unwrap_or(&0));
            // Known before anybody can find it opened, and ask it.
            if let Claim::Ambiguous(other) = identity::claim(fingerprint, identified) {
                ambiguous.push(identified);
                ambiguous.extend(other);
                ambiguous.iter().for_each(|identified| identified.set_ambiguous());
            }
            let opened = match version {
                Ok(_) => self.open_store(identified.stored_name(), fingerprint),
                Err(_) => Opened::unavailable("its `version` panicked", fingerprint),
            };
            // Only who has the right sets it. Under its lock, which is taken before a fork: a child
            // never finds it half set.
            let taken = self.opening.taken.lock();
            let _ = self.opened.set(opened);
            drop(taken);
        }
        drop(opening);
        ambiguous.into_iter().for_each(Identified::give_up_store);
        self.opened.get().ok_or_else(|| unreachable!("it has just been set"))
    }

    fn open_store(&'static self, name: &str, fingerprint: [u8; 16]) -> Opened {
        let opened = caught(|| {
            let open = self.open.ok_or("the function has none")?;
            let store = open();
            let known = known::enlist(Arc::clone(&store));
            store.on_invalidation(
                &FunctionId::new(name, fingerprint),
                Arc::new(|| self.calls.invalidated()),
            );
            if self.is_tagged && store.has_tags() {
                store.on_tag_invalidation(Arc::new(|| self.tags.invalidated()));
            }
            let longest_life = store.longest_life().map(nanos);
            Ok(Opened { known, fingerprint, longest_life })
        });
        // What panicked once is not asked again at every call.
        opened.unwrap_or_else(|_| Opened::unavailable("what opens it panicked", fingerprint))
    }

    /// The store, once it is opened, as all functions know it that use it.
    pub(crate) fn known(&self) -> Option<&'static Known> {
        self.opened.get().map(|opened| opened.known)
    }

    /// Whether the store knows of tags.
    ///
    /// # Errors
    /// It is not opened, or cannot tell.
    pub(crate) fn has_tags(&self) -> Result<bool, String> {
        self.known().ok_or("it is not opened yet")?.has_tags()
    }

    pub(crate) fn is_tagged(&self) -> bool {
        self.is_tagged
    }

    /// The longest that the store keeps anything, in nanoseconds.
    pub(crate) fn longest_life(&self) -> Option<u64> {
        self.opened.get().and_then(|opened| opened.longest_life)
    }

    /// How long memory answers on its own before it asks again what the store could not tell.
    pub(crate) fn until_asked_again(&self) -> u64 {
        // Who fails may have taken its time for that.
        const AGAIN: Duration = Duration::from_secs(1);
        self.max_staleness().min(if clock::EXISTS { nanos(AGAIN) } else { 0 })
    }

    /// How long memory may answer on its own.
    pub(crate) fn max_staleness(&self) -> u64 {
        let max_staleness =
            |opened: &Opened| caught(|| Ok(nanos(opened.known.store.max_staleness()))).unwrap_or(0);
        // Without a clock memory asks each time, or never.
        let max_staleness = self.opened.get().map_or(0, max_staleness);
        if clock::EXISTS || max_staleness == u64::MAX {
            max_staleness
        } else {
            0
        }
    }

    /// Whether memory has answered for as long as it may on its own.
    #[inline]
    pub(crate) fn needs_sync(&self) -> bool {
        self.calls.needs_sync() || self.tags.needs_sync()
    }

    /// This call must not be found in the store, though it may be there.
    pub(crate) fn note_pending_removal(&self, digest: [u8; DIGEST]) {
        if !self.is_ambiguous() {
            self.removals.note(digest, || self.clear_failed());
        }
    }

    pub(crate) fn is_removal_pending(&self, digest: &[u8; DIGEST]) -> bool {
        self.removals.has(digest)
    }

    /// How many removals were pending at one time or another: to be asked before the store is.
    pub(crate) fn removals_noted(&self) -> u64 {
        self.removals.noted()
    }

    /// It is forgotten there; all calls are, if nothing is said. What was noted since is not.
    pub(crate) fn removal_done(&self, digest: Option<&[u8; DIGEST]>, noted_before: u64) {
        self.removals.done(digest, noted_before);
    }

    /// Whether another function of this process is known to stores by the same.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.is_ambiguous.load(Ordering::Acquire)
    }

    /// From now on the store is not asked, but to be cleared: what it has may be another's.
    pub(crate) fn set_ambiguous(&self) {
        self.clear_failed();
        self.is_ambiguous.store(true, Ordering::Release);
    }

    /// Whether what is in the store is to be forgotten, and could not be. It is so as well while
    /// somebody is at it: until that is done, the store has what must not be found.
    pub(crate) fn is_clear_pending(&self) -> bool {
        // Made up for first: what fails in between is noticed.
        let made_up = self.clears_made_up.load(Ordering::Acquire);
        made_up != self.clears_failed.load(Ordering::Acquire)
    }

    pub(crate) fn clear_failed(&self) {
        self.clears_failed.fetch_add(1, Ordering::AcqRel);
    }

    /// How many clears failed, which one that begins now makes up for.
    pub(crate) fn clears_failed(&self) -> u64 {
        self.clears_failed.load(Ordering::Acquire)
    }

    /// Release: who sees it also sees what was done before.
    pub(crate) fn cleared(&self, failed_before: u64) {
        self.clears_made_up.fetch_max(failed_before, Ordering::AcqRel);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
