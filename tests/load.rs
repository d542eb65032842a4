//! However long a program is under load, it holds no more: in a process of its own, as every byte
//! is counted.
//!
//! Threads hit, miss, evict, let expire, remove, clear, and begin and end sessions, all by chance. Each
//! second they stop, everything is cleared, and what is held then must be what was held in the seconds
//! before. `MEMO_LOAD_SECONDS=600 cargo test --release -p memo-tests --test load -- --nocapture` for
//! longer.

#[path = "support/allocator.rs"]
mod allocator;
#[path = "support/removing.rs"]
mod removing;

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use allocator::held;
use memo::store::DiskStore;
use memo::{memo, singleton, Session};
use removing::remove;

const THREADS: u64 = 4;
const KEYS: u64 = 2000;

/// What may be held more, however long it goes on. What a session's function has is kept for the next
/// session, some 5 KiB for each that there ever was at once; and lists keep the room for the most that
/// was in them. Both become more now and then, ever more seldom: it is less than one byte in a thousand
/// steps even in the first seconds.
const SLACK: usize = 40 << 10;

/// A result of some size, which says what it is of.
fn made(number: u64) -> Vec<u64> {
    vec![number; 1 + (number * 7 % 60) as usize]
}

#[memo]
fn plain(number: u64) -> Vec<u64> {
    made(number)
}

#[memo(max_entries = 100)]
fn few(number: u64) -> Vec<u64> {
    made(number)
}

#[memo(max_bytes = 50_000)]
fn small(text: &str) -> Vec<u64> {
    made(text.len() as u64)
}

#[memo(ttl = "20ms", max_entries = 500)]
fn aging(number: u64) -> Vec<u64> {
    made(number)
}

#[memo(clone, max_entries = 200)]
fn kept(number: u64) -> Arc<Vec<u64>> {
    Arc::new(made(number))
}

#[memo(tags(format!("load {}", number % 10)))]
fn tagged(number: u64) -> Vec<u64> {
    made(number)
}

#[memo(store = DiskStore::open(directory()), max_entries = 50)]
fn stored(number: u64) -> Vec<u64> {
    made(number)
}

#[memo]
fn failing(number: u64) -> Result<Vec<u64>, String> {
    if number.is_multiple_of(5) {
        Err("not this one".into())
    } else {
        Ok(made(number))
    }
}

#[memo(scope = "session")]
fn of_session(number: u64) -> Vec<u64> {
    made(number)
}

#[singleton(scope = "session", on_release = |_: &Vec<u64>| ())]
fn resource_of_session(number: u64) -> Vec<u64> {
    made(number)
}

#[singleton(max_entries = 50)]
fn resource(number: u64) -> Vec<u64> {
    made(number)
}

#[memo]
async fn awaited(number: u64) -> Vec<u64> {
    made(number)
}

fn directory() -> std::path::PathBuf {
    env::temp_dir().join(format!("memo-load-{}", std::process::id()))
}

/// Xorshift, a sequence for each thread.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % end
    }
}

fn check(number: u64, result: &[u64]) {
    assert!(result.first() == Some(&number) && result.len() == made(number).len());
}

/// A future that is never pending is polled once.
fn ready<T>(future: impl std::future::Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        // It waits for another thread's computation, and is dropped.
        std::task::Poll::Pending => None,
    }
}

fn step(random: &mut Random) {
    // The first ones far more often.
    let number = random.below(KEYS) * random.below(KEYS) / KEYS;
    match random.below(100) {
        0..20 => check(number, &plain(number)),
        20..30 => check(number, &few(number)),
        30..35 => {
            let text = "x".repeat(number as usize);
            check(number, &small(&text));
        }
        35..45 => check(number, &aging(number)),
        45..55 => check(number, &kept(number)),
        55..65 => check(number, &tagged(number)),
        65 if random.below(8) == 0 => check(number, &stored(number)),
        66..70 => drop(failing(number)),
        70..80 => check(number, &resource(number)),
        80..84 => drop(ready(awaited(number)).inspect(|result| check(number, result))),
        84 => Session::new().enter(|| {
            for number in 0..random.below(20) {
                check(number, &of_session(number));
                check(number, &resource_of_session(number));
            }
        }),
        85..88 => drop((plain::remove(number), kept::remove(number), resource::remove(number))),
        88..90 => drop((few::refresh(number), resource::refresh(number))),
        90..92 => plain::insert(number, made(number)),
        92 if random.below(100) == 0 => plain::clear(),
        93 if random.below(100) == 0 => memo::clear_tag(format!("load {}", number % 10)),
        94 if random.below(400) == 0 => memo::clear_all(),
        95 if random.below(400) == 0 => memo::singleton::clear_all(),
        _ => drop(plain::get(number)),
    }
}

/// What is held when nothing is stored, and nobody at work any more.
fn held_when_cleared() -> usize {
    memo::clear_all();
    memo::singleton::clear_all();
    let mut least = usize::MAX;
    let mut since = Instant::now();
    // Threads of memo's own end a while after their work; and misses free what others left.
    while since.elapsed() < Duration::from_millis(300) {
        for number in 0..50 {
            plain(number);
        }
        plain::clear();
        thread::sleep(Duration::from_millis(5));
        let now = held();
        if now < least {
            (least, since) = (now, Instant::now());
        }
    }
    least
}

#[test]
fn after_any_time_of_load_no_more_is_held() {
    let seconds = env::var("MEMO_LOAD_SECONDS").map_or(5, |seconds| seconds.parse().unwrap());
    let [is_on, is_over, is_wrong] = [const { AtomicBool::new(false) }; 3];
    let (begun, ended) = (Barrier::new(THREADS as usize + 1), Barrier::new(THREADS as usize + 1));
    let steps = AtomicU64::new(0);
    let mut all = Vec::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (is_on, is_over, is_wrong) = (&is_on, &is_over, &is_wrong);
            let (begun, ended, steps) = (&begun, &ended, &steps);
            scope.spawn(move || {
                let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(thread + 1));
                loop {
                    begun.wait();
                    if is_over.load(Relaxed) {
                        break;
                    }
                    while is_on.load(Relaxed) {
                        // The others would wait for a thread that is gone.
                        let some = AssertUnwindSafe(|| (0..100).for_each(|_| step(&mut random)));
                        if panic::catch_unwind(some).is_err() {
                            is_wrong.store(true, Relaxed);
                            break;
                        }
                        steps.fetch_add(100, Relaxed);
                    }
                    ended.wait();
                }
            });
        }
        all.reserve(seconds as usize + 1);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(seconds) && !is_wrong.load(Relaxed) {
            is_on.store(true, Relaxed);
            begun.wait();
            thread::sleep(Duration::from_secs(1));
            is_on.store(false, Relaxed);
            ended.wait();
            all.push(held_when_cleared());
        }
        is_over.store(true, Relaxed);
        begun.wait();
    });
    remove(&directory());
    assert!(!is_wrong.load(Relaxed), "a thread has panicked: see above");
    println!("{steps:?} steps; held at the end of each second: {all:?}");
    // What every function needs once is there by then.
    let settled = &all[all.len().min(2)..];
    let (least, most) = (settled.iter().min(), settled.iter().max());
    if let (Some(least), Some(most)) = (least, most) {
        println!("from {least} to {most} bytes since the third second");
        assert!(most - least <= SLACK, "from {least} to {most}");
    }
}
