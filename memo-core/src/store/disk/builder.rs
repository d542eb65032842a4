//! What a disk store is told before it is opened.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::platform::sync::Mutex;

use super::sweep::Sweeper;
use super::DiskStore;

/// The settings of a [`DiskStore`], made by [`DiskStore::builder`].
///
/// # Examples
///
/// ```no_run
/// use memo::{memo, store::DiskStore};
///
/// #[memo(store = DiskStore::builder("results").max_bytes(64 << 20).open())]
/// fn slow(n: u64) -> u64 { n * n }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DiskBuilder {
    directory: PathBuf,
    max_bytes: u64,
    max_value_bytes: Option<u64>,
}

const MAX_BYTES: u64 = 1 << 30;
/// The part of the bound that one result may have by default, so that it takes the place of some and
/// not of all.
const OF_ONE: u64 = 4;

impl DiskBuilder {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, max_bytes: MAX_BYTES, max_value_bytes: None }
    }

    /// Sets how many bytes of the disk the results may take, in allocated blocks. Defaults to 1 GiB.
    ///
    /// When they take more, what expired and what was not used for longest is deleted on a thread of
    /// the store's own, until a tenth of the bound is free. Processes that share a directory should
    /// agree on the bound; otherwise the lowest one wins.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the maximum size of a stored value in bytes. Defaults to a quarter of
    /// [`max_bytes`](Self::max_bytes); larger results are returned and not stored.
    pub fn max_value_bytes(mut self, bytes: u64) -> Self {
        self.max_value_bytes = Some(bytes);
        self
    }

    /// Returns the store, as [`DiskStore::open`] does.
    #[must_use]
    pub fn open(self) -> DiskStore {
        let Self { directory, max_bytes, max_value_bytes } = self;
        // The directory stays where it is though the process goes elsewhere.
        let root = std::path::absolute(&directory).unwrap_or(directory);
        DiskStore {
            sweeper: Arc::new(Sweeper::new(root.clone())),
            root,
            max_bytes,
            max_value_bytes: max_value_bytes.unwrap_or(max_bytes / OF_ONE),
            functions: Mutex::new(None),
            places: Mutex::new(HashMap::new()),
        }
    }
}
