//! How long a result lives: what the options say, and its own function of it.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::asked::Unknown;
use super::tiered::Stored;
use super::{nanos, Cache};
use crate::clock::{self, Tick};
use crate::memory::entry::Times;
use crate::platform::unwind::catch;
use crate::store::Found;

/// The option `ttl`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ttl {
    None,
    /// It is one for all results, and asked once.
    Fixed(fn() -> Duration),
    /// Each result is asked for its own.
    OfResult,
    /// Which of the two a path names, its type says: nothing, if it is a function.
    OfType(fn() -> Option<Duration>),
}

/// For how long a result is as it should be, in nanoseconds; for ever, if nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life(Option<u64>);

/// The largest life that is written, in microseconds; it stands for ever.
const FOREVER: u64 = (1 << 56) - 1;

impl Life {
    fn of(ttl: Option<u64>) -> Self {
        // What ends when the clock does has no end.
        Self(ttl.filter(|ttl| *ttl != u64::MAX))
    }

    /// The life as it is written before a value in a store: 56 bits, which are never zero.
    pub(super) fn written(self) -> u64 {
        self.0.map_or(FOREVER, |ttl| ttl.div_ceil(1000).clamp(1, FOREVER - 1))
    }

    /// The life that was written, if one was.
    pub(super) fn read(written: u64) -> Option<Self> {
        match written {
            0 => None,
            FOREVER => Some(Self(None)),
            micros => Some(Self::of(Some(micros.saturating_mul(1000)))),
        }
    }

    /// The shorter of the two.
    fn and(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).min())
    }
}

impl Cache {
    /// How long a result lives that was computed now. `own` asks what its own function says, where
    /// there is one. Nothing if it lives for no time, and is not to be stored.
    ///
    /// # Errors
    /// What the options say is not known, or how many entries there may be: it is not to be stored.
    pub(crate) fn life(
        &self,
        own: &mut dyn FnMut() -> Option<Duration>,
    ) -> Result<Option<Life>, Unknown> {
        self.ask_bounds()?;
        if let Some(idle) = self.limits.idle {
            if self.idle.get(|| nanos(idle()))? == 0 {
                return Ok(None);
            }
        }
        if let Some(stale) = self.limits.stale {
            self.stale.get(|| nanos(stale()))?;
        }
        let ttl = match self.ttl()? {
            Some(life) => life,
            None => Life::of(catch(own).ok_or(Unknown::Panicked)?.map(nanos)),
        };
        let Some(ttl) = ttl.0 else { return Ok(Some(ttl)) };
        let jitter = match self.limits.jitter {
            Some(jitter) => self.jitter.get(|| nanos(jitter()))?,
            None => 0,
        };
        let ttl = if jitter == 0 { ttl } else { shortened(ttl, jitter) };
        Ok((ttl > 0).then_some(Life(Some(ttl))))
    }

    /// The one `ttl` of all results; nothing, if each has its own.
    ///
    /// # Errors
    /// It is not known.
    fn ttl(&self) -> Result<Option<Life>, Unknown> {
        let all = match self.limits.ttl {
            Ttl::None => return Ok(Some(Life(None))),
            Ttl::Fixed(ttl) => self.ttl.get(|| Some(nanos(ttl())))?,
            Ttl::OfResult => self.ttl.get(|| None)?,
            Ttl::OfType(ttl) => self.ttl.get(|| ttl().map(nanos))?,
        };
        Ok(all.map(|ttl| Life::of(Some(ttl))))
    }

    /// How long all entries are fresh, in nanoseconds, if that is one for all, and known: it is, once
    /// one is stored.
    pub(super) fn known_ttl(&self) -> Option<u64> {
        self.ttl.known().flatten()
    }

    /// How long all entries are served, in nanoseconds, likewise.
    pub(super) fn ttl_served(&self) -> Option<u64> {
        self.known_ttl().and_then(|ttl| self.time_served(Life::of(Some(ttl))))
    }

    /// Whether one result may live longer than another.
    pub(super) fn has_own_lives(&self) -> bool {
        let of_result = !matches!(self.limits.ttl, Ttl::None) && self.known_ttl().is_none();
        of_result || self.limits.jitter.is_some()
    }

    /// How long a result of that life is served, in nanoseconds; for ever, if nothing.
    pub(super) fn time_served(&self, life: Life) -> Option<u64> {
        let factor = if self.limits.is_background { 2 } else { 1 };
        let own = life.0.map(|ttl| ttl.saturating_mul(factor));
        let time = own.into_iter().chain(self.backing.longest_life()).min();
        // Where nobody can tell when it is over, it is over at once.
        time.map(|time| if clock::EXISTS { time } else { 0 })
    }

    /// The life of a result that is served for so long.
    pub(super) fn life_served(&self, time: u64) -> Life {
        Life(Some(if self.limits.is_background { time / 2 } else { time }))
    }

    /// What the entry of a result says of time that was computed now.
    pub(crate) fn times(&self, life: Life) -> Times {
        self.times_after(life, 0, self.time_served(life))
    }

    /// The same, where it is served no longer than until that moment.
    #[inline]
    pub(crate) fn times_until(&self, life: Life, until: Option<Tick>) -> Times {
        let times = self.times(life);
        match until {
            None => times,
            Some(end) => self.shortened_to(end, times, life),
        }
    }

    #[cold]
    fn shortened_to(&self, end: Tick, times: Times, life: Life) -> Times {
        let is_background = self.limits.is_background;
        let fresh_for = |ttl| self.now().plus(ttl);
        match times {
            Times::Lasting => Times::Until(end),
            Times::Until(until) if end >= until => times,
            // When it is old is not told by when it ends any more.
            Times::Until(_) if is_background => Times::Watched {
                until: Some(end),
                kept: None,
                fresh_until: life.0.map_or(end, fresh_for),
                idle: None,
                used: self.now(),
            },
            Times::Until(_) => Times::Until(end),
            Times::Watched { until, kept, fresh_until, idle, used } => {
                let until = Some(until.map_or(end, |until| until.min(end)));
                Times::Watched { until, kept, fresh_until, idle, used }
            }
        }
    }

    /// What the entry of a result says of time that came from the store; nothing, if it is over, or
    /// nobody knows whether it is.
    pub(crate) fn remaining(&self, found: &Found) -> Option<Times> {
        self.ask_bounds().ok()?;
        let said = Stored::parse(found)?.life;
        let life = match (self.ttl().ok()?, said) {
            (Some(ttl), Some(said)) => ttl.and(said),
            (Some(ttl), None) => ttl,
            (None, said) => said?,
        };
        let age = nanos(found.age);
        let rest = match self.time_served(life) {
            Some(time) => Some(time.checked_sub(age).filter(|rest| *rest > 0)?),
            None => None,
        };
        Some(self.times_after(life, age, rest))
    }

    /// Of a result of that age, which is served for so long from now on.
    fn times_after(&self, life: Life, age: u64, rest: Option<u64>) -> Times {
        if rest.is_none() && self.limits.idle.is_none() {
            // The clock is not looked at.
            return Times::Lasting;
        }
        let (now, idle) = (self.now(), self.idle.known());
        let until = rest.map(|rest| now.plus(rest));
        let says_when_old = self.limits.is_background && self.has_own_lives();
        let fresh_until = match life.0 {
            Some(ttl) => now.plus(ttl.saturating_sub(age)),
            None => Tick::from_nanos(u64::MAX),
        };
        let kept = life.0.zip(self.stale.known()).map(|(ttl, stale)| {
            let rest = ttl.saturating_add(stale).saturating_sub(age);
            now.plus(rest)
        });
        if idle.is_some() || kept.is_some() || (says_when_old && life.0.is_some()) {
            Times::Watched { until, kept, fresh_until, idle, used: now }
        } else {
            Times::from(until)
        }
    }
}

/// A life that is shortened by a random part of the jitter, at most by half.
fn shortened(ttl: u64, jitter: u64) -> u64 {
    let most = u128::from(jitter.min(ttl / 2));
    // What is above the 64 bits of a product is below the other factor.
    ttl - ((u128::from(random()) * (most + 1)) >> 64) as u64
}

/// A number that nobody foresees, and that costs little: keys of its own for std's hash.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_comes_back_as_it_was_written_or_a_little_longer() {
        for (nanos, read) in
            [(1, 1000), (1000, 1000), (1001, 2000), (3_600_000_000_000, 3_600_000_000_000)]
        {
            assert_eq!(Life::read(Life(Some(nanos)).written()), Some(Life(Some(read))));
        }
        assert_eq!(Life::read(Life(None).written()), Some(Life(None)));
        assert_eq!(Life::read(0), None);
        assert_eq!(Life::of(Some(u64::MAX)), Life(None));
        assert!(Life(Some(u64::MAX - 1)).written() < FOREVER);
    }

    #[test]
    fn jitter_shortens_by_no_more_than_it_says_and_by_no_more_than_half() {
        let lives: Vec<_> = (0..1000).map(|_| shortened(1000, 100)).collect();
        assert!(lives.iter().all(|life| (900..=1000).contains(life)));
        assert!(lives.iter().any(|life| *life < 950) && lives.iter().any(|life| *life > 950));
        assert!((0..1000)
            .map(|_| shortened(1000, u64::MAX))
            .all(|life| (500..=1000).contains(&life)));
        assert_eq!((shortened(0, 9), shortened(1, 9)), (0, 1));
    }
}
