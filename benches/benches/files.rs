//! The files of the systems that keep results in files: made by the first of them, gone at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use memo_benches::criterion_home;

/// Beside the results rather than where temporary files go: that is often in memory, where to wait
/// for the disk costs nothing.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = criterion_home().join("files");
    // What a run left that was stopped.
    remove(&root);
    fs::create_dir_all(&root).expect("a directory can be made beside criterion's results");
    root
});

/// The directory of one system, which may not be there.
pub fn directory(system: &str) -> PathBuf {
    ROOT.join(system)
}

pub fn remove(directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).expect("a directory of the benchmark's own can be removed");
    }
}

/// Removes all files when it goes.
pub struct Files;

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(root) = LazyLock::get(&ROOT) {
            remove(root);
        }
    }
}
