//! A cluster loses a master under load: no call fails, waits or is answered with what was made void,
//! and a few seconds later results are stored and found again.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::{FunctionId, Key, RedisStore, Stamp, Store, Tag};

use crate::common::{random_below, until, AGES, DEADLINE, LATE};
use crate::nodes::Cluster;

/// What a call takes at the most: its deadline, and what it does besides.
const LONGEST: Duration = Duration::from_millis(150);
/// How long a right lasts that nobody gives back: a replica may not have been told that it was.
const LEASE: Duration = Duration::from_millis(500);
/// Until then results are found again.
const RECOVERY: Duration = Duration::from_secs(5);
const KEYS: u64 = 64;
const THREADS: usize = 4;

static URL: OnceLock<String> = OnceLock::new();

fn store() -> RedisStore {
    RedisStore::builder(URL.get().unwrap()).deadline(DEADLINE).lease(LEASE).connect()
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

/// The version below which the result of a call may not fall any more.
struct Floors([AtomicU64; KEYS as usize]);

impl fmt::Debug for Floors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Floors").finish_non_exhaustive()
    }
}

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

/// A function that is called, and all that is known of its calls.
struct Called {
    call: fn(u64) -> u64,
    clear: fn(),
    remove: fn(u64) -> bool,
    floors: Floors,
    /// In microseconds.
    longest: AtomicU64,
    calls: AtomicU64,
    late: AtomicU64,
}

impl Called {
    fn new(call: fn(u64) -> u64, clear: fn(), remove: fn(u64) -> bool) -> Self {
        let [longest, calls, late] = [(); 3].map(|()| AtomicU64::new(0));
        Self { call, clear, remove, floors: Floors::new(), longest, calls, late }
    }

    /// Calls, and now and then makes results void.
    fn step(&self, number: u64) {
        let key = random_below(KEYS);
        let floor = self.floors.of(key);
        let start = Instant::now();
        let found = (self.call)(key);
        let took = start.elapsed();
        self.longest.fetch_max(took.as_micros() as u64, SeqCst);
        self.late.fetch_add(u64::from(took >= LONGEST), SeqCst);
        self.calls.fetch_add(1, SeqCst);
        assert!(found >= floor, "call {key}: {found} is served, void below {floor}");
        match number % 100 {
            0 => {
                let now = NOW.fetch_add(1, SeqCst) + 1;
                (self.clear)();
                self.floors.raise(0..KEYS, now);
            }
            50 => {
                let now = NOW.fetch_add(1, SeqCst) + 1;
                (self.remove)(key);
                self.floors.raise([key], now);
            }
            _ => {}
        }
    }

    /// The longest that a call took since this was asked last.
    fn longest(&self) -> Duration {
        Duration::from_micros(self.longest.swap(0, SeqCst))
    }
}

/// Whether results of functions and tags in many slots are put and found.
fn finds_again(store: &RedisStore) -> bool {
    (0..12).all(|number| {
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
fn no_call_fails_while_masters_of_a_cluster_are_killed_or_hang() {
    let cluster = Cluster::new();
    URL.set(cluster.url()).unwrap();
    let probe = store();
    until("the cluster is found", RECOVERY, || finds_again(&probe));
    let functions = [
        Called::new(version, version::clear, version::remove),
        Called::new(led, led::clear, led::remove),
    ];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = EndOnDrop(&is_over);
        for thread in 0..THREADS {
            let (called, is_over) = (&functions[thread % 2], &is_over);
            scope.spawn(move || {
                for number in (0..).take_while(|_| !is_over.load(SeqCst)) {
                    called.step(number);
                    thread::sleep(Duration::from_micros(random_below(400)));
                }
            });
        }
        until("all have called", AGES, || functions.iter().all(|it| it.calls.load(SeqCst) > 500));
        for round in 0..4 {
            loses_a_master(&cluster, &probe, round);
            let [plain, led] = functions.each_ref().map(Called::longest);
            println!("{plain:?} at the longest, of those that take a lease {led:?}");
            assert!(plain < LATE, "a call took {plain:?}");
            assert!(led < LEASE + LATE, "a call that takes a lease took {led:?}");
        }
        drop(end);
    });
    let stats = [version::stats(), led::stats()];
    let sum =
        |of: fn(&Called) -> &AtomicU64| functions.iter().map(|it| of(it).load(SeqCst)).sum::<u64>();
    let (calls, late) = (sum(|it| &it.calls), sum(|it| &it.late));
    println!(
        "{calls} calls, {late} of {LONGEST:?} and more, {} hits, {} errors",
        stats.iter().map(|stats| stats.hits).sum::<u64>(),
        stats.iter().map(|stats| stats.store_errors).sum::<u64>(),
    );
    assert!(late <= calls / 100, "{late} of {calls} calls took longer than {LONGEST:?}");
    assert!(stats.iter().all(|stats| stats.store_errors > 0 && stats.hits > 0));
}

/// Kills a master, or has it hang; waits until all is found again, and has it come back.
fn loses_a_master(cluster: &Cluster, probe: &RedisStore, round: usize) {
    let masters = cluster.masters();
    let lost = masters[random_below(masters.len() as u64) as usize];
    let start = Instant::now();
    let is_killed = round & 1 == 0;
    if is_killed {
        cluster.nodes[lost].kill();
    } else {
        cluster.nodes[lost].stop();
    }
    let replaced = cluster.until_it_is_replaced(lost);
    until("results are found again", AGES, || finds_again(probe));
    let took = start.elapsed();
    println!("round {round}, node {lost}: replaced after {replaced:?}, found again after {took:?}");
    // Where the nodes have no processor, they take their time to notice.
    let bound = RECOVERY.max(replaced + LATE);
    assert!(took < bound, "results are found again after {took:?}");
    if is_killed {
        cluster.nodes[lost].start();
    } else {
        cluster.nodes[lost].go_on();
    }
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
const FUNCTIONS: u64 = 4;

fn function(key: u64) -> FunctionId<'static> {
    FunctionId::new("tagged", [(key % FUNCTIONS) as u8; 16])
}

fn numbered(number: u64) -> Key {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

/// A call of the trait, by who has tags: what it found, if that is valid; or an error.
fn look(store: &RedisStore, key: u64, tag: &Tag) -> Result<Option<u64>, memo::store::Failure> {
    let function = function(key);
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

/// Clears a tag or a function, or removes a call: of which calls the results are void then.
fn make_void(store: &RedisStore) -> Result<Vec<u64>, memo::store::Failure> {
    let key = random_below(KEYS);
    let of = |number: u64| (0..KEYS).filter(move |other| other % number == key % number);
    match random_below(4) {
        0 => store.clear(&function(key)).map(|_| of(FUNCTIONS).collect()),
        1 => store.remove(&function(key), &numbered(key)).map(|_| vec![key]),
        _ => store.clear_tag(&numbered(key % TAGS)).map(|_| of(TAGS).collect()),
    }
}

static NOW_OF_TAGS: AtomicU64 = AtomicU64::new(1);

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_void_is_found_while_masters_of_a_cluster_are_killed_or_hang() {
    let cluster = Cluster::new();
    let open = || RedisStore::builder(cluster.url()).deadline(DEADLINE).connect();
    let stores = [open(), open()];
    until("the cluster is found", RECOVERY, || finds_again(&stores[0]));
    let (seen, is_over) = (Seen::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        let end = EndOnDrop(&is_over);
        for thread in 0..THREADS + 1 {
            let (store, seen, is_over) = (&stores[thread % 2], &seen, &is_over);
            scope.spawn(move || {
                while !is_over.load(SeqCst) {
                    if thread < THREADS {
                        seen.look(store);
                        thread::sleep(Duration::from_micros(random_below(400)));
                    } else {
                        seen.make_void(store);
                        thread::sleep(Duration::from_millis(random_below(20)));
                    }
                }
            });
        }
        for round in 0..2 {
            let counts = || [&seen.found, &seen.made_void].map(|count| count.load(SeqCst));
            let [found, made_void] = counts();
            until("results are found and made void", AGES, || {
                let [now_found, now_made_void] = counts();
                now_found > found + 200 && now_made_void > made_void + 40
            });
            loses_a_master(&cluster, &stores[0], round);
        }
        drop(end);
    });
    println!("{seen:?}");
}

/// What came of looking, and of making void.
#[derive(Debug)]
struct Seen {
    floors: Floors,
    found: AtomicU64,
    errors: AtomicU64,
    made_void: AtomicU64,
    refused: AtomicU64,
}

impl Seen {
    fn new() -> Self {
        let [found, errors, made_void, refused] = [(); 4].map(|()| AtomicU64::new(0));
        Self { floors: Floors::new(), found, errors, made_void, refused }
    }

    fn look(&self, store: &RedisStore) {
        let key = random_below(KEYS);
        let floor = self.floors.of(key);
        let counted = match look(store, key, &numbered(key % TAGS)) {
            Ok(Some(version)) => {
                assert!(version >= floor, "call {key}: {version} is found, void below {floor}");
                &self.found
            }
            Ok(None) => return,
            Err(_) => &self.errors,
        };
        counted.fetch_add(1, SeqCst);
    }

    /// Who is refused may have made it void all the same.
    fn make_void(&self, store: &RedisStore) {
        let now = NOW_OF_TAGS.fetch_add(1, SeqCst) + 1;
        let counted = match make_void(store) {
            Ok(keys) => {
                self.floors.raise(keys, now);
                &self.made_void
            }
            Err(_) => &self.refused,
        };
        counted.fetch_add(1, SeqCst);
    }
}
