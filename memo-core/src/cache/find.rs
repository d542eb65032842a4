//! Whether a call is a hit: the hot path, without locks.

use super::Cache;
use crate::clock::Tick;
use crate::entry::View;
use crate::expiry;
use crate::key::{self, Args, Hashed};
use crate::reclaim::{self, Pin};
use crate::table::{same_key, Reader};

/// How an entry is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    /// The caller is to have it refreshed.
    pub(crate) is_stale: bool,
    /// When the clock was read for that; long ago, where it was not.
    at: Tick,
}

impl Served {
    /// Reclaims something that has expired, where the clock was read anyway. Outside the pin, as
    /// the end of a resource is the user's code.
    #[inline(always)]
    pub(crate) fn reclaim(self) {
        if expiry::is_due(self.at) {
            expiry::reclaim_by_the_way(self.at);
        }
    }
}

impl Cache {
    /// The entry of a call, if there is one to be served, and how. No lock, and no allocation.
    #[inline(always)]
    pub(crate) fn find<'p, A: Args>(
        &self,
        pin: &'p Pin,
        args: &A,
        is_call: bool,
    ) -> Option<(View<'p>, Served)> {
        let table = self.table.read(pin)?;
        let entry = match key::hash(args, table.seed(), table.is_thorough()) {
            Ok(Hashed::Verbatim(hash, len)) => table.find(hash, |entry| {
                entry.encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
            })?,
            Ok(Hashed::Long) => find_long(args, table)?,
            Err(_) => return None,
        };
        Some((entry, self.served(entry, is_call)?))
    }

    /// The entry of a call, if it is there and has no expiry to be asked about, and its key is not
    /// a long one: what [`find`](Self::find) does without calling anything that is not inlined.
    #[inline(always)]
    pub(crate) fn find_at_once<'p, A: Args>(&self, pin: &'p Pin, args: &A) -> Option<View<'p>> {
        let table = self.table.read(pin)?;
        let hashed = key::hash(args, table.seed(), table.is_thorough());
        let Ok(Hashed::Verbatim(hash, len)) = hashed else { return None };
        table.find(hash, |entry| {
            entry.lasting_encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
        })
    }

    /// Counts a hit that [`find_at_once`](Self::find_at_once) found; false if that takes more.
    #[inline(always)]
    pub(crate) fn hit_at_once(&self, pin: &Pin, entry: View<'_>) -> bool {
        entry.entry.mark();
        pin.count_hit_at_once(self.number())
    }

    /// Counts a hit, found under this pin.
    #[inline(always)]
    pub(crate) fn hit(&self, pin: &Pin, entry: View<'_>) {
        entry.entry.mark();
        pin.count_hit(self.number());
    }

    /// How an entry that was found is served, if it is.
    #[inline(always)]
    fn served(&self, entry: View<'_>, is_call: bool) -> Option<Served> {
        match entry.expiry() {
            None => Some(Served { is_stale: false, at: Tick::from_nanos(0) }),
            Some(expiry) => self.served_until(entry, expiry, is_call),
        }
    }

    #[inline]
    fn served_until(&self, entry: View<'_>, expiry: Tick, is_call: bool) -> Option<Served> {
        let at = Tick::now();
        if expiry <= at {
            return None;
        }
        let is_stale = is_call
            && self.limits.is_background
            && self.known_ttl().is_some_and(|ttl| at.plus(ttl) >= expiry)
            && entry.entry.is_to_be_refreshed();
        Some(Served { is_stale, at })
    }

    pub(crate) fn contains<A: Args>(&self, args: &A) -> bool {
        let pin = reclaim::pin();
        let (Some(table), Ok(key)) = (self.table.read(&pin), self.key(args, 0)) else {
            return false;
        };
        table
            .find(key.entry.hashes().of(table.is_thorough()), same_key(&key.entry))
            .is_some_and(|entry| entry.expiry().is_none_or(|expiry| expiry > Tick::now()))
    }
}

/// Arguments whose encoding is too long to be kept are found by its digest.
#[inline(never)]
fn find_long<'p, A: Args>(args: &A, table: Reader<'p>) -> Option<View<'p>> {
    let digest = key::digest_of(args).ok()?;
    table.find(key::hash_of_digest(&digest), |entry| {
        entry.entry.has_digest_key() && entry.key() == digest
    })
}
