//! Why a call is a hit or a miss.

use std::time::Duration;

use super::Cache;
use crate::clock::Tick;
use crate::flight::Key;
use crate::function::causes::Cause;
use crate::function::error::Kind;
use crate::function::why::Why;
use crate::memory::bounded::Memory;
use crate::memory::entry::{Builder, Times, View};
use crate::store::Found;

impl Cache {
    /// Why a call would be a hit or a miss now, as far as memory knows, and what is computed.
    pub(crate) fn explain(&self, key: &Key) -> Why {
        let why = self.why(key);
        if let Why::Hit { .. } = why {
            return why;
        }
        let since = self.lock().flights.since(&key.digest);
        since.map_or(why, |since| Why::InFlight { since })
    }

    /// The same, and what the store knows. It is asked as for a lookup; what it fails to do is counted
    /// and reported as ever.
    pub(crate) fn explain_with_store(&'static self, key: &Key) -> Why {
        if key.is_local {
            return self.explain(key);
        }
        self.sync_invalidations();
        let why = self.explain(key);
        if matches!(why, Why::Hit { .. } | Why::InFlight { .. }) {
            return why;
        }
        // To open it is to find out.
        let _ = self.backing.opened(self);
        if self.backing.is_ambiguous() {
            return why;
        }
        let Some(look) = self.load(&key.digest, key.entry.tags()) else {
            return Why::StoreUnreachable;
        };
        match look.found {
            Some(found) => self.why_found(&found),
            None if why == Why::Never && self.has_other_version() => Why::OtherVersion,
            None => why,
        }
    }

    fn why_found(&self, found: &Found) -> Why {
        let (now, expiry) = (self.now(), self.until(found));
        Why::Hit { age: found.age, left: expiry.map(|expiry| expiry.since(now)) }
    }

    /// Until when a result that a store has is served, if not for ever.
    pub(crate) fn until(&self, found: &Found) -> Option<Tick> {
        match self.remaining(found)? {
            Times::Until(until) => Some(until),
            Times::Watched { until, .. } => until,
            Times::Lasting => None,
        }
    }

    /// Whether the store has results of the function as it was before it changed, and none of it as it is.
    fn has_other_version(&'static self) -> bool {
        self.ask(Kind::Store, |store, function| store.has_other_version(function)) == Some(true)
    }

    /// Why a call is a hit or a miss, as far as memory knows: for who has found that it is one.
    pub(crate) fn why(&self, key: &Key) -> Why {
        self.why_of(&key.entry)
    }

    /// The same, of a call's entry to be.
    pub(crate) fn why_of(&self, key: &Builder) -> Why {
        let now = self.now();
        let shared = self.lock();
        if let Some(entry) = shared.memory.peek(&self.table, key) {
            return match entry.expiry() {
                Some(expiry) if expiry <= now => Why::Expired { ago: now.since(expiry) },
                expiry => Why::Hit {
                    age: self.age(&shared.memory, entry, now),
                    left: expiry.map(|expiry| expiry.since(now)),
                },
            };
        }
        let misses = self.misses_so_far(shared.misses);
        match shared.memory.causes.of(key.hashes().thorough, misses) {
            None => Why::Never,
            Some((Cause::Expired, at)) => Why::Expired { ago: now.since(at) },
            Some((Cause::Cleared, at)) => Why::Cleared { ago: now.since(at) },
            Some((Cause::Evicted, _)) => Why::Evicted,
            Some((Cause::Removed, _)) => Why::Removed,
            Some((Cause::NotStored, _)) => Why::NotStored,
            Some((Cause::Uncacheable, _)) => Why::Uncacheable,
        }
    }

    /// How long ago a result was computed. When it was stored all say, to 67 ms; a store's may be older
    /// than that, as those say that expire after the same time as all.
    fn age(&self, memory: &Memory, entry: View<'_>, now: Tick) -> Duration {
        let in_memory = now.since(memory.born(entry));
        let served = if self.has_own_lives() { None } else { self.ttl_served() };
        match (entry.until(), served) {
            (Some(until), Some(served)) => {
                let left = until.since(now);
                Duration::from_nanos(served).saturating_sub(left)
            }
            _ => in_memory,
        }
    }
}
