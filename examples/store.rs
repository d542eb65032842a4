//! A store of one's own, and the test that it is one: `cargo run --example store`.
//!
//! This one keeps its bytes in a map that all who open it share; a table of a database would be the
//! same with other words. The three things to get right are what the tickets are for: a result is
//! put only if its function was not cleared and its call not removed since it was looked up, an
//! epoch never comes back, and what others made void can be asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{self, Changes, Failure, Found, FunctionId, Key, Lookup, Store, Ticket};

/// A handle; its clones are handles of the same shelf.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Shelved>>);

#[derive(Default)]
struct Shelved {
    functions: HashMap<[u8; 16], Results>,
    /// The last epoch that began: the next one is higher, so that none comes twice.
    epoch: u64,
}

struct Results {
    epoch: u64,
    /// The calls removed in this epoch, in order.
    removed: Vec<Key>,
    values: HashMap<Key, Value>,
}

struct Value {
    bytes: Vec<u8>,
    put: Instant,
    life: Option<Duration>,
}

impl Value {
    /// How long ago it was put, if that is not too long.
    fn age(&self) -> Option<Duration> {
        let age = self.put.elapsed();
        self.life.is_none_or(|life| age < life).then_some(age)
    }
}

impl Results {
    fn ticket(&self) -> Ticket {
        Ticket::new(self.epoch, self.removed.len() as u64)
    }

    /// The calls removed since, in the same epoch.
    fn removed_since(&self, ticket: Ticket) -> &[Key] {
        self.removed.get(ticket.removals as usize..).unwrap_or_default()
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelved {
    fn of(&mut self, function: &FunctionId<'_>) -> &mut Results {
        let epoch = &mut self.epoch;
        self.functions.entry(function.fingerprint).or_insert_with(|| {
            *epoch += 1;
            Results { epoch: *epoch, removed: Vec::new(), values: HashMap::new() }
        })
    }
}

impl Store for Shelf {
    fn get(&self, function: &FunctionId<'_>, key: &Key) -> Result<Lookup, Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let found = results.values.get(key).and_then(|value| {
            let age = value.age()?;
            Some(Found::new(value.bytes.clone(), age))
        });
        Ok(Lookup::new(results.ticket(), found))
    }

    fn put(
        &self,
        function: &FunctionId<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let is_void = results.epoch != ticket.epoch || results.removed_since(ticket).contains(key);
        if !is_void {
            let value = Value { bytes: value.to_vec(), put: Instant::now(), life };
            results.values.insert(*key, value);
        }
        Ok(())
    }

    fn remove(&self, function: &FunctionId<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        results.removed.push(*key);
        let was_there = results.values.remove(key).is_some_and(|value| value.age().is_some());
        Ok((was_there, results.ticket()))
    }

    fn clear(&self, function: &FunctionId<'_>) -> Result<Ticket, Failure> {
        let mut shelf = self.lock();
        shelf.functions.remove(&function.fingerprint);
        Ok(shelf.of(function).ticket())
    }

    fn clear_all(&self) -> Result<(), Failure> {
        self.lock().functions.clear();
        Ok(())
    }

    fn changes(
        &self,
        function: &FunctionId<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let mut shelf = self.lock();
        let results = shelf.of(function);
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != results.epoch => Changes::Everything,
            Some(since) => match results.removed_since(since) {
                [] => Changes::Nothing,
                removed => Changes::Removed(removed.to_vec()),
            },
        };
        Ok((results.ticket(), changes))
    }
}

static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::default);

#[memo(store = SHELF.clone())]
fn square(x: u64) -> u64 {
    println!("    computing {x} squared");
    x * x
}

fn main() {
    // As a test of yours would: each call opens the same storage once more.
    let shelf = Shelf::default();
    store::conformance::check(|| shelf.clone());
    println!("it is a store");

    println!("12² = {}", square(12));
    println!("12² = {}", square(12));
    println!(
        "on the shelf: {}",
        SHELF.lock().functions.values().map(|f| f.values.len()).sum::<usize>()
    );

    square::clear();
    println!(
        "cleared, and on the shelf: {}",
        SHELF.lock().functions.values().map(|f| f.values.len()).sum::<usize>()
    );
    println!("12² = {}", square(12));
}
