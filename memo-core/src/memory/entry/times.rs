//! What an entry says of time: nothing, when it expires, or more than that.

use super::{Entry, View, EXPIRY, HEADER, TIMES};
use crate::clock::Tick;
use crate::memory::agenda::NEVER;
use crate::memory::list::NOWHERE;
use crate::platform::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What an entry is to say of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// It does not expire.
    Lasting,
    /// It is served until then.
    Until(Tick),
    /// Only who watches it knows how it is served.
    Watched {
        /// Served until then at the longest, if until any moment.
        until: Option<Tick>,
        /// Kept until then at the longest, though not served.
        kept: Option<Tick>,
        /// From then on it is to be refreshed.
        fresh_until: Tick,
        /// For so many nanoseconds after it was used, if that matters.
        idle: Option<u64>,
        /// When it was.
        used: Tick,
    },
}

impl From<Option<Tick>> for Times {
    fn from(expiry: Option<Tick>) -> Self {
        expiry.map_or(Self::Lasting, Self::Until)
    }
}

/// What only some entries have behind their values: those that are given up when they were not asked
/// for, those that are kept longer than they are served, and those whose own lives say when they are old.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Watch {
    until: u64,
    kept: u64,
    fresh_until: u64,
    idle: u64,
    /// When it was used last.
    used: AtomicU64,
    /// When the queue of expiries looks at it next, and its seat there; its cache's, under its lock.
    due: AtomicU64,
    pub(super) seat: AtomicU32,
}

impl Watch {
    /// What an entry that is made now has, if its times are to be watched.
    pub(super) fn of(times: Times) -> Option<Self> {
        let Times::Watched { until, kept, fresh_until, idle, used } = times else { return None };
        let until = until.map_or(NEVER, Tick::nanos);
        let watch = Self {
            until,
            kept: kept.map_or(until, Tick::nanos).max(until),
            fresh_until: fresh_until.nanos(),
            idle: idle.unwrap_or(NEVER),
            used: AtomicU64::new(used.nanos()),
            due: AtomicU64::new(NEVER),
            seat: AtomicU32::new(NOWHERE),
        };
        watch.due.store(watch.end().nanos(), Ordering::Relaxed);
        Some(watch)
    }

    /// When it expires, if nobody uses it before.
    pub(crate) fn expiry(&self) -> Tick {
        self.idle_from().min(Tick::from_nanos(self.until))
    }

    /// When it is given up, likewise.
    pub(crate) fn end(&self) -> Tick {
        self.idle_from().min(Tick::from_nanos(self.kept))
    }

    fn idle_from(&self) -> Tick {
        // Relaxed: a use that is seen late only means to ask again.
        Tick::from_nanos(self.used.load(Ordering::Relaxed)).plus(self.idle)
    }

    /// Whether it is to be refreshed.
    pub(crate) fn is_old(&self, at: Tick) -> bool {
        self.fresh_until <= at.nanos()
    }

    /// Somebody uses it.
    pub(crate) fn use_at(&self, at: Tick) {
        // Relaxed, and not one step: of two uses at once either is recent. The load spares those
        // within one tick the write to a shared line.
        if self.idle != NEVER && self.used.load(Ordering::Relaxed) < at.nanos() {
            self.used.store(at.nanos(), Ordering::Relaxed);
        }
    }

    /// The queue of expiries looks at it next when it would be given up by now.
    pub(crate) fn put_off(&self) {
        self.due.store(self.end().nanos(), Ordering::Relaxed);
    }
}

/// Where a watch lies behind so many bytes.
pub(super) const fn watch_at(len: usize) -> usize {
    len.next_multiple_of(align_of::<Watch>())
}

/// An entry's start is aligned enough for a watch wherever that is aligned from there.
const _: () = assert!(align_of::<Watch>() <= super::ALIGN);

impl Entry {
    /// Where what it says of time ends.
    pub(super) fn end_of_times(&self) -> usize {
        let len = HEADER + self.bytes();
        if self.is_watched() {
            watch_at(len) + size_of::<Watch>()
        } else if self.expires() {
            len + EXPIRY
        } else {
            len
        }
    }
}

impl<'a> View<'a> {
    /// Whether it is served for as long as it is there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn is_lasting(self) -> bool {
        self.entry.key_len & TIMES == 0
    }

    /// Until when it is served, if that is all that it says of time.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn until(self) -> Option<Tick> {
        if !self.entry.expires() {
            return None;
        }
        // SAFETY: the flag says that a `Tick`'s bytes follow the value.
        Some(Tick::from_nanos(unsafe { self.word_at(HEADER + self.entry.bytes()) }))
    }

    /// What more it says of time, if it does.
    pub(crate) fn watch(self) -> Option<&'a Watch> {
        if !self.entry.is_watched() {
            return None;
        }
        let at = watch_at(HEADER + self.entry.bytes());
        // SAFETY: the flag says that `Builder::finish` left a watch there, aligned as the allocation
        // is; it lives as long as the entry, and only its atomics are written.
        Some(unsafe { self.start.add(at).cast::<Watch>().as_ref() })
    }

    /// When it expires; what does not expire has no such moment.
    pub(crate) fn expiry(self) -> Option<Tick> {
        self.until().or_else(|| self.watch().map(Watch::expiry))
    }

    /// Until when it is served, however often it is used; nothing, if that is for ever.
    pub(crate) fn served_until(self) -> Option<Tick> {
        let of_watch =
            |watch: &Watch| (watch.until != NEVER).then(|| Tick::from_nanos(watch.until));
        self.until().or_else(|| self.watch().and_then(of_watch))
    }

    /// When it is given up: that is later for what is kept and not served.
    pub(crate) fn end(self) -> Option<Tick> {
        self.until().or_else(|| self.watch().map(Watch::end))
    }

    /// When the queue of expiries is to look at it.
    pub(crate) fn due(self) -> Option<Tick> {
        // Relaxed: the queue is read and written under its cache's lock alone.
        let of_watch = |watch: &Watch| Tick::from_nanos(watch.due.load(Ordering::Relaxed));
        self.until().or_else(|| self.watch().map(of_watch))
    }

    /// Somebody uses it, who has not asked whether it is served.
    pub(crate) fn touch(self, at: Tick) {
        if let Some(watch) = self.watch() {
            watch.use_at(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, SAMPLED};
    use super::*;
    use crate::key::Hashes;

    const HASHES: Hashes = Hashes { quick: 1, thorough: 2 };
    const WATCHED: Times = Times::Watched {
        until: Some(Tick::from_nanos(NEVER - 1)),
        kept: None,
        fresh_until: Tick::from_nanos(9),
        idle: Some(7),
        used: Tick::from_nanos(20),
    };

    #[test]
    fn a_watch_is_aligned_behind_whatever_value_and_before_whatever_follows() {
        for len in (0..20).chain(SAMPLED - 2..SAMPLED + 18) {
            let mut builder = Builder::new(&vec![7; len], false, HASHES, 0);
            builder.push(b"value");
            let entry = builder.finish(3, WATCHED);
            let (view, watch) = (entry.view(), entry.view().watch().unwrap());
            assert_eq!((view.value(), view.key().len()), (&b"value"[..], len));
            assert_eq!(view.hashes().quick, 1);
            assert_eq!(view.hashes().thorough == 2, len >= SAMPLED);
            assert!(watch.is_old(Tick::from_nanos(9)) && !watch.is_old(Tick::from_nanos(8)));
            assert!(!view.is_lasting() && view.until().is_none());
            assert!(view.lasting_encoding_of(len).is_none() && view.encoding_of(len).is_some());
        }
    }

    #[test]
    fn a_use_puts_the_end_off_and_the_queue_hears_of_it_later() {
        let entry = Builder::new(b"key", false, HASHES, 0).finish(3, WATCHED);
        let (view, watch) = (entry.view(), entry.view().watch().unwrap());
        let tick = |nanos| Some(Tick::from_nanos(nanos));
        watch.use_at(Tick::from_nanos(30));
        assert_eq!((view.expiry(), view.due()), (tick(37), tick(27)));
        watch.put_off();
        assert_eq!(view.due(), view.expiry());
        watch.use_at(Tick::from_nanos(0));
        assert_eq!(view.expiry(), tick(37));
        watch.use_at(Tick::from_nanos(NEVER));
        assert_eq!(view.expiry(), tick(NEVER - 1));
    }

    #[test]
    fn what_is_kept_expires_before_it_is_given_up_and_idles_all_the_same() {
        let tick = |nanos| Some(Tick::from_nanos(nanos));
        let ends = |kept, idle| {
            let (used, fresh_until) = (Tick::from_nanos(5), Tick::from_nanos(9));
            let times = Times::Watched { until: tick(10), kept, fresh_until, idle, used };
            let entry = Builder::new(b"key", false, HASHES, 0).finish(3, times);
            (entry.view().expiry(), entry.view().end(), entry.view().due())
        };
        assert_eq!(ends(tick(30), None), (tick(10), tick(30), tick(30)));
        assert_eq!(ends(tick(30), Some(15)), (tick(10), tick(20), tick(20)));
        assert_eq!(ends(tick(30), Some(3)), (tick(8), tick(8), tick(8)));
        // It is served for longer than it would be kept.
        assert_eq!(ends(tick(7), None), (tick(10), tick(10), tick(10)));
    }
}
