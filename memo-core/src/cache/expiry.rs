//! Giving up what has expired, and who is asked for it next.

use std::any::Any;

use super::{Cache, Shared};
use crate::clock::Tick;
use crate::memory::agenda::NEVER;
use crate::memory::budget::{self, OLDEST};
use crate::memory::expiry::{BATCH, EXPIRIES};

impl Cache {
    /// Gives up all that has expired.
    pub(super) fn expire_all(&'static self, now: Tick) {
        loop {
            let (next, freed) = self.change(|shared| self.expire_some(shared, now));
            drop(freed);
            if next.is_none_or(|next| next > now) {
                return;
            }
        }
    }

    /// Gives up some of what has expired, for who took it out of the agenda with that number.
    pub(super) fn expire_listed(&'static self, now: Tick, listed: u64) {
        let ((), freed) = self.change(|shared| self.expire_and_list(shared, now, listed));
        drop(freed);
    }

    /// The same, unless somebody holds the lock.
    pub(super) fn try_expire_listed(&'static self, now: Tick, listed: u64) {
        let expired = self.try_change(|shared| self.expire_and_list(shared, now, listed));
        match expired {
            Some(((), freed)) => drop(freed),
            // As it was before.
            None => EXPIRIES.list(listed, self),
        }
    }

    fn expire_and_list(&'static self, shared: &mut Shared, now: Tick, listed: u64) {
        if shared.memory.expiry_listed == listed {
            shared.memory.expiry_listed = NEVER;
        }
        if let Some(next) = self.expire_some(shared, now) {
            self.list_expiry(shared, next);
        }
    }

    /// Gives up a batch; when the next entry expires.
    pub(super) fn expire_some(&self, shared: &mut Shared, now: Tick) -> Option<Tick> {
        shared.memory.expire(&self.table, now, BATCH)
    }

    /// Lists the cache by what it has for an entry that was stored, which expires then.
    pub(super) fn list(&'static self, shared: &mut Shared, expiry: Option<Tick>) {
        if let Some(expiry) = expiry {
            self.list_expiry(shared, expiry);
        }
        if !self.is_resource && budget::is_set() && shared.memory.oldest_listed == NEVER {
            self.list_oldest_of(shared);
        }
    }

    fn list_expiry(&'static self, shared: &mut Shared, expiry: Tick) {
        // What has a clock of its own is told when that is moved.
        if self.clock.is_real() && expiry.nanos() < shared.memory.expiry_listed {
            shared.memory.expiry_listed = expiry.nanos();
            EXPIRIES.list(expiry.nanos(), self);
        }
    }

    fn list_oldest_of(&'static self, shared: &mut Shared) {
        if let Some(stamp) = shared.memory.oldest_stamp(&self.table) {
            shared.memory.oldest_listed = stamp;
            OLDEST.list(stamp, self);
        }
    }

    /// Lists it by the entry that it would evict next, once there is a budget.
    pub(super) fn list_for_eviction(&'static self) {
        let mut shared = self.lock();
        if budget::is_set() && shared.memory.oldest_listed == NEVER {
            self.list_oldest_of(&mut shared);
        }
    }

    /// Evicts an entry that was queued at that stamp or before, for who took the cache out of the
    /// agenda, and lists it again.
    pub(super) fn evict_if_older(&'static self, stamp: u64) -> (bool, Box<dyn Any>) {
        let (is_evicted, freed) = self.change(|shared| {
            shared.memory.oldest_listed = NEVER;
            let oldest = shared.memory.oldest_stamp(&self.table);
            let is_evicted =
                oldest.is_some_and(|oldest| oldest <= stamp) && shared.memory.evict(&self.table);
            self.list_oldest_of(shared);
            is_evicted
        });
        (is_evicted, Box::new(freed))
    }
}
