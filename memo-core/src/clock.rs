//! A clock that costs little: it ticks every few milliseconds, and only ever forwards.

pub(crate) mod timer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Whether there is a clock. Where there is none, asking std for the time would end the program.
pub(crate) const EXISTS: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

#[cfg(not(any(all(target_family = "wasm", target_os = "unknown"), all(test, memo_shuttle))))]
pub(crate) use std::time::Instant;

#[cfg(any(all(target_family = "wasm", target_os = "unknown"), all(test, memo_shuttle)))]
pub(crate) use stopped::Instant;

/// A moment of the monotonic clock, in nanoseconds that come some millions at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Tick {
    /// The coarse clock is read without asking the hardware: 4 ns more on a hit that may expire.
    #[cfg(all(target_os = "linux", not(all(test, memo_shuttle))))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn now() -> Self {
        let (seconds, nanos) = read(libc::CLOCK_MONOTONIC_COARSE);
        Self(seconds * 1_000_000_000 + nanos)
    }

    #[cfg(any(not(target_os = "linux"), all(test, memo_shuttle)))]
    pub(crate) fn now() -> Self {
        use std::sync::OnceLock;
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    /// So much later.
    pub(crate) const fn plus(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// How long after another one it is; no time, if that is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_nanos(Self::now().0.saturating_sub(self.0))
    }
}

/// What times to live are told by: the clock, or one that is ahead of it, which a test has moved.
#[derive(Debug)]
pub(crate) struct Clock {
    /// In nanoseconds.
    ahead: AtomicU64,
}

/// The clock of the process, which nobody moves.
pub(crate) static REAL: Clock = Clock::new();

impl Clock {
    pub(crate) const fn new() -> Self {
        Self { ahead: AtomicU64::new(0) }
    }

    pub(crate) fn is_real(&'static self) -> bool {
        std::ptr::eq(self, &REAL)
    }

    pub(crate) fn now(&self) -> Tick {
        // Relaxed: who moves a clock and who reads it then are one thread, or have met.
        match self.ahead.load(Ordering::Relaxed) {
            0 => Tick::now(),
            // The last moment of all is that of what is kept for ever.
            ahead => Tick(Tick::now().plus(ahead).0.min(u64::MAX - 1)),
        }
    }

    pub(crate) fn advance(&self, nanos: u64) {
        let later = |ahead: u64| Some(ahead.saturating_add(nanos));
        let _ = self.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    pub(crate) fn set_back(&self) {
        self.ahead.store(0, Ordering::Relaxed);
    }
}

/// What a clock of the kernel's shows that never runs below zero, in seconds and nanoseconds.
#[cfg(target_os = "linux")]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn read(clock: libc::clockid_t) -> (u64, u64) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a `timespec` of ours. A clock that the kernel does not know leaves
    // it as it is.
    unsafe { libc::clock_gettime(clock, &mut time) };
    // The fields have 32 bits on some platforms, and 64 on others.
    (time.tv_sec as u64, time.tv_nsec as u64)
}

/// The clock of a platform that has none, and of chosen schedules. It stands still, so that no moment
/// of it is ever over.
#[cfg(any(all(target_family = "wasm", target_os = "unknown"), all(test, memo_shuttle)))]
mod stopped {
    use std::ops::{Add, Sub};
    use std::time::Duration;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(Duration::ZERO)
        }

        pub(crate) fn checked_add(self, duration: Duration) -> Option<Self> {
            self.0.checked_add(duration).map(Self)
        }

        pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }

        pub(crate) fn elapsed(self) -> Duration {
            Self::now().saturating_duration_since(self)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, duration: Duration) -> Self {
            Self(self.0 + duration)
        }
    }

    impl Sub for Instant {
        type Output = Duration;

        fn sub(self, earlier: Self) -> Duration {
            self.saturating_duration_since(earlier)
        }
    }
}
