//! Whether memo functions use their caches, which tests and debugging turn off.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::function::{event, isolation, verify};

/// Says whether memo functions look into their caches.
#[derive(Debug)]
pub(crate) struct Switch(AtomicU8);

/// That of the process; an isolation has its own.
static PROCESS: Switch = Switch::new();

/// The environment was not asked yet.
const UNREAD: u8 = 0;
const ON: u8 = 1;
const OFF: u8 = 2;
/// On, and hits take the way on which there is more to do than to find.
const WATCHED: u8 = 3;

impl Switch {
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(UNREAD))
    }

    pub(crate) fn begin_anew(&self) {
        self.0.store(UNREAD, Ordering::Relaxed);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_known_on(&self) -> bool {
        // Relaxed, here and below: the state guards no data.
        self.0.load(Ordering::Relaxed) == ON
    }

    fn is_on(&self) -> bool {
        match self.0.load(Ordering::Relaxed) {
            ON | WATCHED => true,
            UNREAD => self.read_environment(),
            _ => false,
        }
    }

    #[cold]
    fn read_environment(&self) -> bool {
        let off =
            std::env::var_os("MEMO_DISABLE").is_some_and(|value| !value.is_empty() && value != "0");
        let state = state(!off);
        // What `set_enabled` said meanwhile stands.
        let before = self.0.compare_exchange(UNREAD, state, Ordering::Relaxed, Ordering::Relaxed);
        matches!(before.err().unwrap_or(state), ON | WATCHED)
    }
}

/// What stands for on and for off.
fn state(is_on: bool) -> u8 {
    match (is_on, is_watched()) {
        (false, _) => OFF,
        (true, false) => ON,
        (true, true) => WATCHED,
    }
}

/// Whether there is more to do for a hit than to find it.
fn is_watched() -> bool {
    event::is_observed() || verify::is_on()
}

/// From now on hits take the long way, or the short one again, as there is more to do for them or not.
pub(crate) fn watch_or_not() {
    loop {
        let is_watched = is_watched();
        let (from, to) = if is_watched { (ON, WATCHED) } else { (WATCHED, ON) };
        // What is off is watched when it is turned on, and what is unread when it is read.
        let _ = PROCESS.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        if is_watched == self::is_watched() {
            return;
        }
    }
}

/// Whether memo functions look into their caches, on this thread.
#[cold]
#[inline(never)]
pub(crate) fn is_on() -> bool {
    switch().is_on()
}

/// The same, but also true where only an isolation that this thread is in says otherwise: for who asks
/// again where a thread has no [record](crate::reclaim) at hand.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn may_be_on() -> bool {
    is_known_on() || is_on()
}

/// Whether they do outside isolations, and nobody watches, as far as is known without asking the
/// environment.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_known_on() -> bool {
    PROCESS.is_known_on()
}

fn switch() -> &'static Switch {
    isolation::current().map_or(&PROCESS, |isolation| &isolation.switch)
}

/// Enables or disables caching in all memo functions, for tests and debugging.
///
/// Enabled by default, unless the environment variable `MEMO_DISABLE` is set to anything but `0` or
/// the empty string. While it is disabled, a memo function runs its body on every call, stores
/// nothing and counts nothing; what was stored before stays, and is returned once caching is
/// enabled again. Singletons are not affected, as their callers rely on sharing one instance. In an
/// [isolated](crate::isolated) block it concerns that block alone.
///
/// # Examples
///
/// ```
/// #[memo::memo]
/// fn roll() -> u64 {
/// #   use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// #   static ROLLS: AtomicU64 = AtomicU64::new(0);
/// #   ROLLS.fetch_add(1, Relaxed)
///     // …
/// }
///
/// assert_eq!(roll(), roll());
/// memo::set_enabled(false);
/// assert_ne!(roll(), roll());
/// # memo::set_enabled(true);
/// ```
pub fn set_enabled(enabled: bool) {
    switch().0.store(state(enabled), Ordering::Relaxed);
    // That may have changed meanwhile.
    watch_or_not();
}
