//! Keeping a directory within its bound: what expired goes, then what was not used for longest.

use std::fs::{File, FileTimes};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::directory::{Directory, Kind};
use super::entry::STAMP_NOTED;
use super::generation::{self, Name, TRASH, UNFINISHED};
use super::tags::TAGS;
use super::{files, is_of_resources, place, random};
use crate::function::error::{self, report, Error};
use crate::platform::process;
use crate::store::header::{Header, HEADER};
use crate::store::time::Now;

/// Sweeps when enough was written, on a thread of its own.
pub(super) struct Sweeper {
    root: PathBuf,
    /// Bytes written since the last sweep, and a random start: so many processes that each write
    /// little sweep as often, all in all, as one that writes much.
    written: AtomicU64,
    /// The [generation](process::generation) of the process in which a thread sweeps, plus one; or 0. In
    /// a child of `fork` its parent's thread is not there.
    sweeping_in: AtomicU64,
    is_wanted: AtomicBool,
    /// That it cannot be swept as it should be.
    is_reported: AtomicBool,
}

/// The part of the bound that may be written between two sweeps.
const BETWEEN: u64 = 20;
/// The part of the bound that is left free by a sweep.
const FREE: u64 = 10;
/// What nobody finished, or found, in this time, nobody will.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Whoever has had the lock for longer does not sweep any more.
const STUCK: Duration = Duration::from_secs(600);

/// The file that is locked by who sweeps, so that not all do at once.
const LOCK: &str = "lock";

/// A file that may be given up.
struct Candidate {
    used: SystemTime,
    bytes: u64,
    /// Whose it is, by number.
    generation: usize,
    name: String,
}

/// What there is.
#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    /// The names of functions' directories, and of generations in them.
    generations: Vec<(String, Name)>,
}

impl Sweeper {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            written: AtomicU64::new(0),
            sweeping_in: AtomicU64::new(0),
            is_wanted: AtomicBool::new(false),
            is_reported: AtomicBool::new(false),
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

    /// Sweeps on a thread of its own, or once more on the one that does.
    pub(super) fn start(self: &Arc<Self>, max_bytes: u64) {
        // SeqCst, as is the end of a sweep: see there.
        self.is_wanted.store(true, Ordering::SeqCst);
        if !self.begin() {
            return;
        }
        let sweeper = Arc::clone(self);
        let thread = std::thread::Builder::new().name("memo-sweep".into());
        if thread.spawn(move || sweeper.sweep_while_wanted(max_bytes)).is_err() {
            // Without threads, it is this one or none.
            self.sweep_while_wanted(max_bytes);
        }
    }

    /// Whether no other thread of this process sweeps: then the caller does.
    fn begin(&self) -> bool {
        let here = u64::from(process::generation()) + 1;
        self.sweeping_in.swap(here, Ordering::SeqCst) != here
    }

    fn sweep_while_wanted(&self, max_bytes: u64) {
        loop {
            while self.is_wanted.swap(false, Ordering::AcqRel) {
                match self.sweep_if_alone(max_bytes) {
                    Ok(()) => self.is_reported.store(false, Ordering::Relaxed),
                    // What cannot be swept now is swept another time, but if it never can, the bound
                    // does not hold.
                    Err(error) => self.report(&error),
                }
            }
            // SeqCst, with the swaps: who wants it now either begins, or is seen to want it.
            self.sweeping_in.store(0, Ordering::SeqCst);
            if !self.is_wanted.load(Ordering::SeqCst) || !self.begin() {
                return;
            }
        }
    }

    pub(super) fn report(&self, error: &io::Error) {
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            let why = format!("{}: {error}", self.root.display());
            report(&Error::new(error::Kind::Sweep, "memo::store::DiskStore", why));
        }
    }

    /// Sweeps, after whoever does; the bytes that are left.
    pub(super) fn sweep(&self, max_bytes: u64) -> io::Result<u64> {
        let functions = match place::functions(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            functions => functions?,
        };
        // To be alone saves work, and nothing else.
        let lock = open_lock(&functions);
        let _locked = lock.as_ref().map(files::lock);
        self.sweep_functions(&functions, max_bytes)
    }

    /// Sweeps, unless another process does.
    pub(super) fn sweep_if_alone(&self, max_bytes: u64) -> io::Result<()> {
        let functions = match place::functions(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            functions => functions?,
        };
        let lock = open_lock(&functions)?;
        let locked = files::try_lock(&lock);
        match &locked {
            // How long it has been had, for who finds it locked.
            Ok(Some(_)) => drop(lock.set_times(FileTimes::new().set_modified(SystemTime::now()))),
            Ok(None) if !is_idle_for(&functions, LOCK, STUCK) => return Ok(()),
            Ok(None) | Err(_) => {}
        }
        self.sweep_functions(&functions, max_bytes)?;
        locked.map(drop).map_err(|error| {
            let why = format!("locks on files are not to be had, and all sweep at once: {error}");
            io::Error::new(error.kind(), why)
        })
    }

    fn sweep_functions(&self, functions: &Directory, max_bytes: u64) -> io::Result<u64> {
        self.written.store(0, Ordering::Relaxed);
        let mut found = Found::default();
        for (name, directory) in place::all(functions)? {
            found.sweep_function(&name, &directory);
        }
        let Found { mut candidates, generations } = found;
        let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
        if total <= max_bytes {
            return Ok(total);
        }
        candidates.sort_unstable_by_key(|candidate| candidate.used);
        let enough = max_bytes - max_bytes / FREE;
        let mut failed = Ok(());
        for candidate in candidates {
            if total <= enough {
                break;
            }
            let (function, name) = &generations[candidate.generation];
            let generation = functions.open(function).and_then(|function| name.open(&function));
            match generation.and_then(|generation| generation.remove(&candidate.name)) {
                Ok(_) => total -= candidate.bytes,
                // Cleared, or called otherwise: another time.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => failed = Err(error),
            }
        }
        if total > max_bytes {
            failed?;
        }
        Ok(total)
    }
}

/// The lock's file, or one in the place of what is none.
fn open_lock(functions: &Directory) -> io::Result<File> {
    match functions.lock_file(LOCK) {
        Err(error) if !is_of_resources(&error) => {
            functions.discard(LOCK)?;
            functions.lock_file(LOCK)
        }
        result => result,
    }
}

impl Found {
    /// Deletes what is over in a function's directory; what is left are candidates. Whatever cannot
    /// be read or deleted is left for another time: others may be at the same files.
    fn sweep_function(&mut self, function: &str, directory: &Directory) {
        let names = directory.names().unwrap_or_default();
        for trash in names.iter().filter(|name| name.starts_with(TRASH)) {
            let _ = directory.discard(trash);
        }
        for name in names.iter().filter(|name| name.ends_with(UNFINISHED)) {
            discard_if_abandoned(directory, name);
        }
        let current = generation::current_epoch(directory).unwrap_or_default();
        for name in generation::all(directory).unwrap_or_default() {
            // What was left of a clear that was stopped; a new one is another's that has just begun.
            if Some(name.epoch) != current && is_idle_for(directory, &name.to_string(), ABANDONED) {
                let trash = generation::trash();
                if directory.rename(&name.to_string(), &trash).is_ok() {
                    let _ = directory.discard(&trash);
                }
                continue;
            }
            if let Ok(generation) = name.open(directory) {
                self.generations.push((function.to_owned(), name));
                let is_of_tags = function == place::of(&TAGS);
                self.sweep_generation(&generation, is_of_tags);
            }
        }
    }

    fn sweep_generation(&mut self, generation: &Directory, is_of_tags: bool) {
        // A stamp may have been used as much later than is noted, and is not to be given up before
        // results that are of it.
        let later = if is_of_tags { STAMP_NOTED } else { Duration::ZERO };
        for name in generation.names().unwrap_or_default() {
            if name.ends_with(UNFINISHED) {
                discard_if_abandoned(generation, &name);
                continue;
            }
            if !generation::is_file_of_a_call(&name) {
                continue;
            }
            let Ok(stat) = generation.stat(&name) else { continue };
            if stat.kind == Kind::File && !is_over(generation, &name) {
                self.candidates.push(Candidate {
                    used: stat.modified.checked_add(later).unwrap_or(stat.modified),
                    bytes: stat.allocated,
                    generation: self.generations.len() - 1,
                    name,
                });
            } else {
                let _ = generation.discard(&name);
            }
        }
    }
}

/// Whether a result has expired, or its file says nothing of the kind.
fn is_over(generation: &Directory, name: &str) -> bool {
    let mut head = [0; HEADER];
    let Ok(mut file) = generation.file(name) else { return false };
    match files::read_exact(&mut file, &mut head) {
        Ok(()) => {}
        // It is too short; what else keeps it from being read may pass.
        Err(why) => return why.kind() == ErrorKind::UnexpectedEof,
    }
    // The clock is read after the file, which another thread may have written a moment ago.
    Header::parse(&head).is_none_or(|(header, _)| header.age(&Now::read()).is_none())
}

fn discard_if_abandoned(directory: &Directory, name: &str) {
    if is_idle_for(directory, name, ABANDONED) {
        let _ = directory.discard(name);
    }
}

/// Whether nothing was done to a file, or to what is in a directory, for so long.
fn is_idle_for(directory: &Directory, name: &str, time: Duration) -> bool {
    let stat = directory.stat(name);
    stat.is_ok_and(|stat| stat.modified.elapsed().is_ok_and(|idle| idle > time))
}
