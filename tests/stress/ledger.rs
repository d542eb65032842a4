//! What a function may serve: the version that each key has now, and the oldest that is not
//! forgotten.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::random;
use crate::record::Record;
use crate::verdict::wrong;

pub(crate) const KEYS: usize = 400;

pub(crate) struct Ledger {
    name: &'static str,
    now: [AtomicU64; KEYS],
    floor: [AtomicU64; KEYS],
    /// Held alone by who says what a value is: it would be older than what is forgotten meanwhile.
    gate: RwLock<()>,
    pub(crate) calls: AtomicU64,
    runs: AtomicU64,
}

impl Ledger {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            now: [const { AtomicU64::new(1) }; KEYS],
            floor: [const { AtomicU64::new(0) }; KEYS],
            gate: RwLock::new(()),
            calls: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        }
    }

    /// For a body: what the function returns now.
    pub(crate) fn read(&self, key: u64) -> Record {
        self.runs.fetch_add(1, Relaxed);
        let version = self.now[key as usize].load(SeqCst);
        random::work();
        Record::new(key, version)
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(SeqCst)
    }

    /// Looks at what is served, if anything is: what was forgotten before must not be.
    pub(crate) fn serves(&self, how: &str, key: u64, serve: impl FnOnce() -> Option<Record>) {
        let floor = self.floor(key);
        if let Some(record) = serve() {
            self.check(how, key, floor, &record);
        }
    }

    pub(crate) fn check(&self, how: &str, key: u64, floor: u64, record: &Record) {
        let name = self.name;
        if record.key != key || !record.is_whole() {
            wrong(&format!("{name} {how}: asked for {key}, and served {record:?}"));
        }
        let version = record.version;
        if version < floor {
            wrong(&format!("{name} {how}: {key} is served in version {version} after {floor}"));
        }
        let now = self.now[key as usize].load(SeqCst);
        if version > now {
            wrong(&format!("{name} {how}: {key} is served in version {version} before {now}"));
        }
    }

    /// The oldest version that may be served to who asks from now on.
    pub(crate) fn floor(&self, key: u64) -> u64 {
        self.floor[key as usize].load(SeqCst)
    }

    /// The next version; from now on bodies return it.
    pub(crate) fn advance(&self, key: u64) -> u64 {
        self.now[key as usize].fetch_add(1, SeqCst) + 1
    }

    /// Nothing before that version is to be served to who asks from now on.
    pub(crate) fn raise(&self, key: u64, version: u64) {
        self.floor[key as usize].fetch_max(version, SeqCst);
    }

    /// Has one key forgotten.
    pub(crate) fn forget<R>(&self, key: u64, forget: impl FnOnce() -> R) {
        let _gate = self.pass();
        let version = self.advance(key);
        let _ = forget();
        self.raise(key, version);
    }

    /// Has all keys forgotten.
    pub(crate) fn forget_all(&self, forget: impl FnOnce()) {
        let _gate = self.pass();
        let versions: Vec<_> = (0..KEYS as u64).map(|key| (key, self.advance(key))).collect();
        forget();
        for (key, version) in versions {
            self.raise(key, version);
        }
    }

    /// Says what a key's value is.
    pub(crate) fn insert(&self, key: u64, insert: impl FnOnce(Record)) {
        let _gate = self.close();
        let version = self.advance(key);
        insert(Record::new(key, version));
        self.raise(key, version);
    }

    /// Has a key computed anew. If that comes to nothing, what was there may stay.
    pub(crate) fn refresh(&self, key: u64, refresh: impl FnOnce() -> Option<Record>) {
        let _gate = self.pass();
        let version = self.advance(key);
        if let Some(record) = refresh() {
            self.check("refresh", key, version, &record);
            self.raise(key, version);
        }
    }

    fn pass(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }
}
