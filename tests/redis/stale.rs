//! After a clear, of a function or of a tag, nobody is answered with what it made void: the process
//! that cleared at once, the others when they hear of it, and 1.1 s later though they cannot.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use memo::store::RedisStore;
use memo::{memo, Stats};

use crate::children::{command, computed, directory, url, Child};
use crate::common::{random_below, scale, AGES};
use crate::server::{Scratch, Server};

const KEYS: u64 = 64;
const PROCESSES: usize = 6;
const CALLS: u64 = 5000;
const CLEARS: u64 = 100;
const KILLS: u64 = 20;
const BOUND: Duration = Duration::from_millis(1100);

fn store() -> RedisStore {
    RedisStore::builder(url()).deadline(Duration::from_secs(5)).connect()
}

#[memo(store = store())]
fn version(key: u64) -> u64 {
    let _ = key;
    compute()
}

/// What is cleared of it is a tag that all its results have, beside one of their own.
#[memo(store = store(), tags(format!("key {key}"), "versions"))]
fn tagged(key: u64) -> u64 {
    let _ = key;
    compute()
}

fn compute() -> u64 {
    let version = read(NOW);
    // Some take so long that the function is cleared meanwhile.
    if random_below(8) == 0 {
        thread::sleep(Duration::from_millis(20));
    }
    computed(version)
}

/// One of the two, and how it is cleared.
#[derive(Clone, Copy)]
struct Subject {
    call: fn(u64) -> u64,
    get: fn(u64) -> Option<u64>,
    clear: fn(),
    stats: fn() -> Stats,
}

const VERSION: Subject =
    Subject { call: version, get: version::get, clear: version::clear, stats: version::stats };

const TAGGED: Subject = Subject {
    call: tagged,
    get: tagged::get,
    clear: || memo::clear_tag("versions"),
    stats: tagged::stats,
};

/// The file of the version that is computed now; raised before a clear.
const NOW: &str = "now";
/// The file of the last version before which a clear has made everything void.
const CLEARED: &str = "cleared";

fn read(file: &str) -> u64 {
    fs::read_to_string(directory().join(file)).unwrap().parse().unwrap()
}

/// Whole, or not at all.
fn write(directory: &Path, file: &str, version: u64) {
    let new = directory.join(format!("{file}.new"));
    fs::write(&new, version.to_string()).unwrap();
    fs::rename(new, directory.join(file)).unwrap();
}

pub(crate) fn role(line: &str) -> String {
    play(line, VERSION)
}

pub(crate) fn role_of_tags(line: &str) -> String {
    play(line, TAGGED)
}

fn play(line: &str, subject: Subject) -> String {
    let (what, calls) = command(line);
    match what {
        // Two threads, so that calls wait for each other's computations as well.
        "call" => {
            let delays = thread::scope(|scope| {
                let threads = [(); 2].map(|()| scope.spawn(move || watch(calls / 2, subject)));
                threads.map(|thread| thread.join().unwrap()).concat()
            });
            format!("{} {}", (subject.stats)().store_errors, list(&delays))
        }
        "clear" => {
            clear(calls, subject);
            (subject.stats)().store_errors.to_string()
        }
        "look" => list((0..KEYS).filter_map(subject.get)),
        _ => unreachable!("{line}"),
    }
}

fn list<T: ToString>(numbers: impl IntoIterator<Item = T>) -> String {
    numbers.into_iter().map(|number| number.to_string() + " ").collect()
}

fn pause() {
    thread::sleep(Duration::from_micros(random_below(1600)));
}

/// Calls; for each result that a clear had made void, how many milliseconds the clear had been over.
///
/// A clear is over when this process sees that it is: so no clocks have to be compared.
fn watch(calls: u64, subject: Subject) -> Vec<u128> {
    let mut delays = Vec::new();
    let mut seen = VecDeque::<(u64, Instant)>::new();
    let mut floor = 0;
    for _ in 0..calls {
        pause();
        let cleared = read(CLEARED);
        if seen.back().map_or(floor, |(version, _)| *version) < cleared {
            seen.push_back((cleared, Instant::now()));
        }
        let start = Instant::now();
        while let Some(&(version, _)) = seen.front().filter(|(_, seen)| start - *seen > BOUND) {
            floor = version;
            seen.pop_front();
        }
        let found = (subject.call)(random_below(KEYS));
        assert!(found >= floor, "{found} is served {BOUND:?} after {floor} was cleared for");
        let void = seen.iter().find(|(cleared, _)| *cleared > found);
        delays.extend(void.map(|(_, seen)| (start - *seen).as_millis()));
    }
    delays
}

/// Calls as well, and clears now and then.
fn clear(calls: u64, subject: Subject) {
    let mut now = 0;
    for call in 0..calls {
        pause();
        let found = (subject.call)(random_below(KEYS));
        assert!(found >= now, "{found} is served by the process that cleared for {now}");
        if call % (CALLS / CLEARS) == 0 {
            now += 1;
            write(&directory(), NOW, now);
            (subject.clear)();
            write(&directory(), CLEARED, now);
        }
    }
}

/// How old the clears were that had made void what was served all the same, in milliseconds.
fn delays(role: &str, calls: u64, kills: u64) -> Vec<u64> {
    let (server, scratch) = (Server::new(), Scratch::new());
    write(scratch.path(), NOW, 0);
    write(scratch.path(), CLEARED, 0);
    let start = Instant::now();
    let mut children: Vec<_> =
        (0..PROCESSES).map(|_| Child::new(role, &server.url(), &scratch)).collect();
    let (clearer, callers) = children.split_first_mut().unwrap();
    clearer.tell(&format!("clear {calls}"));
    callers.iter_mut().for_each(|caller| caller.tell(&format!("call {calls}")));

    let clears = calls / (CALLS / CLEARS);
    for kill in 1..=kills {
        // Evenly among the clears, however long those take.
        while read_in(&scratch, NOW) < kill * clears / (kills + 1) {
            assert!(start.elapsed() < AGES, "nothing goes on");
            thread::sleep(Duration::from_millis(5));
        }
        server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    }
    let mut errors = vec![number(&clearer.answer())];
    let mut delays = Vec::new();
    for caller in callers {
        let answer = caller.answer();
        let mut numbers = answer.trim_end_matches(", computed").split_whitespace().map(number);
        errors.extend(numbers.next());
        delays.extend(numbers);
    }
    delays.sort_unstable();
    let all = calls * PROCESSES as u64;
    println!(
        "{all} calls, {clears} clears, {kills} kills in {:?}; {} void, by the age of the clear:",
        start.elapsed(),
        delays.len(),
    );
    for from in [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].windows(2) {
        let count = delays.iter().filter(|delay| (from[0]..from[1]).contains(*delay)).count();
        println!("{:>4} ms: {count}", from[0]);
    }
    println!("{:?} ms at the most", delays.last());
    assert_eq!(errors, vec![0; PROCESSES], "store errors");

    // Who was late has put nothing where it could be found.
    let left = Child::new(role, &server.url(), &scratch).ask("look");
    assert!(left.split_whitespace().all(|version| number(version) == clears), "{left}");
    assert!(!left.is_empty(), "nothing is stored at all");
    delays
}

fn read_in(scratch: &Scratch, file: &str) -> u64 {
    fs::read_to_string(scratch.path().join(file)).unwrap().parse().unwrap()
}

fn number(text: &str) -> u64 {
    text.trim_end_matches(", computed").parse().unwrap()
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_void_is_served_a_second_after_a_clear_though_the_links_are_cut() {
    delays("stale", CALLS * scale(), KILLS * scale());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn nothing_with_a_cleared_tag_is_served_a_second_after_though_the_links_are_cut() {
    delays("stale_tags", CALLS * scale(), KILLS * scale());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_hears_of_a_clear_serves_nothing_void_any_more() {
    let delays = delays("stale", CALLS / 2 * scale(), 0);
    // Nearly all within 50 ms; the rest had no processor.
    let late = delays.iter().filter(|delay| **delay > 50).count();
    assert!(late <= 20 + delays.len() / 10, "{late} of {}", delays.len());
    assert!(delays.last().is_none_or(|delay| *delay < 500));
}
