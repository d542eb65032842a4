//! Keeping a directory within its bound: what expired goes, then what was not used for longest.

use std::fs::{self, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::generation::{self, TRASH, UNFINISHED};
use super::{files, random};
use crate::store::header::{Header, HEADER};
use crate::store::time::Now;

/// Sweeps when enough was written, on a thread of its own.
pub(super) struct Sweeper {
    functions: PathBuf,
    /// Bytes written since the last sweep, and a random start: so many processes that each write
    /// little sweep as often, all in all, as one that writes much.
    written: AtomicU64,
    is_sweeping: AtomicBool,
    is_wanted: AtomicBool,
}

/// The part of the bound that may be written between two sweeps.
const BETWEEN: u64 = 20;
/// The part of the bound that is left free by a sweep.
const FREE: u64 = 10;
/// What nobody finished, or found, in this time, nobody will.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A file that may be given up.
struct Candidate {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

impl Sweeper {
    pub(super) fn new(functions: PathBuf) -> Self {
        Self {
            functions,
            written: AtomicU64::new(0),
            is_sweeping: AtomicBool::new(false),
            is_wanted: AtomicBool::new(false),
        }
    }

    /// So many bytes were written, of a file.
    pub(super) fn wrote(self: &Arc<Self>, bytes: u64, max_bytes: u64) {
        const BLOCK: u64 = 4096;
        let blocks = bytes.div_ceil(BLOCK) * BLOCK;
        let share = (max_bytes / BETWEEN).max(1);
        // Relaxed: only the number matters.
        let before = self.written.fetch_add(blocks, Ordering::Relaxed);
        let offset = if before == 0 { random() % share } else { 0 };
        let written = before + blocks + offset;
        self.written.fetch_add(offset, Ordering::Relaxed);
        if written >= share {
            self.start(max_bytes);
        }
    }

    /// Sweeps on a thread of its own, or once more on the one that does; on this one, if no other can
    /// be started.
    pub(super) fn start(self: &Arc<Self>, max_bytes: u64) {
        // AcqRel: whoever finds it unset goes on with what the last one left.
        self.is_wanted.store(true, Ordering::Release);
        if self.is_sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let sweeper = Arc::clone(self);
        let thread = std::thread::Builder::new().name("memo-sweep".into());
        let spawned = thread.spawn(move || sweeper.sweep_wanted(max_bytes));
        if spawned.is_err() {
            self.sweep_wanted(max_bytes);
        }
    }

    fn sweep_wanted(&self, max_bytes: u64) {
        while self.is_wanted.swap(false, Ordering::AcqRel) {
            // What cannot be swept now is swept another time; nothing depends on it.
            let _ = self.sweep_if_alone(max_bytes);
        }
        self.is_sweeping.store(false, Ordering::Release);
    }

    fn lock_path(&self) -> PathBuf {
        self.functions.join("lock")
    }

    /// Sweeps, after whoever does.
    pub(super) fn sweep(&self, max_bytes: u64) -> io::Result<u64> {
        if !self.functions.is_dir() {
            return Ok(0);
        }
        let lock = files::lock_file(&self.lock_path())?;
        match lock.lock() {
            // There are no locks: who sweeps at the same time may delete more than is needed.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            result => result?,
        }
        self.sweep_locked(max_bytes)
    }

    /// Sweeps, unless another process does.
    fn sweep_if_alone(&self, max_bytes: u64) -> io::Result<()> {
        let lock = files::lock_file(&self.lock_path())?;
        match lock.try_lock() {
            Ok(()) => self.sweep_locked(max_bytes).map(drop),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                self.sweep_locked(max_bytes).map(drop)
            }
            Err(_) => Ok(()),
        }
    }

    fn sweep_locked(&self, max_bytes: u64) -> io::Result<u64> {
        self.written.store(0, Ordering::Relaxed);
        let now = Now::read();
        let mut candidates = Vec::new();
        for name in files::names(&self.functions)? {
            sweep_function(&self.functions.join(name), &now, &mut candidates);
        }
        let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
        if total <= max_bytes {
            return Ok(total);
        }
        candidates.sort_unstable_by_key(|candidate| candidate.used);
        let enough = max_bytes - max_bytes / FREE;
        for candidate in candidates {
            if total <= enough {
                break;
            }
            // One that is gone by now is as good.
            if files::remove(&candidate.path).is_ok() {
                total -= candidate.bytes;
            }
        }
        Ok(total)
    }
}

/// Deletes what is over in a function's directory; what is left are candidates. Whatever cannot be
/// read or deleted is left for another time: others may be at the same files.
fn sweep_function(directory: &Path, now: &Now, candidates: &mut Vec<Candidate>) {
    let names = files::names(directory).unwrap_or_default();
    for trash in names.iter().filter(|name| name.starts_with(TRASH)) {
        let _ = files::discard(&directory.join(trash));
    }
    for name in names.iter().filter(|name| name.ends_with(UNFINISHED)) {
        discard_if_abandoned(&directory.join(name));
    }
    let current = generation::current_epoch(directory).unwrap_or_default();
    for name in generation::all(directory).unwrap_or_default() {
        let path = name.in_directory(directory);
        // What was left of a clear that was stopped; a new one is another's that has just begun.
        if Some(name.epoch) != current && is_abandoned(&path) {
            let trash = directory.join(generation::trash());
            if files::rename(&path, &trash).is_ok() {
                let _ = files::discard(&trash);
            }
            continue;
        }
        sweep_generation(&path, now, candidates);
    }
}

fn sweep_generation(generation: &Path, now: &Now, candidates: &mut Vec<Candidate>) {
    for name in files::names(generation).unwrap_or_default() {
        let path = generation.join(&name);
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if name.ends_with(UNFINISHED) {
            discard_if_abandoned(&path);
        } else if generation::is_file_of_a_call(&name) {
            if metadata.is_file() && !is_over(&path, now) {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                candidates.push(Candidate { used, bytes: allocated(&metadata), path });
            } else {
                let _ = files::discard(&path);
            }
        }
    }
}

/// Whether a result has expired, or its file says nothing of the kind.
fn is_over(path: &Path, now: &Now) -> bool {
    let mut head = [0; HEADER];
    let Ok(mut file) = files::open(path) else { return false };
    if files::read_exact(&mut file, &mut head).is_err() {
        return true;
    }
    Header::parse(&head).is_none_or(|(header, _)| header.age(now).is_none())
}

fn discard_if_abandoned(path: &Path) {
    if is_abandoned(path) {
        let _ = files::discard(path);
    }
}

fn is_abandoned(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|idle| idle > ABANDONED))
}

/// The bytes that a file takes of the disk.
pub(super) fn allocated(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.blocks() * 512
    }
    #[cfg(not(unix))]
    {
        metadata.len()
    }
}
