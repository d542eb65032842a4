//! The last events of all caches.
//!
//! The observer runs in the calls that it is told about: it copies a few words into room that is there
//! already, and where another is at it, it rather leaves one out than waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memo::{Event, EventKind, KeyId, Why};
use serde::Serialize;

/// How many are kept.
pub const KEPT: usize = 50;

static EVENTS: Events = Events::new();

/// Begins to keep what happens.
pub fn watch() {
    EVENTS.ring.lock().unwrap_or_else(PoisonError::into_inner).reserve_exact(KEPT);
    memo::set_observer(|event| EVENTS.keep(event));
}

/// What happened last, the latest first.
pub fn last() -> Latest {
    EVENTS.last()
}

#[derive(Debug)]
struct Events {
    ring: Mutex<VecDeque<Kept>>,
    seen: AtomicU64,
    left_out: AtomicU64,
}

/// Nothing in it is allocated; it becomes text when it is asked for.
#[derive(Clone, Copy, Debug)]
struct Kept {
    number: u64,
    at: SystemTime,
    function: &'static str,
    key: Option<KeyId>,
    what: &'static str,
    why: Option<&'static str>,
    took: Option<Duration>,
    bytes: Option<usize>,
}

#[derive(Debug, Serialize)]
pub struct Latest {
    /// How many there were.
    pub seen: u64,
    /// How many of these were left out.
    pub left_out: u64,
    pub events: Vec<Shown>,
}

#[derive(Debug, Serialize)]
pub struct Shown {
    /// Counted from 1.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    pub function: &'static str,
    pub key: Option<String>,
    pub what: &'static str,
    pub why: Option<&'static str>,
    /// Seconds.
    pub took: Option<f64>,
    pub bytes: Option<usize>,
}

impl Events {
    const fn new() -> Self {
        let (seen, left_out) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { ring: Mutex::new(VecDeque::new()), seen, left_out }
    }

    fn keep(&self, event: &Event<'_>) {
        let (what, why, took, bytes) = describe(&event.kind);
        let number = 1 + self.seen.fetch_add(1, Relaxed);
        let (function, key) = (event.function, event.key);
        let at = SystemTime::now();
        self.push(Kept { number, at, function, key, what, why, took, bytes });
    }

    fn push(&self, kept: Kept) {
        let mut ring = match self.ring.try_lock() {
            Ok(ring) => ring,
            Err(TryLockError::Poisoned(ring)) => ring.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.left_out.fetch_add(1, Relaxed);
                return;
            }
        };
        if ring.len() >= KEPT {
            ring.pop_front();
        }
        ring.push_back(kept);
    }

    fn last(&self) -> Latest {
        // Copied under the lock and written after it, so that few events find it taken.
        let kept = {
            let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.iter().rev().copied().collect::<Vec<_>>()
        };
        let (seen, left_out) = (self.seen.load(Relaxed), self.left_out.load(Relaxed));
        Latest { seen, left_out, events: kept.into_iter().map(Shown::from).collect() }
    }
}

impl From<Kept> for Shown {
    fn from(kept: Kept) -> Self {
        let Kept { number, at, function, key, what, why, took, bytes } = kept;
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            number,
            at: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            function,
            key: key.map(|key| key.to_string()),
            what,
            why,
            took: took.map(|took| took.as_secs_f64()),
            bytes,
        }
    }
}

type Description = (&'static str, Option<&'static str>, Option<Duration>, Option<usize>);

fn describe(kind: &EventKind) -> Description {
    match kind {
        EventKind::Hit => ("hit", None, None, None),
        EventKind::Missed(why) => ("missed", Some(reason(why)), None, None),
        EventKind::Computed { took, bytes } => ("computed", None, Some(*took), Some(*bytes)),
        EventKind::Waited { took } => ("waited", None, Some(*took), None),
        EventKind::Stored => ("stored", None, None, None),
        EventKind::Evicted => ("evicted", None, None, None),
        EventKind::Expired => ("expired", None, None, None),
        EventKind::Cleared => ("cleared", None, None, None),
        EventKind::Removed => ("removed", None, None, None),
        EventKind::Refreshed { ok: true } => ("refreshed", None, None, None),
        EventKind::Refreshed { ok: false } => ("refreshed", Some("the old one stays"), None, None),
        EventKind::Released => ("released", None, None, None),
        EventKind::StoreHit { took } => ("store hit", None, Some(*took), None),
        EventKind::Differs => ("differs", None, None, None),
        // Its message may be of any length: `memo::set_reporter` is the place for it.
        EventKind::Failed(_) => ("failed", None, None, None),
        _ => ("something else", None, None, None),
    }
}

fn reason(why: &Why) -> &'static str {
    match why {
        Why::Hit { .. } => "stored meanwhile",
        Why::Never => "not computed yet",
        Why::Expired { .. } => "expired",
        Why::Evicted => "evicted before",
        Why::Cleared { .. } => "cleared before",
        Why::Removed => "removed before",
        Why::NotStored => "not stored before",
        Why::OtherVersion => "of another version",
        Why::Uncacheable => "runs uncached",
        Why::InFlight { .. } => "under way",
        Why::StoreUnreachable => "its store is away",
        _ => "for another reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(number: u64) -> Kept {
        Kept {
            number,
            at: SystemTime::now(),
            function: "f",
            key: None,
            what: "hit",
            why: None,
            took: None,
            bytes: None,
        }
    }

    #[test]
    fn only_the_last_are_kept_and_the_latest_is_first() {
        let events = Events::new();
        for number in 1..=1000 {
            events.push(kept(number));
        }
        let latest = events.last().events;
        assert_eq!(latest.len(), KEPT);
        assert_eq!((latest[0].number, latest[KEPT - 1].number), (1000, 951));
    }

    #[test]
    fn an_event_does_not_wait_for_a_reader() {
        let events = Events::new();
        let reading = events.ring.lock().unwrap();
        events.push(kept(1));
        drop(reading);
        let latest = events.last();
        assert_eq!((latest.left_out, latest.events.len()), (1, 0));
    }
}
