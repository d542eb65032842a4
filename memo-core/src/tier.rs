//! A function's store behind its memory: what is looked up there, put there, and made void there.
//!
//! What a store is told always precedes what memory is told. So a computation that began before a
//! clear is fenced in memory though it looked into the store before that was cleared.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cache::Cache;
use crate::clock::Tick;
use crate::entry::Ref;
use crate::error::Kind;
use crate::flight::{Flight, Key};
use crate::key::DIGEST;
use crate::store::{Changes, Failure, Found, Function, Lookup, Store, Ticket};

/// What is to be done with the store after a computation; nothing of the user's types in it.
#[derive(Debug)]
pub(crate) enum After {
    /// The result is put there.
    Save(Saving),
    /// What is there is older, and goes.
    Forget([u8; DIGEST]),
}

#[derive(Debug)]
pub(crate) struct Saving {
    pub(crate) digest: [u8; DIGEST],
    /// The moment of the look, which preceded the computation.
    pub(crate) ticket: Ticket,
    /// It replaces what may be there.
    pub(crate) replaces: bool,
    pub(crate) entry: Ref,
    /// What the value is made of.
    pub(crate) structure: u64,
}

/// What precedes a value's bytes in a store: its codec, and what it is made of.
const HEAD: usize = 16;

impl Saving {
    fn bytes(&self) -> Vec<u8> {
        let (entry, value) = (self.entry.view().entry, self.entry.view().value());
        let mut bytes = Vec::with_capacity(HEAD + value.len());
        bytes.extend([entry.codec(), 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(self.structure.to_le_bytes());
        bytes.extend(value);
        bytes
    }
}

/// A value as it came from a store.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) codec: u8,
    pub(crate) structure: u64,
    pub(crate) value: &'a [u8],
}

impl<'a> Stored<'a> {
    pub(crate) fn parse(found: &'a Found) -> Option<Self> {
        let (head, value) = found.value.split_first_chunk::<HEAD>()?;
        let [codec, _, _, _, _, _, _, _, structure @ ..] = *head;
        Some(Self { codec, structure: u64::from_le_bytes(structure), value })
    }
}

impl Cache {
    #[inline(always)]
    pub(crate) fn has_store(&self) -> bool {
        self.outer.has_store()
    }

    /// Asks the store; nothing, if it failed, which is counted and reported.
    fn ask<R>(
        &self,
        question: impl FnOnce(&dyn Store, &Function<'_>) -> Result<R, Failure>,
    ) -> Option<R> {
        let asked = self.outer.ask(self.site.name, question);
        asked.inspect_err(|why| self.count_store_error(why.clone())).ok()
    }

    fn count_store_error(&self, why: String) {
        self.outer.errors.fetch_add(1, Ordering::Relaxed);
        self.report(Kind::Store, why);
    }

    /// Whether the store may be read: what could not be cleared must not be.
    fn may_read(&self) -> bool {
        !self.outer.is_to_be_cleared() || self.clear_store()
    }

    /// What the store has of a call.
    pub(crate) fn load(&self, digest: &[u8; DIGEST]) -> Option<Lookup> {
        if !self.may_read() {
            return None;
        }
        let mut lookup = self.ask(|store, function| store.get(function, digest))?;
        // The `ttl` may be another than when it was put.
        let is_old = |found: &Found| self.rest_of(found.age).is_none();
        lookup.found = lookup.found.filter(|found| !is_old(found));
        Some(lookup)
    }

    /// What the store has of a flight's call, unless no other process could mean the same by it.
    pub(crate) fn load_for(&self, flight: &Flight) -> Option<Lookup> {
        if flight.is_local {
            let why = "a closure is part of the call, which no other process can name: \
                       results are kept in memory alone";
            self.report(Kind::Store, why.into());
            return None;
        }
        self.load(&flight.digest)
    }

    /// What the store has of a call that is only looked for.
    pub(crate) fn load_only(&self, key: &Key) -> Option<Found> {
        if key.is_local {
            return None;
        }
        self.load(&key.digest)?.found
    }

    /// When a result of that age expires, if it does; nothing, if it has.
    pub(crate) fn rest_of(&self, age: Duration) -> Option<Option<Tick>> {
        let Some(life) = self.whole_life() else { return Some(None) };
        let rest = life.checked_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX))?;
        (rest > 0).then(|| Some(Tick::now().plus(rest)))
    }

    /// Puts a result, or removes one.
    pub(crate) fn settle_store(&self, after: &After) {
        match after {
            After::Save(saving) => self.save(saving),
            After::Forget(digest) => {
                self.forget_in_store(digest);
            }
        }
    }

    fn save(&self, saving: &Saving) {
        if !self.may_read() {
            return;
        }
        let bytes = saving.bytes();
        let life = self.whole_life().map(Duration::from_nanos);
        let _ = self.ask(|store, function| {
            let ticket = if saving.replaces {
                match replaced(store, function, saving)? {
                    Some(ticket) => ticket,
                    None => return Ok(()),
                }
            } else {
                saving.ticket
            };
            store.put(function, &saving.digest, ticket, &bytes, life)
        });
    }

    /// Removes a call from the store; whether it was there.
    pub(crate) fn forget_in_store(&self, digest: &[u8; DIGEST]) -> bool {
        let removed = self.ask(|store, function| store.remove(function, digest));
        match removed {
            Some((was_there, ticket)) => {
                self.outer.removed(ticket);
                was_there
            }
            None => {
                // It may be there still, and must not be found again.
                self.outer.set_to_be_cleared(true);
                false
            }
        }
    }

    /// Clears the function in its store; whether that could be done.
    pub(crate) fn clear_store(&self) -> bool {
        let ticket = self.ask(|store, function| store.clear(function));
        if let Some(ticket) = ticket {
            self.outer.set_seen(ticket);
        }
        self.outer.set_to_be_cleared(ticket.is_none());
        ticket.is_some()
    }

    /// Makes void in memory what others made void in the store, if it is time to ask.
    pub(crate) fn keep_in_step(&'static self) {
        if !self.outer.is_due() {
            return;
        }
        let asked = Tick::now();
        let seen = self.outer.seen();
        // A store that cannot tell leaves memory as it is: it answers on.
        if let Some((ticket, changes)) = self.ask(|store, function| store.changes(function, seen)) {
            match changes {
                Changes::Nothing => {}
                Changes::Removed(keys) => self.forget_if(&keys.into_iter().collect()),
                Changes::Everything => self.forget_all(),
            }
            self.outer.set_seen(ticket);
        }
        self.outer.is_in_step(asked);
    }
}

/// Has everybody forget what a new result replaces: the moment after. Nothing, if the result is
/// void by now.
fn replaced(
    store: &dyn Store,
    function: &Function<'_>,
    saving: &Saving,
) -> Result<Option<Ticket>, Failure> {
    let (now, changes) = store.changes(function, Some(saving.ticket))?;
    match changes {
        Changes::Nothing => {}
        Changes::Removed(keys) if !keys.contains(&saving.digest) => {}
        Changes::Removed(_) | Changes::Everything => return Ok(None),
    }
    let (_, after) = store.remove(function, &saving.digest)?;
    // Another removal that came between the question and this one may have been of the same call.
    let is_next = after.epoch == now.epoch && after.removals == now.removals + 1;
    Ok(is_next.then_some(after))
}
