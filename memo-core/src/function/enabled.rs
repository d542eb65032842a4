//! Whether memo functions use their caches, which tests and debugging turn off.

use std::sync::atomic::{AtomicU8, Ordering};

static STATE: AtomicU8 = AtomicU8::new(UNREAD);

/// The environment was not asked yet.
const UNREAD: u8 = 0;
const ON: u8 = 1;
const OFF: u8 = 2;

/// Whether memo functions look into their caches.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_on() -> bool {
    // Relaxed: the state guards no data.
    match STATE.load(Ordering::Relaxed) {
        ON => true,
        UNREAD => read_environment(),
        _ => false,
    }
}

/// Whether they do, as far as is known without asking the environment.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_known_on() -> bool {
    // Relaxed: as above.
    STATE.load(Ordering::Relaxed) == ON
}

#[cold]
fn read_environment() -> bool {
    let off =
        std::env::var_os("MEMO_DISABLE").is_some_and(|value| !value.is_empty() && value != "0");
    let state = if off { OFF } else { ON };
    // What `set_enabled` said meanwhile stands.
    let before = STATE.compare_exchange(UNREAD, state, Ordering::Relaxed, Ordering::Relaxed);
    before.err().unwrap_or(state) == ON
}

/// Enables or disables caching in all memo functions, for tests and debugging.
///
/// Enabled by default, unless the environment variable `MEMO_DISABLE` is set to anything but `0` or
/// the empty string. While it is disabled, a memo function runs its body on every call, stores
/// nothing and counts nothing; what was stored before stays, and is returned once caching is
/// enabled again. Singletons are not affected, as their callers rely on sharing one instance.
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
    STATE.store(if enabled { ON } else { OFF }, Ordering::Relaxed);
}
