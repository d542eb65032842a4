//! After a clear of a function or of a tag, or a removal, nobody is answered with what it made void:
//! the process that made it from then on, the others 100 ms later.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use memo::{memo, Stats};

use crate::children::{
    ask_another, command, computed, directory, random_below, scale, Child, Scratch, BOUND,
};

const KEYS: u64 = 64;
const CALLS: u64 = 1000;
const CLEARS: u64 = 40;

#[memo(store = "disk")]
fn version(key: u64) -> u64 {
    let _ = key;
    compute()
}

/// What of it is void is so by its tags.
#[memo(store = "disk", tags(format!("key {key}"), "all"))]
fn tagged(key: u64) -> u64 {
    let _ = key;
    compute()
}

fn compute() -> u64 {
    let [version] = read(NOW);
    // Some take so long that the function is cleared meanwhile.
    if random_below(16) == 0 {
        thread::sleep(Duration::from_millis(20));
    }
    computed(version)
}

/// One of the two, and how something of it is made void.
#[derive(Clone, Copy)]
struct Subject {
    call: fn(u64) -> u64,
    get: fn(u64) -> Option<u64>,
    /// All of it, if it is `KEYS`.
    forget: fn(u64),
    stats: fn() -> Stats,
}

const VERSION: Subject = Subject {
    call: version,
    get: version::get,
    forget: |of| {
        if of == KEYS {
            version::clear();
        } else {
            version::remove(of);
        }
    },
    stats: version::stats,
};

const TAGGED: Subject = Subject {
    call: tagged,
    get: tagged::get,
    forget: |of| {
        if of == KEYS {
            memo::clear_tag("all");
        } else {
            memo::clear_tag(format!("key {of}"));
        }
    },
    stats: tagged::stats,
};

/// The file of the version that is computed now; raised before something is made void.
const NOW: &str = "now";
/// The file of the last version for which that was done, and of which call; of all, if it is `KEYS`.
const VOID: &str = "void";

fn read<const N: usize>(file: &str) -> [u64; N] {
    let text = fs::read_to_string(directory().join(file)).unwrap();
    let mut numbers = text.split(' ').map(number);
    std::array::from_fn(|_| numbers.next().unwrap())
}

/// Whole, or not at all.
fn write<const N: usize>(directory: &Path, file: &str, numbers: [u64; N]) {
    let new = directory.join(format!("{file}.new"));
    fs::write(&new, numbers.map(|number| number.to_string()).join(" ")).unwrap();
    fs::rename(new, directory.join(file)).unwrap();
}

/// The version below which no call may fall any more.
struct Floors([u64; KEYS as usize]);

impl Floors {
    fn raise(&mut self, version: u64, key: u64) {
        match self.0.get_mut(key as usize) {
            Some(floor) => *floor = version,
            None => self.0.fill(version),
        }
    }

    #[track_caller]
    fn assert_kept_by(&self, key: u64, version: u64) {
        let floor = self.0[key as usize];
        assert!(version >= floor, "call {key}: {version} is served, void since {floor}");
    }
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
        "forget" => {
            let floors = forget(calls, subject);
            format!("{} {}", (subject.stats)().store_errors, list(floors.0))
        }
        // What is not there is as good as new.
        "look" => list((0..KEYS).map(|key| (subject.get)(key).unwrap_or(u64::MAX))),
        _ => unreachable!("{line}"),
    }
}

fn list<T: ToString>(numbers: impl IntoIterator<Item = T>) -> String {
    numbers.into_iter().map(|number| number.to_string() + " ").collect()
}

fn pause() {
    thread::sleep(Duration::from_micros(random_below(1000)));
}

/// Calls; for each result that was void, how many milliseconds it had been.
///
/// It is void from when this process sees that it is: so no clocks have to be compared.
fn watch(calls: u64, subject: Subject) -> Vec<u128> {
    let mut delays = Vec::new();
    let mut floors = Floors([0; KEYS as usize]);
    let mut seen = VecDeque::new();
    let mut last = 0;
    for _ in 0..calls {
        pause();
        let [void, of] = read(VOID);
        if void > last {
            seen.push_back((void, of, Instant::now()));
            last = void;
        }
        let (start, key) = (Instant::now(), random_below(KEYS));
        while let Some((void, of, _)) = seen.front().filter(|(_, _, at)| start - *at > BOUND) {
            floors.raise(*void, *of);
            seen.pop_front();
        }
        let found = (subject.call)(key);
        floors.assert_kept_by(key, found);
        let is_it = |of: &u64| *of == key || *of == KEYS;
        let since = seen.iter().find(|(void, of, _)| *void > found && is_it(of));
        delays.extend(since.map(|(_, _, at)| (start - *at).as_millis()));
    }
    delays
}

/// Calls as well, clears now and then, and removes a call more often.
fn forget(calls: u64, subject: Subject) -> Floors {
    let mut floors = Floors([0; KEYS as usize]);
    let mut now = 0;
    for call in 0..calls {
        pause();
        let key = random_below(KEYS);
        floors.assert_kept_by(key, (subject.call)(key));
        let of = match call % (CALLS / CLEARS) {
            0 => KEYS,
            // The last of them right before the clear, the first right after it.
            1 | 8 | 16 | 24 => random_below(KEYS),
            _ => continue,
        };
        now += 1;
        write(&directory(), NOW, [now]);
        (subject.forget)(of);
        write(&directory(), VOID, [now, of]);
        floors.raise(now, of);
    }
    floors
}

#[test]
fn nothing_void_is_served_after_100_ms_nor_ever_again() {
    storm("stale");
}

#[test]
fn nothing_with_a_cleared_tag_is_served_after_100_ms_nor_ever_again() {
    storm("stale_tags");
}

#[track_caller]
fn storm(role: &str) {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    write(scratch.path(), NOW, [0]);
    write(scratch.path(), VOID, [0, 0]);
    let calls = CALLS * scale();
    let start = Instant::now();
    let mut children = [(); 4].map(|()| Child::new(role, &scratch));
    let [forgetful, callers @ ..] = &mut children;
    forgetful.tell(&format!("forget {calls}"));
    callers.iter_mut().for_each(|caller| caller.tell(&format!("call {calls}")));

    let mut floors = numbers(&forgetful.answer());
    let mut errors = vec![floors.remove(0)];
    let mut histogram = [0; 20];
    for caller in callers {
        let delays = numbers(&caller.answer());
        errors.push(delays[0]);
        delays[1..].iter().for_each(|&delay| histogram[delay as usize / 10] += 1);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} calls in {seconds:.1} s; of them void, by how long they were:", 4 * calls);
    for (class, count) in histogram.iter().enumerate().filter(|(_, count)| **count > 0) {
        println!("{:>4} ms: {count}", 10 * class);
    }
    assert_eq!(errors, [0; 4], "store errors");

    // Who was late has put nothing where it could be found.
    let left = numbers(&ask_another(role, &scratch, "look"));
    let is_right = |(left, floor): (&u64, &u64)| left >= floor;
    assert!(left.iter().zip(&floors).all(is_right), "{left:?} are left, void below {floors:?}");
    assert!(left.iter().any(|left| *left < u64::MAX), "nothing is stored at all");
}

fn numbers(answer: &str) -> Vec<u64> {
    answer.trim_end_matches(", computed").split_whitespace().map(number).collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}
