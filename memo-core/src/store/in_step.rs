//! Up to which moment memory knows what was invalidated in a store.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Tick;
use crate::platform::sync::Mutex;
use crate::store::Ticket;

/// How far memory has followed one history of a store: that of a function's calls, or that of tags.
pub(crate) struct InStep {
    /// The moment up to which memory knows what others invalidated.
    pub(super) last_synced: Mutex<Option<Ticket>>,
    /// Until when, as a [`Tick`], memory answers without asking.
    fresh_until: AtomicU64,
    /// How often the store said that there are invalidations.
    invalidations: AtomicU64,
}

/// What is to be asked, and from when: taken before the store is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) since: Option<Ticket>,
    asked: Tick,
    invalidations: u64,
}

impl InStep {
    /// To be asked for at the first call.
    pub(crate) const fn new() -> Self {
        Self {
            last_synced: Mutex::new(None),
            fresh_until: AtomicU64::new(0),
            invalidations: AtomicU64::new(0),
        }
    }

    /// It is never to be asked for.
    pub(crate) const fn ignored(mut self) -> Self {
        self.fresh_until = AtomicU64::new(u64::MAX);
        self
    }

    /// It is, after all.
    pub(crate) const fn follow(&mut self) {
        self.fresh_until = AtomicU64::new(0);
    }

    pub(super) fn invalidated(&self) {
        // Counted before memory is told to ask: see `synced`.
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        self.fresh_until.store(0, Ordering::SeqCst);
    }

    /// Whether memory has answered for as long as it may on its own.
    #[inline]
    pub(crate) fn needs_sync(&self) -> bool {
        // Acquire: what was invalidated up to that moment is so for whoever sees it.
        let until = self.fresh_until.load(Ordering::Acquire);
        until != u64::MAX && Tick::now().nanos() >= until
    }

    pub(crate) fn question(&self) -> Question {
        let asked = Tick::now();
        let invalidations = self.invalidations.load(Ordering::SeqCst);
        Question { since: self.last_synced(), asked, invalidations }
    }

    /// Memory is as it should be since the question, and may answer for so many nanoseconds.
    pub(crate) fn synced(&self, question: Question, max_staleness: u64) {
        // SeqCst, as in `invalidated`: invalidations after the question are either seen below, or
        // their own store comes after this one.
        self.fresh_until.store(question.asked.plus(max_staleness).nanos(), Ordering::SeqCst);
        if self.invalidations.load(Ordering::SeqCst) != question.invalidations {
            self.fresh_until.store(0, Ordering::SeqCst);
        }
    }

    pub(crate) fn last_synced(&self) -> Option<Ticket> {
        *self.last_synced.lock()
    }

    pub(crate) fn set_last_synced(&self, ticket: Ticket) {
        *self.last_synced.lock() = Some(ticket);
    }

    /// This process removed a call, or cleared a tag: nothing that it would have to be told, unless
    /// others did too.
    pub(crate) fn removed(&self, ticket: Ticket) {
        let mut last_synced = self.last_synced.lock();
        let is_next = last_synced
            .is_some_and(|seen| seen.epoch == ticket.epoch && seen.removals + 1 == ticket.removals);
        if is_next {
            *last_synced = Some(ticket);
        }
    }
}
