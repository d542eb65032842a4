//! What entries were computed by, of functions with `depends`.

use std::ptr::NonNull;
use std::sync::Arc;

use super::Memory;
use crate::function::causes::Cause;
use crate::function::dependents::Dependent;
use crate::key::Hashes;
use crate::memory::entry::{Entry, View};
use crate::memory::table::Table;

impl Memory {
    /// Whether this very entry is there.
    pub(crate) fn has(&self, table: &Table, view: View<'_>) -> bool {
        let is_it = |other: View<'_>| std::ptr::eq(other.entry, view.entry);
        self.writer.locate(table, view.hashes(), is_it).is_some()
    }

    /// The entry with these hashes that is meant.
    pub(crate) fn at<'t>(
        &self,
        table: &'t Table,
        hashes: Hashes,
        is_meant: impl Fn(View<'_>) -> bool,
    ) -> Option<View<'t>> {
        self.writer.locate(table, hashes, is_meant).map(|(_, view)| view)
    }

    /// What has computed an entry that is there, of a function with `depends`.
    pub(crate) fn dependent(&self, view: View<'_>) -> Option<&Arc<Dependent>> {
        self.depending.as_ref()?.get(view)
    }

    /// What has computed which entry, of those that are there.
    pub(crate) fn dependents(&self) -> impl Iterator<Item = (View<'_>, &Arc<Dependent>)> {
        let depending = self.depending.iter().flat_map(|depending| depending.each());
        // SAFETY: what is noted there is linked in the table.
        depending.map(|(entry, dependent)| (unsafe { View::new(entry) }, dependent))
    }

    /// Notes what has computed an entry that was stored just now.
    pub(crate) fn note_dependent(&mut self, entry: NonNull<Entry>, dependent: Arc<Dependent>) {
        self.depending.get_or_insert_default().add(entry, dependent);
    }

    /// Removes the entry that was computed so, if it is still there.
    pub(crate) fn remove_dependent(
        &mut self,
        table: &Table,
        hashes: Hashes,
        cause: Cause,
        is_meant: impl Fn(&Arc<Dependent>) -> bool,
    ) {
        let is_it = |view: View<'_>| self.dependent(view).is_some_and(&is_meant);
        if let Some((_, view)) = self.writer.locate(table, hashes, is_it) {
            self.remove_for(table, view, cause);
        }
    }

    /// Of how many entries that are there it is known what has computed them.
    pub(crate) fn count_dependents(&self) -> usize {
        self.depending.as_ref().map_or(0, |depending| depending.len())
    }

    /// Removes those that are meant of the entries of which that is not known.
    pub(crate) fn remove_independent(
        &mut self,
        table: &Table,
        is_meant: impl Fn(View<'_>) -> bool,
    ) {
        let depending = self.depending.take();
        if depending.as_ref().is_none_or(|depending| depending.len() < self.entries()) {
            let is_known =
                |entry: View<'_>| depending.as_ref().is_some_and(|it| it.get(entry).is_some());
            self.remove_if(table, |entry| !is_known(entry) && is_meant(entry));
        }
        self.depending = depending;
    }
}
