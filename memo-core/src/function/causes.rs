//! Why results are not there any more: what a function remembers of it.

use crate::clock::Tick;

/// Why a call's result is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Expired = 1,
    Evicted,
    Cleared,
    Removed,
    NotStored,
    Uncacheable,
}

/// The causes of the last calls, in fixed memory, which is there from the first one on.
#[derive(Debug)]
pub(crate) struct Causes(Option<Box<Table>>);

/// So many calls are remembered.
pub(crate) const REMEMBERED: usize = 256;

#[derive(Debug)]
struct Table {
    noted: [Noted; REMEMBERED],
    /// Where the oldest is, which goes next.
    next: u8,
    /// Where the last one is whose hash ends so: a guess, as it may have gone.
    places: [u8; REMEMBERED],
    cleared: Option<Cleared>,
}

/// What a clear took that is not among what was noted.
#[derive(Clone, Copy, Debug)]
struct Cleared {
    at: Tick,
    /// With so many misses it is over: what is missed then may never have been there.
    until: u64,
}

/// A call by the hash of its key, and the moment with the cause in its last bits; none, where that is
/// zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    hash: u64,
    cause: u64,
}

const CAUSE: u64 = 0b111;
const NOTHING: Noted = Noted { hash: 0, cause: 0 };

impl Noted {
    fn new(hash: u64, cause: Cause, at: Tick) -> Self {
        Self { hash, cause: at.nanos() & !CAUSE | cause as u64 }
    }

    fn cause(self) -> Option<(Cause, Tick)> {
        use Cause::{Cleared, Evicted, Expired, NotStored, Removed, Uncacheable};
        let all = [Expired, Evicted, Cleared, Removed, NotStored, Uncacheable];
        let cause = all.into_iter().find(|cause| *cause as u64 == self.cause & CAUSE)?;
        Some((cause, Tick::from_nanos(self.cause & !CAUSE)))
    }
}

impl Causes {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    fn table(&mut self) -> &mut Table {
        self.0.get_or_insert_with(|| {
            Box::new(Table {
                noted: [NOTHING; REMEMBERED],
                next: 0,
                places: [0; REMEMBERED],
                cleared: None,
            })
        })
    }

    /// Notes why a call's result is not there, since then if that is asked for; the oldest note is
    /// forgotten.
    pub(crate) fn note(&mut self, hash: u64, cause: Cause, at: Tick) {
        let table = self.table();
        table.noted[usize::from(table.next)] = Noted::new(hash, cause, at);
        table.places[usize::from(hash as u8)] = table.next;
        table.next = table.next.wrapping_add(1);
    }

    /// The same of a cause that the next call may have again: which is then not noted twice, lest one
    /// call that always fails has all others forgotten.
    pub(crate) fn note_again(&mut self, hash: u64, cause: Cause) {
        let table = self.table();
        let place = table.places[usize::from(hash as u8)];
        // Whoever comes to its place has its cause noted again, which costs less than to look for it.
        if table.noted[usize::from(place)] != Noted::new(hash, cause, Tick::from_nanos(0)) {
            self.note(hash, cause, Tick::from_nanos(0));
        }
    }

    /// Notes that what was computed of a call was void by then, unless more is known of that.
    pub(crate) fn note_void(&mut self, hash: u64, at: Tick) {
        if self.last(hash).is_none() {
            self.note(hash, Cause::Cleared, at);
        }
    }

    /// Notes a clear of so many results after so many misses, some of which follow.
    pub(crate) fn note_clear(
        &mut self,
        (entries, misses): (usize, u64),
        at: Tick,
        some: impl Iterator<Item = u64>,
    ) {
        if entries == 0 {
            return;
        }
        some.take(REMEMBERED).for_each(|hash| self.note(hash, Cause::Cleared, at));
        if entries > REMEMBERED {
            let until = misses.saturating_add(entries as u64);
            self.table().cleared = Some(Cleared { at, until });
        }
    }

    /// The last cause that is remembered of a call, and since when; after so many misses.
    pub(crate) fn of(&self, hash: u64, misses: u64) -> Option<(Cause, Tick)> {
        let last = self.last(hash);
        let cleared = self.0.as_ref().and_then(|table| table.cleared);
        match cleared.filter(|cleared| last.is_none() && misses <= cleared.until) {
            Some(cleared) => Some((Cause::Cleared, cleared.at)),
            None => last,
        }
    }

    fn last(&self, hash: u64) -> Option<(Cause, Tick)> {
        let table = self.0.as_ref()?;
        let (newer, older) = table.noted.split_at(usize::from(table.next));
        let mut noted = newer.iter().rev().chain(older.iter().rev());
        noted.find(|noted| noted.hash == hash && noted.cause != 0)?.cause()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Tick {
        Tick::from_nanos(nanos)
    }

    #[test]
    fn the_last_causes_are_remembered_and_none_before_them() {
        let mut causes = Causes::new();
        assert_eq!(causes.of(7, 0), None);
        for hash in 0..1000 {
            causes.note(hash, Cause::Evicted, at(hash * 8));
            assert_eq!(causes.of(hash, 0), Some((Cause::Evicted, at(hash * 8))));
        }
        let remembered = |hash: &u64| causes.of(*hash, 0).is_some();
        assert_eq!((0..1000).filter(remembered).count(), REMEMBERED);
        assert!((744..1000).all(|hash| remembered(&hash)));
    }

    #[test]
    fn of_two_causes_of_a_call_the_later_one_counts() {
        let mut causes = Causes::new();
        causes.note(1, Cause::Expired, at(80));
        causes.note(1, Cause::Removed, at(8));
        assert_eq!(causes.of(1, 0), Some((Cause::Removed, at(8))));
    }

    #[test]
    fn a_call_that_always_fails_has_no_other_forgotten() {
        let mut causes = Causes::new();
        causes.note(1, Cause::Expired, at(8));
        (0..1000).for_each(|_| causes.note_again(2, Cause::NotStored));
        assert_eq!(causes.of(1, 0), Some((Cause::Expired, at(8))));
        assert_eq!(causes.of(2, 0), Some((Cause::NotStored, at(0))));
    }

    #[test]
    fn a_clear_of_many_is_said_of_as_many_misses_and_of_those_that_are_noted() {
        let mut causes = Causes::new();
        causes.note_clear((1000, 50), at(8), 0..1000);
        let cleared = Some((Cause::Cleared, at(8)));
        assert_eq!(
            (causes.of(5, 51), causes.of(999, 51), causes.of(999, 1050)),
            (cleared, cleared, cleared)
        );
        assert_eq!((causes.of(5, 1051), causes.of(999, 1051)), (cleared, None));
        let mut causes = Causes::new();
        causes.note_clear((2, 0), at(8), [1, 2].into_iter());
        assert_eq!((causes.of(2, 0), causes.of(3, 0)), (cleared, None));
    }

    #[test]
    fn what_is_remembered_takes_little_more_than_four_kib_and_nothing_before_there_is_anything() {
        assert!(size_of::<Table>() <= 4096 + 256 + 64);
        assert_eq!(size_of::<Causes>(), size_of::<usize>());
        assert!(Causes::new().0.is_none());
    }
}
