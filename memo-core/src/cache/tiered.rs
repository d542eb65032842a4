//! A function's backing store: what is loaded from it, written to it, and invalidated in it.
//!
//! What a store is told always precedes what memory is told. So a computation that began before a
//! clear is fenced in memory though it looked into the store before that was cleared.

pub(crate) mod stamps;
pub(crate) mod fleet;
mod told;

use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::life::Life;
use crate::cache::Cache;
use crate::clock::Tick;
use crate::flight::{span, Fenced, Flight, Key};
use crate::function::causes::Cause;
use crate::function::dependents::Dependent;
use crate::function::error::Kind;
use crate::function::event;
use crate::function::identity::Identified;
use crate::key::tags::Tags;
use crate::key::{Hashes, DIGEST};
use crate::memory::entry::{Entry, Ref, View};
use crate::store::{Changes, Failure, Found, FunctionId, Lease, Store, Ticket};
use stamps::{Look, Moment};

/// What is to be done with the store after a computation; nothing of the user's types in it.
#[derive(Debug)]
pub struct Write {
    pub(crate) what: StoreWrite,
    /// Given back when that is done.
    pub(crate) lease: Option<Lease>,
}

#[derive(Debug)]
pub(crate) enum StoreWrite {
    /// The result is put there.
    Put(Put),
    /// What is there is older, and goes. Where its entry would be, if that is known.
    Remove([u8; DIGEST], Option<Hashes>),
}

#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) digest: [u8; DIGEST],
    /// The moment of the look, which preceded the computation.
    pub(crate) moment: Moment,
    /// It replaces what may be there.
    pub(crate) replaces: bool,
    pub(crate) entry: Ref,
    /// What has computed it, of a function with `depends`.
    pub(crate) dependent: Option<Arc<Dependent>>,
    /// What the value is made of.
    pub(crate) structure: u64,
    pub(crate) life: Life,
}

/// What precedes a value's bytes in a store: its codec, its own life if it has one, and what it is made
/// of.
const HEAD: usize = 16;

impl Put {
    fn bytes(&self, own: Option<Life>) -> Vec<u8> {
        let (entry, value) = (self.entry.view().entry, self.entry.view().value());
        let mut bytes = Vec::with_capacity(HEAD + value.len());
        let life = own.map_or(0, Life::written);
        bytes.extend((life << 8 | u64::from(entry.codec())).to_le_bytes());
        bytes.extend(self.structure.to_le_bytes());
        bytes.extend(value);
        self.moment.write(&mut bytes);
        bytes
    }
}

/// A value as it came from a store.
#[derive(Debug)]
pub struct Stored<'a> {
    pub(crate) codec: u8,
    pub(crate) structure: u64,
    pub(crate) value: &'a [u8],
    /// What was said of its own life.
    pub(crate) life: Option<Life>,
}

impl<'a> Stored<'a> {
    pub(crate) fn parse(found: &'a Found) -> Option<Self> {
        let (head, value) = found.value.split_first_chunk::<HEAD>()?;
        let [codec, a, b, c, d, e, f, g, structure @ ..] = *head;
        let life = Life::read(u64::from_le_bytes([a, b, c, d, e, f, g, 0]));
        Some(Self { codec, structure: u64::from_le_bytes(structure), value, life })
    }
}

impl Cache {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn has_store(&self) -> bool {
        self.backing.has_store()
    }

    /// Asks the store; nothing, if it failed, which is counted and reported, or has nothing to say
    /// of this function alone.
    pub(super) fn ask<R>(
        &'static self,
        kind: Kind,
        question: impl FnOnce(&dyn Store, &FunctionId<'_>) -> Result<R, Failure>,
    ) -> Option<R> {
        #[cfg(unix)]
        super::fork::watch();
        // To open it is to find out.
        let _ = self.backing.opened(self);
        if self.backing.is_ambiguous() {
            return None;
        }
        self.ask_anyway(kind, question)
    }

    fn ask_anyway<R>(
        &'static self,
        kind: Kind,
        question: impl FnOnce(&dyn Store, &FunctionId<'_>) -> Result<R, Failure>,
    ) -> Option<R> {
        #[cfg(unix)]
        super::fork::watch();
        let _span = span::of_store(self.name());
        match self.backing.ask(self, question) {
            Ok(answer) => {
                self.report_again(kind);
                Some(answer)
            }
            Err(why) => {
                self.backing.errors.fetch_add(1, Ordering::Relaxed);
                self.report_store(kind, why);
                None
            }
        }
    }

    /// Whether the store may be asked about a call: what could not be cleared or removed must not
    /// be found.
    fn may_read(&'static self, digest: &[u8; DIGEST]) -> bool {
        if self.backing.is_clear_pending() {
            if !self.clear_store() {
                return false;
            }
            // What others invalidated meanwhile is not told any more.
            self.forget_all();
        }
        if self.backing.is_ambiguous() {
            return false;
        }
        if self.backing.is_removal_pending(digest) {
            self.remove_from_store(digest);
        }
        // Too many that are pending are one clear, which may be so since it was looked at above.
        !self.backing.is_removal_pending(digest) && !self.backing.is_clear_pending()
    }

    /// What the store has of a call with these tags.
    pub(crate) fn load(&'static self, digest: &[u8; DIGEST], tags: Option<&Tags>) -> Option<Look> {
        if !self.may_read(digest) {
            return None;
        }
        let began = event::is_observed().then(Tick::now);
        // What memory has forgotten already may still be there, and nobody would have it forgotten again.
        let is_clearing = self.lock().is_clearing(tags);
        let mut look = if self.backing.is_tagged() {
            self.load_tagged(digest, tags)?
        } else {
            self.ask(Kind::Store, |store, function| store.get(function, digest))?.into()
        };
        // The `ttl` may be another than when it was put.
        look.found = look.found.filter(|found| !is_clearing && self.remaining(found).is_some());
        look.took = began.map_or(Duration::ZERO, Tick::elapsed);
        Some(look)
    }

    /// What the store has of a flight's call, unless no other process could mean the same by it.
    pub(crate) fn load_for(&'static self, flight: &Flight) -> Option<Look> {
        if flight.is_local {
            let why = "a closure is part of the call, which no other process can name: \
                       results are kept in memory alone";
            self.report(Kind::Local, why.into());
            return None;
        }
        self.load(&flight.digest, flight.tags.as_ref())
    }

    /// What the store has of a call that is only looked for.
    pub(crate) fn load_only(&'static self, key: &Key) -> Option<Found> {
        if key.is_local {
            return None;
        }
        self.load(&key.digest, key.entry.tags())?.found
    }

    /// Puts a result, or removes one.
    pub(crate) fn write_to_store(&'static self, after: Write) {
        match &after.what {
            StoreWrite::Put(put) => self.save(put),
            StoreWrite::Remove(digest, hashes) => {
                self.remove_from_store(digest);
                if let Some(hashes) = *hashes {
                    self.forget_older(digest, hashes, None);
                }
            }
        }
        drop(after.lease);
    }

    /// The right to compute a call for all processes, or nothing while another has it.
    ///
    /// # Errors
    /// The store cannot tell.
    pub(crate) fn lease(&'static self, digest: &[u8; DIGEST]) -> Result<Option<Lease>, Unknown> {
        self.ask(Kind::Store, |store, function| store.lease(function, digest)).ok_or(Unknown)
    }

    fn save(&'static self, put: &Put) {
        if !self.may_read(&put.digest) {
            return;
        }
        if self.backing.is_tagged() && !self.may_use_tags(&put.moment.tags()) {
            return;
        }
        let mut ticket = put.moment.ticket;
        if put.replaces {
            let replaced = self.ask(Kind::Put, |store, function| replaced(store, function, put));
            self.forget_older(&put.digest, put.entry.view().hashes(), Some(put.entry.pointer()));
            match replaced {
                Some(Replaced::At(after)) => {
                    self.backing.calls.removed(after);
                    ticket = after;
                }
                Some(Replaced::Cleared) => return,
                // It may have been an older refresh of this process, whose result is there now.
                Some(Replaced::Removed) => {
                    self.remove_from_store(&put.digest);
                    return;
                }
                // What is there is older.
                None => return self.backing.note_pending_removal(put.digest),
            }
        }
        // Memory has forgotten it meanwhile: nobody would have it forgotten in the store.
        if put.dependent.as_ref().is_some_and(|own| !own.is_put((ticket.epoch, ticket.removals))) {
            return;
        }
        let life = self.time_served(put.life);
        let until = put.dependent.as_ref().and_then(|own| own.until());
        let left = until.map(|until| until.nanos().saturating_sub(self.now().nanos()));
        let (life, said) = match left {
            Some(0) => return,
            // It is served no longer than what it was computed from.
            Some(left) if life.is_none_or(|life| left < life) => {
                (Some(left), Some(self.life_served(left)))
            }
            _ => (life, self.has_own_lives().then_some(put.life)),
        };
        let bytes = put.bytes(said);
        let life = life.map(Duration::from_nanos);
        let _ = self.ask(Kind::Put, |store, function| {
            store.put(function, &put.digest, ticket, &bytes, life)
        });
    }

    /// Forgets in memory what was found in the store before a newer result removed it there, and what was
    /// computed from that. The newer one was in memory first, but whatever makes memory forget it has calls
    /// ask the store.
    fn forget_older(
        &'static self,
        digest: &[u8; DIGEST],
        hashes: Hashes,
        newer: Option<NonNull<Entry>>,
    ) {
        let (fenced, freed) = self.invalidate(|shared| {
            let is_it = |entry: View<'_>| entry.digest_of_key() == *digest;
            if let Some(found) = shared.memory.at(&self.table, hashes, is_it) {
                if Some(found.pointer()) == newer {
                    return Fenced::none();
                }
                if let Some(own) = shared.memory.dependent(found) {
                    self.give_up_stored(own, |_| true);
                }
                shared.memory.remove_for(&self.table, found, Cause::Removed);
            }
            shared.forget_dependents(digest);
            shared.flights.fence_found(digest)
        });
        fenced.wake();
        drop(freed);
    }

    /// Removes a call from the store: whether it was there, and the moment after; nothing, if that failed and
    /// is to be made up for.
    pub(crate) fn remove_from_store(
        &'static self,
        digest: &[u8; DIGEST],
    ) -> Option<(bool, Ticket)> {
        let noted_before = self.backing.removals_noted();
        let removed = self.ask(Kind::Put, |store, function| store.remove(function, digest));
        match removed {
            Some((_, ticket)) => {
                self.backing.removal_done(Some(digest), noted_before);
                self.backing.calls.removed(ticket);
            }
            None => self.backing.note_pending_removal(*digest),
        }
        removed
    }

    /// Clears the function in its store; whether that could be done.
    pub(crate) fn clear_store(&'static self) -> bool {
        // Asked before: what fails while this is under way stays to be made up for.
        let failed_before = self.backing.clears_failed();
        let noted_before = self.backing.removals_noted();
        let ticket = self.ask_anyway(Kind::Put, |store, function| store.clear(function));
        match ticket {
            Some(ticket) => {
                self.backing.removal_done(None, noted_before);
                self.backing.cleared(failed_before);
                self.backing.calls.set_last_synced(ticket);
            }
            None => self.backing.clear_failed(),
        }
        ticket.is_some()
    }
}

impl Identified for Cache {
    fn stored_name(&self) -> &'static str {
        self.declared.text
    }

    fn set_ambiguous(&self) {
        self.backing.set_ambiguous();
    }

    /// Goes on in memory alone: what stores have under the identity may be the other function's.
    fn give_up_store(&'static self) {
        let why = "another function of this program has its name, its place and its text: \
                   give one of them a `name` or a `version` of its own";
        self.report(Kind::Ambiguous, why.into());
        // If it cannot be cleared, calls try again.
        self.clear_store();
        self.forget_all();
    }
}

/// The store cannot tell.
#[derive(Debug)]
pub(crate) struct Unknown;

/// What became of a result that is to be replaced.
enum Replaced {
    /// It was removed: the moment after.
    At(Ticket),
    /// Since the new one was looked up, the function was cleared.
    Cleared,
    /// Since then, somebody else has removed the call.
    Removed,
}

/// Has everybody forget what a new result replaces, unless that is void by now.
fn replaced(store: &dyn Store, function: &FunctionId<'_>, put: &Put) -> Result<Replaced, Failure> {
    let (now, changes) = store.changes(function, Some(put.moment.ticket))?;
    match changes {
        Changes::Nothing => {}
        Changes::Removed(keys) if !keys.contains(&put.digest) => {}
        Changes::Removed(_) => return Ok(Replaced::Removed),
        Changes::Everything => return Ok(Replaced::Cleared),
    }
    let (_, after) = store.remove(function, &put.digest)?;
    // Another removal that came between the question and this one may have been of the same call.
    let is_next = after.epoch == now.epoch && after.removals == now.removals + 1;
    Ok(if is_next { Replaced::At(after) } else { Replaced::Removed })
}
