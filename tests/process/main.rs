//! What is a process's as a whole: its barrier, its threads, its children. Each test is a process of
//! its own, this very program once more.

#![cfg(target_os = "linux")]

mod barrier;
mod fork;

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing takes that long; it is there for a failure to be one.
const AGES: Duration = Duration::from_secs(60);

/// A test that is run in a process of its own.
macro_rules! alone {
    ($(#[$attribute:meta])* fn $name:ident() $body:block) => {
        $(#[$attribute])*
        #[test]
        fn $name() {
            $crate::run_alone(concat!(module_path!(), "::", stringify!($name)), || $body);
        }
    };
}
pub(crate) use alone;

fn run_alone(path: &str, test: impl FnOnce()) {
    const TEST: &str = "MEMO_TEST_ALONE";
    let (_, name) = path.split_once("::").unwrap();
    if env::var(TEST).is_ok_and(|test| test == name) {
        return test();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(TEST, name);
    let mut process = command.spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > AGES {
            let _ = process.kill();
            panic!("{name} hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{name}: {status}");
}

/// The system's allocator, which knows how much is allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; counting it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// By how many bytes more is allocated after something than before.
fn growth(something: impl FnOnce()) -> isize {
    let before = ALLOCATED.load(Relaxed);
    something();
    ALLOCATED.load(Relaxed).wrapping_sub(before) as isize
}
