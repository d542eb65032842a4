//! The calls whose results are too large to be had, so that they are not asked for each time.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::store::{FunctionId, Key};

/// A table of fixed size. What does not fit overwrites, and is then asked for once more.
pub(super) struct Slow([Mutex<Option<(u64, Instant)>>; PLACES]);

const PLACES: usize = 64;
/// How long such a result is not asked for.
const PAUSE: Duration = Duration::from_secs(60);

impl Slow {
    pub(super) const fn new() -> Self {
        Self([const { Mutex::new(None) }; PLACES])
    }

    /// Two calls of one name are taken for each other: that costs one of them a hit.
    fn name(function: &FunctionId<'_>, key: &Key) -> u64 {
        let start = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
        start(&function.fingerprint) ^ start(key)
    }

    fn place(&self, name: u64) -> &Mutex<Option<(u64, Instant)>> {
        &self.0[(name % PLACES as u64) as usize]
    }

    pub(super) fn note(&self, function: &FunctionId<'_>, key: &Key) {
        let name = Self::name(function, key);
        *self.place(name).lock() = Some((name, Instant::now()));
    }

    pub(super) fn forget(&self, function: &FunctionId<'_>, key: &Key) {
        let name = Self::name(function, key);
        self.place(name).lock().take_if(|(noted, _)| *noted == name);
    }

    pub(super) fn contains(&self, function: &FunctionId<'_>, key: &Key) -> bool {
        let name = Self::name(function, key);
        let noted = *self.place(name).lock();
        noted.is_some_and(|(noted, since)| noted == name && since.elapsed() < PAUSE)
    }
}
