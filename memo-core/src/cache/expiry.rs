//! When what is stored expires, and giving it up then.

use std::any::Any;

use super::{nanos, Cache, Shared};
use crate::cache::asked::Unknown;
use crate::clock::{self, Tick};
use crate::memory::agenda::NEVER;
use crate::memory::budget::{self, OLDEST};
use crate::memory::expiry::{BATCH, EXPIRIES};

impl Cache {
    /// When what is stored now expires.
    ///
    /// # Errors
    /// The `ttl` is not known: it is not to be stored.
    pub(crate) fn expiry(&self) -> Result<Option<Tick>, Unknown> {
        Ok(self.time_served()?.map(|time| Tick::now().plus(time)))
    }

    /// How long an entry is served, in nanoseconds; for ever, if nothing.
    ///
    /// # Errors
    /// The `ttl` is not known, or how many entries there may be.
    pub(crate) fn time_served(&self) -> Result<Option<u64>, Unknown> {
        self.ask_bounds()?;
        let factor = if self.limits.is_background { 2 } else { 1 };
        let ttl = match self.limits.ttl {
            Some(ttl) => Some(self.ttl.get(|| nanos(ttl()))?),
            None => None,
        };
        let own = ttl.map(|ttl| ttl.saturating_mul(factor));
        let time = own.into_iter().chain(self.backing.longest_life()).min();
        // Where nobody can tell when it is over, it is over at once.
        Ok(time.map(|time| if clock::EXISTS { time } else { 0 }))
    }

    /// How long an entry is fresh, in nanoseconds, if that is known: it is, once one is stored.
    pub(super) fn known_ttl(&self) -> Option<u64> {
        self.ttl.known()
    }

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
        if expiry.nanos() < shared.memory.expiry_listed {
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
