//! The functions that are tested: one whose results are in memory, one that keeps them as they are, one
//! with a store behind it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use memo::memo;

use crate::schedule::Runs;

pub(crate) type Outcome = Result<u32, String>;
type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A function from a key, whose bodies are ended by the sequence.
pub(crate) trait Subject {
    fn call(key: u8, runs: &'static Runs) -> Pending;
    fn refresh(key: u8, runs: &'static Runs) -> Pending;
    fn insert(key: u8, value: u32);
    fn remove(key: u8) -> bool;
    fn get(key: u8) -> Option<Outcome>;
    fn contains(key: u8) -> bool;
    fn clear();
}

#[memo]
async fn in_memory(key: u8, _runs: &Runs) -> Outcome {
    let _ = key;
    _runs.awaited().await
}

#[memo(clone)]
async fn kept(key: u8, _runs: &Runs) -> Outcome {
    let _ = key;
    _runs.awaited().await
}

#[memo(store = "disk")]
async fn on_disk(key: u8, _runs: &Runs) -> Outcome {
    let _ = key;
    _runs.awaited().await
}

macro_rules! subject {
    ($subject:ident, $function:ident) => {
        pub(crate) struct $subject;

        impl Subject for $subject {
            fn call(key: u8, runs: &'static Runs) -> Pending {
                Box::pin($function(key, runs))
            }
            fn refresh(key: u8, runs: &'static Runs) -> Pending {
                Box::pin($function::refresh(key, runs))
            }
            fn insert(key: u8, value: u32) {
                $function::insert(key, Ok(value));
            }
            fn remove(key: u8) -> bool {
                $function::remove(key)
            }
            fn get(key: u8) -> Option<Outcome> {
                $function::get(key)
            }
            fn contains(key: u8) -> bool {
                $function::contains(key)
            }
            fn clear() {
                $function::clear();
            }
        }
    };
}

subject!(Memory, in_memory);
subject!(Kept, kept);
subject!(Disk, on_disk);

/// A new directory for the store, removed at the end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("memo-model-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::env::set_var("MEMO_CACHE_DIR", &path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
