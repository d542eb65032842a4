//! Whether a call is a hit: the hot path, without locks.
//!
//! A pin keeps the whole process from freeing, so it is held for as long as it takes to find an
//! entry and no longer. The user's code (an argument's `Serialize`, a value's `Deserialize`) may take
//! its time, and runs while the entry alone is held.

mod held;

use std::cell::Cell;

use super::Cache;
use crate::clock::Tick;
use crate::flight::Key;
use crate::key::{self, Args, Arguments, Hashed};
use crate::memory::entry::{Ref, View};
use crate::memory::expiry;
use crate::memory::table::{self, same_key};
use crate::reclaim::{self, Pin};

pub(crate) use held::Held;

/// A pin. The first of a thread takes a lock, and so sees to children of `fork` before.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn pin() -> Pin {
    #[cold]
    #[inline(never)]
    fn first() -> Pin {
        #[cfg(unix)]
        super::fork::watch();
        reclaim::pin_with_fence()
    }
    reclaim::pin_or_else(first)
}

/// The same, unless this thread's record is put aside: in an isolation, whose calls are not of the function
/// at hand, but of its double there; and in a body of which is noted what it calls. So a hit asks for
/// neither.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn pin_outside() -> Option<Pin> {
    #[cold]
    #[inline(never)]
    fn first() -> Option<Pin> {
        (!reclaim::is_aside()).then(pin)
    }
    reclaim::pin_or_else(first)
}

/// The key is too long to be stored; it is found by its digest.
pub(crate) struct IsLong;

/// How an entry is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    /// The caller is to have it refreshed.
    pub(crate) is_stale: bool,
    /// When the clock was read for that; long ago, where it was not.
    at: Tick,
}

impl Served {
    /// Reclaims something that has expired, where the clock was read anyway. Outside any pin, as
    /// the end of a resource is the user's code.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn reclaim(self) {
        if expiry::is_due(self.at) {
            expiry::reclaim_by_the_way(self.at);
        }
    }
}

/// An entry that is being refreshed. Where it is not replaced in the end, as the refresh failed or never
/// ran, the next call that sees it has it refreshed again.
#[derive(Debug)]
pub struct Refreshed(Option<Ref>);

impl Refreshed {
    pub(crate) fn new(entry: Option<Ref>) -> Self {
        Self(entry)
    }
}

impl Drop for Refreshed {
    fn drop(&mut self) {
        if let Some(entry) = &self.0 {
            entry.view().entry.refresh_again();
        }
    }
}

impl Cache {
    /// The entry of a call, if there is one to be served, and how. No lock, and no allocation.
    ///
    /// Where neither the arguments nor the value run code of the user's, [`find_under`] takes less.
    ///
    /// [`find_under`]: Self::find_under
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn find<A: Args>(&self, args: &A, is_call: bool) -> Option<(Held, Served)> {
        let found = if A::are_plain() {
            let pin = pin();
            match self.lookup(&pin, args)? {
                Ok(entry) => {
                    let entry = entry.pointer();
                    Held::new(pin, entry)
                }
                Err(IsLong) => {
                    drop(pin);
                    self.find_long(args)?
                }
            }
        } else {
            self.find_foreign(args, false)?
        };
        let served = self.served(found.view(), is_call)?;
        Some((found, served))
    }

    /// The same, under a pin that the caller has.
    ///
    /// # Errors
    /// The key is a long one, which [`find`](Self::find) is to be asked for.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn find_under<'p, A: Args>(
        &self,
        pin: &'p Pin,
        args: &A,
        is_call: bool,
    ) -> Option<Result<(View<'p>, Served), IsLong>> {
        let entry = match self.lookup(pin, args)? {
            Ok(entry) => entry,
            Err(is_long) => return Some(Err(is_long)),
        };
        let served = self.served(entry, is_call)?;
        Some(Ok((entry, served)))
    }

    /// The entry of plain arguments.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<'p, A: Args>(&self, pin: &'p Pin, args: &A) -> Option<Result<View<'p>, IsLong>> {
        let table = self.table.read(pin)?;
        let hashed = key::hash(args, table.seed(), table.is_thorough()).ok()?;
        let Hashed::Verbatim(hash, len) = hashed else { return Some(Err(IsLong)) };
        let entry = table.find(hash, |entry| {
            entry.encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
        });
        entry.map(Ok)
    }

    /// The entry of a call, if it is there and has no expiry to be asked about, and its key is not
    /// a long one: what [`find_under`](Self::find_under) does without calling anything that is not
    /// inlined. The arguments are plain.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn find_at_once<'p, A: Args>(&self, pin: &'p Pin, args: &A) -> Option<View<'p>> {
        let table = self.table.read(pin)?;
        let hashed = key::hash(args, table.seed(), table.is_thorough());
        let Ok(Hashed::Verbatim(hash, len)) = hashed else { return None };
        table.find(hash, |entry| {
            entry.lasting_encoding_of(len).is_some_and(|encoding| key::equals(args, encoding))
        })
    }

    /// The same of any arguments, held for a value whose `Deserialize` is the user's.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hold_at_once<A: Args>(&self, args: &A) -> Option<Held> {
        if A::are_plain() {
            let pin = reclaim::pin_at_once()?;
            let entry = self.find_at_once(&pin, args)?.pointer();
            return Some(Held::new(pin, entry));
        }
        let found = self.find_foreign(args, true)?;
        found.view().is_lasting().then_some(found)
    }

    /// As [`find`](Self::find), where the walk of an argument is the user's code: under no pin.
    ///
    /// At once is without what only the first call of a thread needs, and no long key.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn find_foreign<A: Args>(&self, args: &A, at_once: bool) -> Option<Held> {
        let mut thorough = self.table.was_thorough();
        let mut differing = 0;
        loop {
            let (hash, len) = match key::hash(args, table::seed(), thorough) {
                Ok(Hashed::Verbatim(hash, len)) => (hash, len),
                Ok(Hashed::Long) if !at_once => return self.find_long(args),
                Ok(Hashed::Long) | Err(_) => return None,
            };
            let Some(found) = self.hold_next(hash, len, thorough, differing, at_once)? else {
                (thorough, differing) = (!thorough, 0);
                continue;
            };
            if key::equals(args, found.view().encoding_of(len)?) {
                return Some(found);
            }
            // Another key of this very hash, which chance hardly ever makes.
            differing += 1;
        }
    }

    /// The entry of this hash and length that comes after so many others; nothing within, if the
    /// table's hashes are the other ones by now.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn hold_next(
        &self,
        hash: u64,
        len: usize,
        thorough: bool,
        others: usize,
        at_once: bool,
    ) -> Option<Option<Held>> {
        let pin = if at_once { reclaim::pin_at_once()? } else { pin() };
        let table = self.table.read(&pin)?;
        if table.is_thorough() != thorough {
            return Some(None);
        }
        let before = Cell::new(others);
        let entry = table.find(hash, |entry| {
            let is_next = entry.encoding_of(len).is_some()
                && entry.hashes().of(thorough) == hash
                && before.get() == 0;
            before.set(before.get() - usize::from(before.get() > 0));
            is_next
        })?;
        let entry = entry.pointer();
        Some(Some(Held::new(pin, entry)))
    }

    /// Arguments whose encoding is too long to be kept are found by its digest.
    #[inline(never)]
    fn find_long(&self, args: &dyn Arguments) -> Option<Held> {
        let digest = key::digest_of(args).ok()?;
        let pin = pin();
        let table = self.table.read(&pin)?;
        let entry =
            table.find(key::hash_of_digest(&digest), |entry| entry.digest() == Some(&digest))?;
        let entry = entry.pointer();
        Some(Held::new(pin, entry))
    }

    /// Counts a hit that was found under this pin; false if that takes more than a store to a place
    /// that is there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hit_at_once(&self, pin: &Pin, entry: View<'_>) -> bool {
        entry.entry.mark();
        pin.count_hit_at_once(self.number())
    }

    /// Counts a hit, found under this pin.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hit(&self, pin: &Pin, entry: View<'_>) {
        entry.entry.mark();
        pin.count_hit(self.number());
    }

    /// Counts a hit of what is held; false as for [`hit_at_once`](Self::hit_at_once).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hit_held_at_once(&self, found: &Held) -> bool {
        found.view().entry.mark();
        found.count_hit_at_once(self.number())
    }

    /// Counts a hit of what is held.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn hit_held(&self, found: &Held) {
        if !self.hit_held_at_once(found) {
            self.count_hit();
        }
    }

    /// How an entry that was found is served, if it is. Who comes here is in no isolation, and asks no
    /// clock that could have been moved.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn served(&self, entry: View<'_>, is_call: bool) -> Option<Served> {
        self.served_at(Tick::now, entry, is_call)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn served_at(
        &self,
        now: impl FnOnce() -> Tick,
        entry: View<'_>,
        is_call: bool,
    ) -> Option<Served> {
        match entry.until() {
            Some(expiry) => self.served_until(now(), entry, expiry, is_call),
            None if entry.is_lasting() => Some(Served { is_stale: false, at: Tick::from_nanos(0) }),
            None => self.served_watched(now(), entry, is_call),
        }
    }

    /// The same of an entry that says more of time, and hears that it is used.
    #[inline(never)]
    fn served_watched(&self, at: Tick, entry: View<'_>, is_call: bool) -> Option<Served> {
        let watch = entry.watch()?;
        if watch.expiry() <= at {
            return None;
        }
        watch.use_at(at);
        let is_stale = is_call
            && self.limits.is_background
            && watch.is_old(at)
            && entry.entry.is_to_be_refreshed();
        Some(Served { is_stale, at })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn served_until(
        &self,
        at: Tick,
        entry: View<'_>,
        expiry: Tick,
        is_call: bool,
    ) -> Option<Served> {
        if expiry <= at {
            return None;
        }
        let is_stale = is_call
            && self.limits.is_background
            && self.known_ttl().is_some_and(|ttl| at.plus(ttl) >= expiry)
            && entry.entry.is_to_be_refreshed();
        Some(Served { is_stale, at })
    }

    /// The entry of a key, if it is to be served, and how.
    pub(crate) fn find_by_key(&self, key: &Key, is_call: bool) -> Option<(Held, Served)> {
        let pin = pin();
        let table = self.table.read(&pin)?;
        let hash = key.entry.hashes().of(table.is_thorough());
        let entry = table.find(hash, same_key(&key.entry))?;
        let served = self.served_at(|| self.now(), entry, is_call)?;
        let entry = entry.pointer();
        Some((Held::new(pin, entry), served))
    }

    /// The entry of a key, however old.
    pub(crate) fn entry(&self, key: &Key) -> Option<Ref> {
        let pin = pin();
        let table = self.table.read(&pin)?;
        let hash = key.entry.hashes().of(table.is_thorough());
        table.find(hash, same_key(&key.entry)).map(View::share)
    }

    /// The entry of a key, if it is served; for who only looks.
    pub(crate) fn find_key(&self, key: &Key) -> Option<Held> {
        self.find_by_key(key, false).map(|(found, _)| found)
    }

    pub(crate) fn contains(&'static self, args: &dyn Arguments) -> bool {
        let Ok(key) = self.key(args, 0) else { return false };
        // Before the look: what changes after it voids what is computed from the answer.
        self.note_look(&key.digest, None);
        let found = {
            let pin = pin();
            let Some(table) = self.table.read(&pin) else { return false };
            let hash = key.entry.hashes().of(table.is_thorough());
            let Some(entry) = table.find(hash, same_key(&key.entry)) else { return false };
            if entry.expiry().is_some_and(|expiry| expiry <= self.now()) {
                return false;
            }
            reclaim::is_aside().then(|| entry.share())
        };
        found.is_none_or(|entry| self.note_hit(&key.digest, entry.view()))
    }
}
