//! Directories of tests are removed though a store's sweeper may be at them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread;

/// Removes a directory, which need not be there.
pub(crate) fn remove(directory: &Path) {
    // A sweeper that is at it makes its lock anew, but no directory: so it is gone soon.
    while fs::remove_dir_all(directory).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
        thread::yield_now();
    }
}
