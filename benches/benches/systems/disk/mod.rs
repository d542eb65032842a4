//! The systems that keep results in files, each as its own documentation advises.

mod cacache;
mod cached;
mod memo;
mod memo_store;
mod plain;

pub use cacache::Cacache;
pub use cached::{Cached, CachedWithoutFsync};
pub use memo::Memo;
pub use memo_store::MemoStore;
pub use plain::Plain;

/// Results in files. Every system has one place, for results of all sizes.
pub trait Disk: Send + Sync {
    /// The place, with whatever is in it.
    fn open() -> Self;

    /// Gives up every result.
    fn empty();

    /// The `i`-th result of so many bytes: read if there is one, else made and written.
    fn call(len: usize, i: u64) -> Vec<u8>;

    /// Makes and writes a result that is not there.
    fn write(&self, len: usize, i: u64) {
        Self::call(len, i);
    }
}
