use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::Mutex;
use std::time::Duration;

use memo::memo;
use memo::store::{Changes, Failure, Found, FunctionId, Key, Lease, Lookup, Store, Ticket};

/// Whether there is a clock.
const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

/// A store in memory.
struct Table {
    results: Mutex<HashMap<Key, Vec<u8>>>,
    asked: AtomicU32,
    longest_life: Option<Duration>,
}

static LASTING: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| Table::new(None));
static BRIEF: std::sync::LazyLock<Table> =
    std::sync::LazyLock::new(|| Table::new(Some(Duration::from_secs(3600))));
static LEASED: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| Table::new(None));

const NOW: Ticket = Ticket::new(1, 0);

impl Table {
    fn new(longest_life: Option<Duration>) -> Self {
        Self { results: Mutex::default(), asked: AtomicU32::new(0), longest_life }
    }
}

impl Store for Table {
    fn get(&self, _: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        self.asked.fetch_add(1, SeqCst);
        let value = self.results.lock().unwrap().get(key).cloned();
        let found = value.map(|value| Found::new(value, Duration::ZERO));
        Ok(Lookup::new(NOW, found))
    }

    fn put(
        &self,
        _: &FunctionId<'_>,
        key: &Key,
        _: Ticket,
        value: &[u8],
        _: Option<Duration>,
    ) -> Result<(), Failure> {
        self.results.lock().unwrap().insert(*key, value.to_vec());
        Ok(())
    }

    fn remove(&self, _: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        Ok((self.results.lock().unwrap().remove(key).is_some(), NOW))
    }

    fn clear(&self, _: &FunctionId<'_>) -> Result<Ticket, Failure> {
        self.results.lock().unwrap().clear();
        Ok(NOW)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.results.lock().unwrap().clear();
        Ok(())
    }

    fn changes(&self, _: &FunctionId<'_>, _: Option<Ticket>) -> Result<(Ticket, Changes), Failure> {
        Ok((NOW, Changes::Nothing))
    }

    fn longest_life(&self) -> Option<Duration> {
        self.longest_life
    }

    /// Somebody else has it, always.
    fn lease(&self, _: &FunctionId<'_>, _: &Key) -> Result<Option<Lease>, Failure> {
        Ok(None)
    }
}

pub(super) fn a_store_of_the_users_is_asked_behind_memory() {
    #[memo(store = &*LASTING)]
    fn lasting(x: u64) -> u64 {
        x + 1
    }
    assert_eq!((lasting(1), lasting(1), LASTING.asked.load(SeqCst)), (2, 2, 1));
    assert_eq!(LASTING.results.lock().unwrap().len(), 1);
    assert_eq!(lasting::stats().store_errors, 0);
}

pub(super) fn a_store_whose_results_do_not_last_is_asked_each_time_where_there_is_no_clock() {
    #[memo(store = &*BRIEF)]
    fn brief(x: u64) -> u64 {
        x + 1
    }
    assert_eq!((brief(1), brief(1)), (2, 2));
    let asked = if HAS_CLOCK { 1 } else { 2 };
    assert_eq!((BRIEF.asked.load(SeqCst), brief::stats().store_errors), (asked, 0));
}

pub(super) fn a_fleet_is_not_waited_for_where_there_is_no_clock() {
    #[memo(store = &*LEASED, flight = "fleet", wait = "50ms")]
    fn leased(x: u64) -> u64 {
        x + 1
    }
    assert_eq!((leased(1), leased(1), leased::stats().unshared), (2, 2, 1));
}

#[cfg(feature = "disk")]
pub(super) fn a_function_whose_store_has_no_files_computes() {
    /// There are files where there is a clock; this is none that a directory can be in.
    fn nowhere() -> memo::store::DiskStore {
        memo::store::DiskStore::open("/dev/null/results")
    }
    #[memo(store = "disk")]
    fn named(x: u64) -> u64 {
        x + 1
    }
    #[memo(store = nowhere())]
    fn opened(x: u64) -> u64 {
        x + 1
    }
    assert_eq!((named(1), named(1), opened(1), opened(1)), (2, 2, 2, 2));
    assert!(opened::stats().store_errors > 0);
    assert!(HAS_CLOCK || named::stats().store_errors > 0);
}
