//! The processes of these tests, and the directory that each test has of its own.

#[path = "../support/processes.rs"]
mod processes;

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

pub(crate) use processes::*;

/// Until then other processes' memory may answer with what was made void.
pub(crate) const BOUND: Duration = Duration::from_millis(100);

/// A directory of a test's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let name = format!("memo-disk-{}-{:016x}", process::id(), random());
        Self(env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let start = Instant::now();
        // A store's sweeper may still be at it; once the directory is gone, it makes none.
        while self.0.exists() && start.elapsed() < AGES / 10 {
            let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
        }
    }
}

/// The directory of the test whose process this is.
pub(crate) fn directory() -> PathBuf {
    env::var_os("MEMO_CACHE_DIR").expect("a child has one").into()
}

impl Child {
    pub(crate) fn new(role: &str, scratch: &Scratch) -> Self {
        Self::of(Command::new(env::current_exe().unwrap()), role, scratch)
    }

    /// One that runs under what a line of shell has set.
    #[cfg(unix)]
    pub(crate) fn limited(limits: &str, role: &str, scratch: &Scratch) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
        shell.arg(env::current_exe().unwrap());
        Self::of(shell, role, scratch)
    }

    fn of(mut command: Command, role: &str, scratch: &Scratch) -> Self {
        command.env("MEMO_CACHE_DIR", scratch.path());
        Self::start(command, role)
    }
}

/// Asks a process that has done nothing before.
#[track_caller]
pub(crate) fn ask_another(role: &str, scratch: &Scratch, line: &str) -> String {
    Child::new(role, scratch).ask(line)
}

/// How many times as much as usual the tests that count are to do.
pub(crate) fn scale() -> u64 {
    env::var("MEMO_TEST_SCALE").map_or(1, |scale| scale.parse().expect("MEMO_TEST_SCALE"))
}

pub(crate) fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static STATE: RandomState = RandomState::new());
    STATE.with(|state| state.hash_one(NEXT.fetch_add(1, SeqCst)))
}

pub(crate) fn random_below(bound: u64) -> u64 {
    random() % bound
}
