//! The processes of these tests, and what each is told of its server and its directory.

#[path = "../support/processes.rs"]
mod processes;

use std::env;
use std::path::PathBuf;
use std::process::Command;

pub(crate) use processes::*;

use crate::server::Scratch;

impl Child {
    /// One whose `store = "redis"` is at that URL.
    pub(crate) fn new(role: &str, url: &str, scratch: &Scratch) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env("MEMO_REDIS_URL", url);
        // `clear_all` clears what is on the disk, too.
        command.env("MEMO_CACHE_DIR", scratch.path());
        Self::start(command, role)
    }
}

/// The URL and the directory of the test whose process this is.
pub(crate) fn url() -> String {
    env::var("MEMO_REDIS_URL").expect("a child has one")
}

pub(crate) fn directory() -> PathBuf {
    env::var_os("MEMO_CACHE_DIR").expect("a child has one").into()
}
