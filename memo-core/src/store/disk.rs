//! Results in files: they outlive the process, and all processes of the machine share them.
//!
//! ```text
//! <root>/CACHEDIR.TAG, .gitignore
//! <root>/memo-v1/lock                                 one sweeper at a time
//! <root>/memo-v1/<function>-<fingerprint>/name
//! <root>/memo-v1/<function>-<fingerprint>/<epoch>/    since the last clear
//!     <digest of the arguments>                  one result
//!     <random>.tmp                               one being written
//!     removed                                    the calls removed one by one
//! <root>/memo-v1/memo-tags-<…>/                       the stamps of tags, as if they were results
//! <root>/memo-v1/<function>-<fingerprint>/trash-…     to be deleted
//! ```
//!
//! Nobody locks anything to read or write. A file is written beside its place and renamed into it,
//! so that it is whole or not there; if the machine stops in the middle of that, its checksum tells.
//! No link is followed, and a directory that others can write is not used.

mod builder;
mod files;
#[cfg(test)]
mod faults;
mod directory;
mod generation;
mod entry;
mod place;
mod sweep;
mod inspect;
mod store;
mod tags;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::Mutex;
use once_cell::sync::OnceCell;

use directory::Directory;
use entry::Entry;
use generation::{Generation, Name};
use sweep::Sweeper;

use super::header::Header;
use super::{random, FunctionId, Key, Lookup, Ticket};

pub use builder::DiskBuilder;
pub use inspect::DiskEntry;

/// A store in a directory, shared by all processes of the machine.
///
/// `#[memo(store = "disk")]` uses the one in `$MEMO_CACHE_DIR`, or in `memo/<program>` in the
/// platform's directory for caches (`$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches`,
/// `%LOCALAPPDATA%`). So by default all processes of a program share it, and programs do where the
/// variable says so. Another directory, or another bound, is an expression:
///
/// ```
/// use memo::{memo, store::DiskStore};
/// # let directory = std::env::temp_dir().join(format!("memo-doc-{}", std::process::id()));
/// # std::env::set_var("RESULTS", &directory);
///
/// #[memo(store = DiskStore::builder(std::env::var_os("RESULTS").unwrap()).max_bytes(64 << 20).open())]
/// fn slow(n: u64) -> u64 { n * n }
///
/// assert_eq!(slow(4), 16);
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
///
/// A result is in a file of its own, with a checksum: one that is damaged is a miss, and the next
/// call replaces it. Directories are made with mode 0700 and files with 0600, as whoever can write
/// there can forge results: a directory that belongs to another user, or that group or others can
/// write, is not used, which is reported. No link in it is followed.
pub struct DiskStore {
    root: PathBuf,
    max_bytes: u64,
    max_value_bytes: u64,
    /// Where the functions' directories are, as it was opened last.
    functions: Mutex<Option<Arc<Directory>>>,
    places: Mutex<HashMap<[u8; 16], Arc<Place>>>,
    sweeper: Arc<Sweeper>,
}

/// Where a function's results are, and what is known of them.
struct Place {
    /// What the function's directory is called.
    name: String,
    known: Mutex<Option<Generation>>,
}

/// What came of looking for a result where it was last.
enum Read {
    /// The generation is still called as it was: nothing was made void since.
    Done(Lookup),
    /// It is over, or is called otherwise: a call was removed.
    Over,
    /// The result knows of more removals than are known.
    Ahead,
    /// The same of a file that is damaged, or is none any more.
    Damaged(Lookup),
}

/// Which of several that are written at once counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placing {
    First,
    Last,
}

impl Place {
    /// The generation of a ticket, as it is called now, if it is not over.
    fn generation_of(&self, ticket: Ticket) -> Option<Name> {
        let known = self.known.lock();
        Some(known.as_ref().filter(|known| known.epoch() == ticket.epoch)?.name)
    }

    /// Gets to know all removals of a generation; nothing, if their list is damaged.
    fn read_removed(&self, name: Name, generation: &Directory) -> io::Result<Option<Ticket>> {
        let mut known = self.known.lock();
        // Under a name whose list was not read nothing is to be found, so until it is none is known.
        let mut it = match known.take() {
            Some(it) if it.epoch() == name.epoch => it,
            _ => Generation::new(name),
        };
        it.name = name;
        if !it.read_removed(generation)? {
            return Ok(None);
        }
        let ticket = Ticket::new(name.epoch, it.removals());
        *known = Some(it);
        Ok(Some(ticket))
    }

    /// Whether a call was removed since, as far as is known.
    fn is_removed_since(&self, key: &Key, ticket: Ticket) -> bool {
        self.known.lock().as_ref().is_none_or(|known| {
            known.epoch() != ticket.epoch || known.is_removed_since(key, ticket.removals)
        })
    }
}

/// How often what others change at once is looked at again, before it is given up.
const ATTEMPTS: usize = 16;

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore")
            .field("root", &self.root)
            .field("max_bytes", &self.max_bytes)
            .field("max_value_bytes", &self.max_value_bytes)
            .finish_non_exhaustive()
    }
}

static DEFAULT: OnceCell<Option<DiskStore>> = OnceCell::new();

/// Takes the locks of the store in the default place, which every `clear_all` clears.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    // Made now, if it is not: a child would wait for good for a thread that is just making it.
    drop(crate::store::disk());
    let store = DEFAULT.get().and_then(Option::as_ref);
    let locked = store.map(|store| (store.functions.lock(), store.places.lock()));
    Box::new(move |_| drop(locked))
}

impl DiskStore {
    /// Returns the store in this directory, with the default settings.
    ///
    /// The directory is made when the first result is stored, so this cannot fail: what is wrong with
    /// it shows when it is used, and is then counted in
    /// [`Stats::store_errors`](crate::Stats::store_errors) and reported once for each function.
    #[must_use]
    pub fn open(directory: impl Into<PathBuf>) -> Self {
        Self::builder(directory).open()
    }

    /// Returns a builder of a store in this directory, to choose its settings.
    pub fn builder(directory: impl Into<PathBuf>) -> DiskBuilder {
        DiskBuilder::new(directory.into())
    }

    /// The store of `store = "disk"`; none, if the environment names no directory.
    pub fn in_default_place() -> Option<&'static Self> {
        DEFAULT.get_or_init(|| place::default_root().map(Self::open)).as_ref()
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.root
    }

    /// Deletes now what expired, what was cleared, what was left unfinished an hour ago, and what is
    /// too much; the bytes that are left, in allocated blocks.
    ///
    /// Stores do this by themselves, on a thread of their own. Only one process at a time does:
    /// where another is at it, this waits, unless the file system has no locks.
    ///
    /// # Errors
    /// The directory cannot be read, or what is too much not be deleted.
    pub fn sweep(&self) -> io::Result<u64> {
        self.sweeper.sweep(self.max_bytes)
    }

    fn place(&self, function: &FunctionId<'_>) -> Arc<Place> {
        let mut places = self.places.lock();
        let place = places.entry(function.fingerprint).or_insert_with(|| {
            Arc::new(Place { name: place::of(function), known: Mutex::new(None) })
        });
        Arc::clone(place)
    }

    /// Where the functions' directories are: at the path, and not where it was.
    fn open_functions(&self) -> io::Result<Arc<Directory>> {
        let functions = place::functions(&self.root).map(Arc::new);
        let opened = functions.as_ref().ok().cloned();
        // Nobody waits for this lock, as a child of `fork` may find it held for good: who does not get
        // it opens the directory once more.
        let before =
            self.functions.try_lock().map(|mut last| std::mem::replace(&mut *last, opened));
        // Closed outside the lock.
        drop(before);
        functions
    }

    /// A generation, where that was last; an error, if it has another name by now.
    fn open_generation(&self, place: &Place, name: Name) -> io::Result<Directory> {
        let functions = self.functions.try_lock().and_then(|last| last.clone());
        let functions = functions.map_or_else(|| self.open_functions(), Ok)?;
        name.open_again(&functions.open_again(&place.name)?)
    }

    /// The function's directory and its current generation, made if there is none.
    fn current(&self, function: &FunctionId<'_>, place: &Place) -> io::Result<(Directory, Name)> {
        for _ in 0..ATTEMPTS {
            let directory = self.open_functions().and_then(|functions| functions.open(&place.name));
            let known = place.known.lock().as_ref().map(|known| known.name);
            let current = directory.and_then(|directory| {
                let name = generation::current(&directory, known)?;
                Ok(name.map(|name| (directory, name)))
            });
            match current {
                Ok(Some(current)) => return Ok(current),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let functions = place::make_functions(&self.root)?;
                    place::make(&functions, &place.name, function)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    /// Looks at the directory again: the moment, with all removals of this generation known.
    fn look_again(&self, function: &FunctionId<'_>, place: &Place) -> io::Result<Ticket> {
        let looked = self.look(function, place);
        if looked.as_ref().is_err_and(is_of_others) {
            // Nor is it read until others cannot write it.
            *place.known.lock() = None;
        }
        looked
    }

    fn look(&self, function: &FunctionId<'_>, place: &Place) -> io::Result<Ticket> {
        for _ in 0..ATTEMPTS {
            let (directory, name) = self.current(function, place)?;
            let generation = match name.open(&directory) {
                Ok(generation) => generation,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) if is_of_resources(&error) || is_of_others(&error) => return Err(error),
                Err(_) => {
                    // A link or a file is called like one of ours.
                    directory.discard(&name.to_string())?;
                    continue;
                }
            };
            if let Some(ticket) = place.read_removed(name, &generation)? {
                return Ok(ticket);
            }
            self.clear_directory(&directory)?;
        }
        Err(busy())
    }

    /// Ends the epoch, and renames its directory out of the way.
    fn clear_directory(&self, function: &Directory) -> io::Result<()> {
        generation::end_epoch(function)?;
        for _ in 0..ATTEMPTS {
            if generation::retire(function)? {
                self.sweeper.start(self.max_bytes);
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Clears a function, if it has a directory.
    fn clear_place(&self, place: &Place) -> io::Result<()> {
        let directory = self.open_functions().and_then(|functions| functions.open(&place.name));
        match directory {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            directory => self.clear_directory(&directory?),
        }
    }

    /// The moment that is known, and the file of a call in its generation; nothing, if that has
    /// another name by now.
    fn entry(
        &self,
        function: &FunctionId<'_>,
        place: &Place,
        key: &Key,
    ) -> io::Result<Option<(Ticket, Option<Entry>)>> {
        let (ticket, name) = {
            let known = place.known.lock();
            let Some(known) = known.as_ref() else { return Ok(None) };
            (Ticket::new(known.epoch(), known.removals()), known.name)
        };
        let generation = match self.open_generation(place, name) {
            Ok(generation) => generation,
            Err(error) if is_of_resources(&error) => return Err(error),
            Err(_) => return Ok(None),
        };
        let entry = Entry::open(&generation, function, key, ticket.epoch, self.max_value_bytes)?;
        // The list was read when the directory had the name by which the file was found.
        let entry = entry.filter(|entry| !place.is_removed_since(key, entry.header.ticket));
        Ok(Some((ticket, entry)))
    }

    fn read(&self, function: &FunctionId<'_>, place: &Place, key: &Key) -> io::Result<Read> {
        let Some((ticket, entry)) = self.entry(function, place, key)? else {
            return Ok(Read::Over);
        };
        let Some(entry) = entry else { return Ok(Read::Done(Lookup::new(ticket, None))) };
        let is_ahead = entry.header.ticket.removals > ticket.removals;
        let found = entry.read()?;
        // Only what is whole is believed: a flipped bit is to cost one result, not all.
        Ok(match (is_ahead, found) {
            (true, Some(_)) => Read::Ahead,
            (true, None) => Read::Damaged(Lookup::new(ticket, None)),
            (false, found) => Read::Done(Lookup::new(ticket, found)),
        })
    }

    /// Writes the file of a call, unless that is void by then.
    fn write(
        &self,
        function: &FunctionId<'_>,
        place: &Place,
        header: &Header,
        value: &[u8],
        placing: Placing,
    ) -> io::Result<()> {
        let ticket = header.ticket;
        for _ in 0..ATTEMPTS {
            let Some(name) = place.generation_of(ticket) else { return Ok(()) };
            if place.is_removed_since(&header.key, ticket) {
                return Ok(());
            }
            let generation = self.open_generation(place, name);
            match generation
                .and_then(|generation| entry::write(&generation, header, value, placing))
            {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // The function was cleared, or a call removed.
                    self.look_again(function, place)?;
                }
                result => return result,
            }
        }
        Err(busy())
    }
}

fn busy() -> io::Error {
    io::Error::other("the directory changes faster than it can be read")
}

/// Whether it is not about this file: the next one would fail as well.
fn is_of_resources(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EIO) = error.raw_os_error() {
        return true;
    }
    matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::StorageFull)
}

/// Whether it is that others may write there.
fn is_of_others(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

#[cfg(test)]
mod tests;
