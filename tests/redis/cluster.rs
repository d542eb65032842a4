//! A cluster loses a master under load: no call fails, waits or is answered with what was made void,
//! and a few seconds later results are stored and found again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{FunctionId, Key, RedisStore, Stamp, Store, Tag};

use crate::common::{random_below, until, AGES, DEADLINE};
use crate::nodes::Cluster;

/// What a call may take at the most: its deadline, and what it does besides.
const LONGEST: Duration = Duration::from_millis(150);
/// Until then results are found again.
const RECOVERY: Duration = Duration::from_secs(5);
const KEYS: u64 = 64;
const THREADS: usize = 4;

static URL: OnceLock<String> = OnceLock::new();

fn store() -> RedisStore {
    RedisStore::builder(URL.get().unwrap()).deadline(DEADLINE).connect()
}

/// What is computed now; raised before something is made void.
static NOW: AtomicU64 = AtomicU64::new(1);

#[memo(store = store(), max_entries = 8, name = "of_a_cluster")]
fn version(key: u64) -> u64 {
    let _ = key;
    NOW.load(SeqCst)
}

#[memo(store = store(), max_entries = 8, flight = "fleet", name = "led_in_a_cluster")]
fn led(key: u64) -> u64 {
    let _ = key;
    NOW.load(SeqCst)
}

/// The version below which a result may not fall any more, of each thing that is made void.
struct Floors([AtomicU64; KEYS as usize]);

impl Floors {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    fn of(&self, key: u64) -> u64 {
        self.0[key as usize].load(SeqCst)
    }

    fn raise(&self, keys: impl IntoIterator<Item = u64>, version: u64) {
        for key in keys {
            self.0[key as usize].fetch_max(version, SeqCst);
        }
    }
}

/// Calls of one function from a thread, and now and then something that makes results void.
struct Caller<'a> {
    call: fn(u64) -> u64,
    clear: fn(),
    remove: fn(u64) -> bool,
    floors: &'a Floors,
    longest: &'a AtomicU64,
    calls: &'a AtomicU64,
}

impl Caller<'_> {
    fn step(&self, number: u64) {
        let key = random_below(KEYS);
        let floor = self.floors.of(key);
        let start = Instant::now();
        let found = (self.call)(key);
        self.longest.fetch_max(start.elapsed().as_micros() as u64, SeqCst);
        self.calls.fetch_add(1, SeqCst);
        assert!(found >= floor, "call {key}: {found} is served, void below {floor}");
        let now = match number % 100 {
            0 | 50 => NOW.fetch_add(1, SeqCst) + 1,
            _ => return,
        };
        if number % 100 == 0 {
            (self.clear)();
            self.floors.raise(0..KEYS, now);
        } else {
            (self.remove)(key);
            self.floors.raise([key], now);
        }
    }
}

/// Has this many functions, with keys in all slots, found and put by the trait alone.
#[track_caller]
fn finds_again(store: &RedisStore) -> bool {
    const FUNCTIONS: u8 = 12;
    (0..FUNCTIONS).all(|number| {
        let (function, key) = (FunctionId::new("found again", [number; 16]), [number; 32]);
        let looked = store.get_tagged(&function, &key, &[key]);
        let put = looked.and_then(|(lookup, _)| {
            store.put(&function, &key, lookup.ticket, b"value", None)?;
            store.get(&function, &key)
        });
        put.is_ok_and(|lookup| lookup.found.is_some())
    })
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn no_call_fails_while_masters_of_a_cluster_are_killed() {
    let cluster = Cluster::new();
    URL.set(cluster.url()).unwrap();
    let floors = [(); 2].map(|()| Floors::new());
    let (longest, calls) = ([(); 2].map(|()| AtomicU64::new(0)), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let probe = store();
    until("the cluster is found", RECOVERY, || finds_again(&probe));
    thread::scope(|scope| {
        let end = EndOnDrop(&is_over);
        for thread in 0..THREADS {
            let of_function = thread % 2;
            let (call, clear, remove): (fn(u64) -> u64, fn(), fn(u64) -> bool) = match of_function {
                0 => (version, version::clear, version::remove),
                _ => (led, led::clear, led::remove),
            };
            let (floors, longest) = (&floors[of_function], &longest[of_function]);
            let caller = Caller { call, clear, remove, floors, longest, calls: &calls };
            let is_over = &is_over;
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(SeqCst) {
                        break;
                    }
                    caller.step(number);
                    thread::sleep(Duration::from_micros(random_below(400)));
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        for round in 0..3 {
            loses_a_master(&cluster, &probe, round);
            let [plain, led] =
                longest.each_ref().map(|it| Duration::from_micros(it.swap(0, SeqCst)));
            println!("{plain:?} at the longest, of those that take a lease {led:?}");
            assert!(plain < LONGEST && led < LONGEST, "a call took {plain:?} or {led:?}");
        }
        drop(end);
    });
    let stats = [version::stats(), led::stats()];
    println!(
        "{} calls, {} hits, {} errors",
        calls.into_inner(),
        stats.iter().map(|stats| stats.hits).sum::<u64>(),
        stats.iter().map(|stats| stats.store_errors).sum::<u64>(),
    );
    assert!(stats.iter().all(|stats| stats.store_errors > 0 && stats.hits > 0));
}

/// Kills a master, waits until all is found again, and has it come back.
fn loses_a_master(cluster: &Cluster, probe: &RedisStore, round: usize) {
    let masters = cluster.masters();
    let killed = masters[random_below(masters.len() as u64) as usize];
    let start = Instant::now();
    cluster.nodes[killed].kill();
    let took = until("results are found again", AGES, || finds_again(probe));
    // Not those that were found before the store noticed.
    cluster.until_it_is_replaced(killed);
    until("results are found again", AGES, || finds_again(probe));
    let all = start.elapsed();
    println!("round {round}, node {killed}: found again after {took:?}, by all after {all:?}");
    assert!(all < RECOVERY, "results are found again after {all:?}");
    cluster.nodes[killed].start();
    cluster.until_it_is_whole();
}

/// Ends those who call, though something panics.
struct EndOnDrop<'b>(&'b AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

const TAGS: u64 = 8;

fn numbered(number: u64) -> Key {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

/// A call of the trait, by who has tags: what it found, if that is valid; or an error.
fn look(store: &RedisStore, key: u64, tag: &Tag) -> Result<Option<u64>, memo::store::Failure> {
    let function = FunctionId::new("tagged", [(key % 4) as u8; 16]);
    let (lookup, stamps) =
        store.get_tagged(&function, &numbered(key), std::slice::from_ref(tag))?;
    let found = lookup.found.and_then(|found| {
        let (stamp, version) = found.value.split_first_chunk()?;
        let version = version.try_into().map(u64::from_le_bytes).ok()?;
        (Stamp::from_le_bytes(*stamp) == stamps[0]).then_some(version)
    });
    if found.is_none() {
        let version = NOW_OF_TAGS.load(SeqCst).to_le_bytes();
        let bytes = [stamps[0].to_le_bytes(), version].concat();
        store.put(&function, &numbered(key), lookup.ticket, &bytes, None)?;
    }
    Ok(found)
}

static NOW_OF_TAGS: AtomicU64 = AtomicU64::new(1);

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_is_found_by_a_tag_that_was_cleared_while_masters_of_a_cluster_are_killed() {
    let cluster = Cluster::new();
    let open = || RedisStore::builder(cluster.url()).deadline(DEADLINE).connect();
    let stores = [open(), open()];
    until("the cluster is found", RECOVERY, || finds_again(&stores[0]));
    let floors = Floors::new();
    let is_over = AtomicBool::new(false);
    let counts: [AtomicU64; 4] = std::array::from_fn(|_| AtomicU64::new(0));
    let [found, errors, cleared, refused] = &counts;
    thread::scope(|scope| {
        let end = EndOnDrop(&is_over);
        for thread in 0..THREADS {
            let (store, floors, is_over) = (&stores[thread % 2], &floors, &is_over);
            scope.spawn(move || {
                while !is_over.load(SeqCst) {
                    let key = random_below(KEYS);
                    let floor = floors.of(key % TAGS);
                    match look(store, key, &numbered(key % TAGS)) {
                        Ok(Some(version)) => {
                            assert!(version >= floor, "{version} is found, void below {floor}");
                            found.fetch_add(1, SeqCst);
                        }
                        Ok(None) => {}
                        Err(_) => {
                            errors.fetch_add(1, SeqCst);
                        }
                    }
                    thread::sleep(Duration::from_micros(random_below(400)));
                }
            });
        }
        let (clearer, floors, over) = (&stores[1], &floors, &is_over);
        scope.spawn(move || {
            while !over.load(SeqCst) {
                let tag = random_below(TAGS);
                let now = NOW_OF_TAGS.fetch_add(1, SeqCst) + 1;
                match clearer.clear_tag(&numbered(tag)) {
                    Ok(_) => {
                        floors.raise([tag], now);
                        cleared.fetch_add(1, SeqCst);
                    }
                    Err(_) => {
                        refused.fetch_add(1, SeqCst);
                    }
                }
                thread::sleep(Duration::from_millis(random_below(20)));
            }
        });
        for round in 0..2 {
            thread::sleep(Duration::from_millis(500));
            loses_a_master(&cluster, &stores[0], round);
        }
        drop(end);
    });
    let [found, errors, cleared, refused] = counts.map(AtomicU64::into_inner);
    println!("{found} found, {errors} errors; {cleared} clears, {refused} refused");
    assert!(found > 0 && cleared > 0);
}
