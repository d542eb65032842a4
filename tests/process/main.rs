//! What is a process's as a whole: its barrier, its threads, its children. Each test is a process of
//! its own, this very program once more.

#![cfg(target_os = "linux")]

#[path = "../support/allocator.rs"]
mod allocator;
mod barrier;
mod fork;

use std::env;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use allocator::held;

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

/// By how many bytes more is allocated after something than before.
fn growth(something: impl FnOnce()) -> isize {
    let before = held();
    something();
    held().wrapping_sub(before) as isize
}
