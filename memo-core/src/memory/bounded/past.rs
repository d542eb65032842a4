//! What is remembered: when entries came, and why they went.

use super::Memory;
use crate::clock::Tick;
use crate::function::causes::Cause;
use crate::memory::entry::{born_at, View};
use crate::memory::gone::{self, How};
use crate::memory::table::Table;
use crate::platform::sync::atomic::Ordering;

impl Memory {
    /// When an entry was stored, or a little earlier.
    pub(crate) fn born(&self, view: View<'_>) -> Tick {
        let queued = view.entry.queued.load(Ordering::Relaxed);
        let queues = self.queues.as_ref();
        born_at(queues.map_or(Some(queued), |queues| queues.born(queued)).unwrap_or(0))
    }

    /// Removes this very entry, for a reason that is remembered and told.
    pub(crate) fn remove_for(&mut self, table: &Table, view: View<'_>, cause: Cause) -> bool {
        self.note(view, cause);
        let how = if cause == Cause::Evicted { How::Evicted } else { How::Removed };
        gone::note(&mut self.gone, view, how);
        self.remove_this(table, view)
    }

    /// Counts an entry that goes for its age.
    pub(super) fn expired(&mut self, view: View<'_>) {
        self.expirations += 1;
        self.note(view, Cause::Expired);
        gone::note(&mut self.gone, view, How::Expired);
    }

    /// Remembers why an entry goes.
    pub(super) fn note(&mut self, view: View<'_>, cause: Cause) {
        let at = match cause {
            Cause::Expired => view.expiry(),
            Cause::Cleared => Some(self.clock.now()),
            _ => None,
        };
        self.causes.note(view.hashes().thorough, cause, at.unwrap_or(Tick::from_nanos(0)));
    }

    /// Remembers a clear, which follows, after so many misses.
    pub(crate) fn note_clear(&mut self, table: &Table, misses: u64) {
        // SAFETY: linked in the table.
        let hash = |entry| unsafe { View::new(entry) }.hashes().thorough;
        let (entries, now) = (self.entries(), self.clock.now());
        let some = self.writer.each(table).map(hash);
        self.causes.note_clear((entries, misses), now, some);
    }
}
