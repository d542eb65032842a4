//! Asking of what is in memory what is to stay.

use super::{pin, Cache};
use crate::function::causes::Cause;
use crate::key::Scope;
use crate::memory::entry::{Ref, View};

/// So many entries are asked about before those that go are removed.
const BATCH: usize = 64;

impl Cache {
    /// Removes what is in memory of an instance of the function and not to be kept: how many entries.
    /// The question is the user's code, and asked outside locks.
    pub(crate) fn retain(
        &'static self,
        scope: Option<Scope>,
        is_kept: &mut dyn FnMut(View<'_>) -> bool,
    ) -> usize {
        let mut removed = 0;
        for batch in self.entries_of(scope).chunks(BATCH) {
            let goes = |entry: &&Ref| {
                // What is kept for a failure may answer yet.
                let is_kept_yet = entry.view().end().is_none_or(|end| end > self.now());
                is_kept_yet && !is_kept(entry.view())
            };
            let leaving: Vec<_> = batch.iter().filter(goes).collect();
            if leaving.is_empty() {
                continue;
            }
            let (count, freed) = self.invalidate(|shared| {
                let goes = |entry: &&&Ref| {
                    let view = entry.view();
                    let goes = shared.memory.remove_for(&self.table, view, Cause::Removed);
                    if goes && shared.dependents.is_some() {
                        shared.forget_dependents(&view.digest_of_key());
                    }
                    goes
                };
                leaving.iter().filter(goes).count()
            });
            drop(freed);
            removed += count;
        }
        removed
    }

    /// What is stored now of an instance; of all, if there is no more than one.
    fn entries_of(&self, scope: Option<Scope>) -> Vec<Ref> {
        let scope = scope.map(Scope::bytes);
        let pin = pin();
        let Some(table) = self.table.read(&pin) else { return Vec::new() };
        let is_of_scope =
            |entry: &View<'_>| scope.is_none_or(|scope| entry.scope() == Some(&scope));
        table.each().filter(is_of_scope).map(View::share).collect()
    }
}
