//! What sessions cost: to make and to end many, to clear beside them, a hit in one, and its memory.
//!
//! `cargo run --release --example sessions [SESSIONS]`

use std::hint::black_box;
use std::time::{Duration, Instant};

use memo::{memo, Session};

const ENTRIES: u64 = 10;

#[memo(scope = "session")]
fn scoped(key: u64) -> u64 {
    key
}

#[memo]
fn unscoped(key: u64) -> u64 {
    key
}

fn main() {
    let sessions = std::env::args().nth(1).map_or(10_000, |sessions| sessions.parse().unwrap());
    hits();
    for round in 0..5 {
        let before = resident();
        let (made, all) = timed(|| make(sessions));
        let filled = resident().saturating_sub(before);
        let (cleared, ()) = timed(memo::clear_all);
        let (asked, stats) = timed(scoped::stats);
        assert_eq!((stats.entries, stats.max_entries), (0, None));
        all.iter().for_each(fill);
        let filled_again = resident().saturating_sub(before);
        let all = shuffled(all);
        let (ended, ()) = timed(|| drop(all));
        println!(
            "round {round}: {sessions} sessions of {ENTRIES} entries made in {made:?}, cleared in {cleared:?}, \
             asked for statistics in {asked:?}, ended at random in {ended:?}; {} more bytes each, {} when cleared and filled again, {} MB in all",
            filled / sessions,
            filled_again / sessions,
            resident() / 1_000_000
        );
    }
}

fn make(sessions: usize) -> Vec<Session> {
    (0..sessions).map(|_| Session::new()).inspect(fill).collect()
}

fn fill(session: &Session) {
    session.enter(|| {
        for key in 0..ENTRIES {
            black_box(scoped(key));
        }
    });
}

fn hits() {
    const HITS: u32 = 20_000_000;
    let nanos = |call: fn(u64) -> u64| {
        call(7);
        let (time, ()) = timed(|| {
            (0..HITS).for_each(|_| {
                black_box(call(black_box(7)));
            })
        });
        time.as_secs_f64() * 1e9 / f64::from(HITS)
    };
    let (unscoped, outside) = (nanos(unscoped), nanos(scoped));
    let inside = Session::new().enter(|| nanos(scoped));
    println!("a hit: {unscoped:.1} ns unscoped, {outside:.1} ns scoped outside sessions, {inside:.1} ns in one");
}

fn timed<T>(something: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = something();
    (start.elapsed(), result)
}

/// By a generator of its own, so that each run has the same order.
fn shuffled(mut sessions: Vec<Session>) -> Vec<Session> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for at in (1..sessions.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        sessions.swap(at, (state % (at as u64 + 1)) as usize);
    }
    sessions
}

/// The bytes of memory that the process has, where the system says so.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
