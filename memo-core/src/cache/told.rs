//! What the observer is told of a function.

use std::time::Duration;

use super::claimant::{Call, Claimant};
use super::{Cache, Outcome};
use crate::background::pool::is_background;
use crate::function::event::{self, EventKind, KeyId};
use crate::function::why::Why;
use crate::key::DIGEST;
use crate::memory::entry::View;

/// What a computation's end is told by, noted before that is stored.
pub(super) struct End {
    digest: [u8; DIGEST],
    took: Option<Duration>,
    bytes: usize,
    is_forced: bool,
}

impl End {
    /// What is to be told of it, if there is anybody to tell.
    #[inline]
    pub(super) fn of(call: &Claimant, outcome: &Outcome) -> Option<Self> {
        event::is_observed().then(|| Self {
            digest: call.flight.digest,
            took: call.took.map(Duration::from_nanos).or_else(|| until_panic(call)),
            bytes: match outcome {
                Outcome::Store(entry) => entry.view().entry.bytes(),
                Outcome::Share(_)
                | Outcome::Withhold(_)
                | Outcome::Tell(_)
                | Outcome::Forget(..)
                | Outcome::Leave => 0,
            },
            is_forced: call.is_forced && call.doubted.is_none(),
        })
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell(self, cache: &Cache, is_stored: bool) {
        let Self { digest, took, bytes, is_forced } = self;
        if let Some(took) = took {
            cache.tell(&digest, || EventKind::Computed { took, bytes });
        }
        if is_stored {
            cache.tell(&digest, || EventKind::Stored);
        }
        if is_forced {
            cache.tell(&digest, || EventKind::Refreshed { ok: is_stored });
        }
    }
}

/// How long a body ran that panicked. The statistics have no time of it.
fn until_panic(call: &Claimant) -> Option<Duration> {
    (call.has_key() && call.flight.has_panicked()).then(|| call.flight.elapsed())
}

impl Cache {
    /// Tells of something about a call, if there is anybody to tell. The caller holds no lock.
    #[inline]
    pub(crate) fn tell(&self, digest: &[u8; DIGEST], kind: impl FnOnce() -> EventKind) {
        if event::is_observed() {
            event::tell(self.name(), Some(KeyId::of(digest)), kind());
        }
    }

    /// The same, of the whole function.
    #[inline]
    pub(super) fn tell_of_all(&self, kind: impl FnOnce() -> EventKind) {
        if event::is_observed() {
            event::tell(self.name(), None, kind());
        }
    }

    /// Tells of a miss.
    #[inline]
    pub(super) fn tell_miss(&self, call: &mut Claimant) {
        if event::is_observed() {
            self.tell_miss_of(call);
        }
        self.show(call);
    }

    /// A computation begins: its span, and what a terminal shows of it.
    #[inline]
    pub(super) fn show(&self, call: &mut Claimant) {
        if let Some(text) = self.limits.spinner.filter(|_| !is_background()) {
            call.flight.begin_spinner(if text.is_empty() { self.name() } else { text });
        }
        let digest = &call.flight.digest;
        call.flight.span.begin(self.name(), digest, || self.why_of(call.key()));
        let Call { flight, entered, .. } = &mut **call;
        if let Some(entered) = entered {
            entered.enter_span(flight);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_miss_of(&self, call: &Claimant) {
        let digest = &call.flight.digest;
        self.tell(digest, || EventKind::Missed(self.why_of(call.key())));
    }

    /// Tells of something about the call of an entry.
    #[inline]
    pub(crate) fn tell_of(&self, entry: View<'_>, kind: impl FnOnce() -> EventKind) {
        if event::is_observed() {
            self.tell(&entry.digest_of_key(), kind);
        }
    }

    /// Counts a call that makes no key, and runs uncached.
    pub(crate) fn missed_without_key(&self) {
        self.count_miss();
        self.tell_of_all(|| EventKind::Missed(Why::Uncacheable));
    }
}
