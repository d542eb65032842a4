//! Where criterion keeps its results.

use std::env;
use std::path::{Path, PathBuf};

/// A file in there, written when a run starts: what is older is of another run. It holds how busy
/// the machine was.
pub const STARTED: &str = "started";

/// The directory, the same for the benchmark and the report.
#[must_use]
pub fn criterion_home() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("criterion")
}
