//! How old a file is, whatever has become of the clock.
//!
//! The clock on the wall is set forth and back; how long the machine has run is not. A stamp has
//! both: as long as the machine has not been started again, only the second counts. After that, a
//! result from the future is older than anything may be.

use std::time::{Duration, SystemTime};

use crate::clock;

/// When something was written, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Since 1970.
    pub(super) wall: u64,
    /// Which start of the machine; 0 if it does not say.
    pub(super) boot: u64,
    /// Since that start.
    pub(super) uptime: u64,
}

/// The moment, as both clocks show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now(pub(super) Stamp);

impl Now {
    pub(super) fn read() -> Self {
        let wall = if clock::EXISTS {
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
        } else {
            Duration::ZERO
        };
        let (boot, uptime) = boot::read();
        Self(Stamp { wall: millis(wall), boot, uptime })
    }

    /// How long ago it was; never less.
    #[cfg(feature = "disk")]
    pub(super) fn since(&self, stamp: Stamp) -> Duration {
        let age = if stamp.boot != 0 && stamp.boot == self.0.boot {
            self.0.uptime.checked_sub(stamp.uptime)
        } else {
            self.0.wall.checked_sub(stamp.wall)
        };
        // A stamp is cut to the millisecond.
        age.map_or(Duration::MAX, |age| Duration::from_millis(age.saturating_add(1)))
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(target_os = "linux")]
mod boot {
    use once_cell::sync::OnceCell;

    /// Which start of the machine this is, and how many milliseconds ago it was.
    pub(super) fn read() -> (u64, u64) {
        static BOOT: OnceCell<u64> = OnceCell::new();
        let boot = *BOOT.get_or_init(|| {
            let id = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            let Some(digest) = blake3::hash(&id).as_bytes().first_chunk().copied() else {
                return 0;
            };
            if id.is_empty() {
                0
            } else {
                u64::from_le_bytes(digest)
            }
        });
        // Since Linux 2.6.39; it counts what the machine slept, too.
        let (seconds, nanos) = crate::clock::read(libc::CLOCK_BOOTTIME);
        (boot, seconds * 1000 + nanos / 1_000_000)
    }
}

#[cfg(not(target_os = "linux"))]
mod boot {
    pub(super) fn read() -> (u64, u64) {
        (0, 0)
    }
}

#[cfg(all(test, feature = "disk"))]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn now(wall: u64, boot: u64, uptime: u64) -> Now {
        Now(Stamp { wall, boot, uptime })
    }

    #[test]
    fn a_clock_that_is_set_changes_no_age_until_the_machine_starts_again() {
        let written = now(100 * HOUR, 7, HOUR).0;
        for wall in [0, 99 * HOUR, 101 * HOUR, 100_000 * HOUR] {
            let age = now(wall, 7, 3 * HOUR).since(written);
            assert_eq!(age, Duration::from_millis(2 * HOUR + 1));
        }
    }

    #[test]
    fn what_comes_from_the_future_is_too_old_for_anything() {
        let written = now(100 * HOUR, 7, HOUR).0;
        assert_eq!(now(99 * HOUR, 8, 0).since(written), Duration::MAX);
        assert_eq!(now(101 * HOUR, 8, 0).since(written), Duration::from_millis(HOUR + 1));
    }
}
