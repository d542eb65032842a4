//! Results in files: they outlive the process, and all processes of the machine share them.
//!
//! ```text
//! <root>/CACHEDIR.TAG
//! <root>/memo-v1/lock                                 one sweeper at a time
//! <root>/memo-v1/<function>-<fingerprint>/name
//! <root>/memo-v1/<function>-<fingerprint>/<epoch>/    since the last clear
//!     <digest of the arguments>                  one result
//!     <random>.tmp                               one being written
//!     removed                                    the calls removed one by one
//! <root>/memo-v1/<function>-<fingerprint>/trash-…     to be deleted
//! ```
//!
//! Nobody locks anything to read or write. A file is written beside its place and renamed into it,
//! so that it is whole or not there; if the machine stops in the middle of that, its checksum tells.

mod files;
mod generation;
mod inspect;
mod place;
mod sweep;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use generation::{Generation, Name};
use sweep::Sweeper;

use super::header::{self, Header, HEADER};
use super::time::{millis, Now};
use super::{random, Changes, Failure, Found, Function, Key, Lookup, Store, Ticket};

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
/// #[memo(store = DiskStore::open(std::env::var_os("RESULTS").unwrap()).max_bytes(64 << 20))]
/// fn slow(n: u64) -> u64 { n * n }
///
/// assert_eq!(slow(4), 16);
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
///
/// A result is in a file of its own, with a checksum: one that is damaged is a miss, and the next
/// call replaces it. Directories are made with mode 0700 and files with 0600: whoever can write
/// there can forge results.
pub struct DiskStore {
    root: PathBuf,
    max_bytes: u64,
    functions: Mutex<HashMap<[u8; 16], Arc<Place>>>,
    sweeper: Arc<Sweeper>,
}

/// Where a function's results are, and what is known of them.
struct Place {
    directory: PathBuf,
    known: Mutex<Option<Generation>>,
}

/// The file of a call, read as far as its value.
struct Opened {
    file: File,
    metadata: std::fs::Metadata,
    head: [u8; HEADER],
    header: Header,
    age: Duration,
}

impl Header {
    /// How long it has been served, if that is not too long.
    fn age(&self, now: &Now) -> Option<Duration> {
        let age = now.since(self.stamp);
        (self.life == 0 || age < Duration::from_millis(self.life)).then_some(age)
    }
}

impl Place {
    /// The generation of a ticket, as it is called now, if it is not over.
    fn generation_of(&self, ticket: Ticket) -> Option<PathBuf> {
        let known = self.known.lock();
        Some(known.as_ref().filter(|known| known.epoch() == ticket.epoch)?.path.clone())
    }

    /// Whether a call was removed since, as far as is known.
    fn is_removed_since(&self, key: &Key, ticket: Ticket) -> bool {
        self.known.lock().as_ref().is_none_or(|known| {
            known.epoch() != ticket.epoch || known.is_removed_since(key, ticket.removals)
        })
    }
}

/// The bound, where none was asked for: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;
/// The part of the bound that one result may have.
const LARGEST: u64 = 4;
/// When a file was last used is noted once in that time.
const NOTED: Duration = Duration::from_secs(600);
/// How often what others change at once is looked at again, before it is given up.
const ATTEMPTS: usize = 16;

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore")
            .field("root", &self.root)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl DiskStore {
    /// The store in this directory, which is made when the first result is stored.
    ///
    /// It cannot fail: what is wrong with a directory shows when it is used, and is then counted in
    /// [`Stats::store_errors`](crate::Stats::store_errors) and reported once a function.
    #[must_use]
    pub fn open(directory: impl Into<PathBuf>) -> Self {
        let root = directory.into();
        // The directory stays where it is though the process goes elsewhere.
        let root = std::path::absolute(&root).unwrap_or(root);
        let sweeper = Arc::new(Sweeper::new(place::functions(&root)));
        Self { root, max_bytes: MAX_BYTES, functions: Mutex::new(HashMap::new()), sweeper }
    }

    /// How many bytes of the disk it may take, in allocated blocks: 1 GiB, if nothing is said.
    ///
    /// When it has more, what expired and what was not used for longest is deleted on a thread of
    /// its own, until a tenth is free. A result larger than a quarter of the bound is not stored.
    /// Processes that share a directory should agree; the lowest bound wins.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The store of `store = "disk"`; none, if the environment names no directory.
    pub fn in_default_place() -> Option<&'static Self> {
        static DEFAULT: OnceCell<Option<DiskStore>> = OnceCell::new();
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
    /// where another is at it, this waits.
    ///
    /// # Errors
    /// The directory cannot be read, or the lock not be taken.
    pub fn sweep(&self) -> io::Result<u64> {
        self.sweeper.sweep(self.max_bytes)
    }

    fn place(&self, function: &Function<'_>) -> Arc<Place> {
        let mut functions = self.functions.lock();
        let place = functions.entry(function.fingerprint).or_insert_with(|| {
            let directory = place::of(&self.root, function);
            Arc::new(Place { directory, known: Mutex::new(None) })
        });
        Arc::clone(place)
    }

    /// The current generation, made if there is none.
    fn current(&self, function: &Function<'_>, place: &Place) -> io::Result<Name> {
        for _ in 0..ATTEMPTS {
            match generation::current(&place.directory) {
                Ok(Some(name)) => return Ok(name),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    place::prepare(&self.root)?;
                    files::make_directory(&place.directory)?;
                    place::note_name(&place.directory, function);
                }
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    /// Looks at the directory again: the moment, with all removals of this generation known.
    fn look_again(&self, function: &Function<'_>, place: &Place) -> io::Result<Ticket> {
        for _ in 0..ATTEMPTS {
            let name = self.current(function, place)?;
            {
                let mut known = place.known.lock();
                let known = match &mut *known {
                    Some(known) if known.epoch() == name.epoch => known,
                    known => known.insert(Generation::new(&place.directory, name)),
                };
                known.is_called(&place.directory, name);
                known.read_removed()?;
                if !known.is_damaged() {
                    return Ok(Ticket { epoch: name.epoch, removals: known.removals() });
                }
            }
            self.clear_place(place)?;
        }
        Err(busy())
    }

    /// Ends the epoch, and renames its directory out of the way.
    fn clear_place(&self, place: &Place) -> io::Result<()> {
        generation::end_epoch(&place.directory)?;
        for _ in 0..ATTEMPTS {
            if generation::retire(&place.directory)? {
                self.sweeper.start(self.max_bytes);
                return Ok(());
            }
        }
        Err(busy())
    }

    /// What the file of a call says, in the generation that is known.
    fn read(
        &self,
        function: &Function<'_>,
        place: &Place,
        key: &Key,
    ) -> io::Result<Option<Lookup>> {
        let (ticket, path) = {
            let known = place.known.lock();
            let Some(generation) = known.as_ref() else { return Ok(None) };
            let ticket = Ticket { epoch: generation.epoch(), removals: generation.removals() };
            (ticket, generation.path.join(generation::file_of(key)))
        };
        let Some((header, found)) = self.read_file(function, key, ticket.epoch, &path)? else {
            return Ok(None);
        };
        // The list was read when the directory had the name by which the file was found.
        let is_void = place.is_removed_since(key, header.ticket);
        Ok((!is_void).then_some(Lookup { ticket, found: Some(found) }))
    }

    fn read_file(
        &self,
        function: &Function<'_>,
        key: &Key,
        epoch: u64,
        path: &Path,
    ) -> io::Result<Option<(Header, Found)>> {
        let Some(mut entry) = self.open_file(function, key, epoch, path)? else { return Ok(None) };
        let value = files::read(&mut entry.file, entry.header.len)?;
        let Some(header) = header::of_whole(&entry.head, &value) else { return Ok(None) };
        note_use(&entry.file, &entry.metadata);
        Ok(Some((header, Found { value, age: entry.age })))
    }

    /// The file of a call, if it says so and has not expired; nothing is checked of its value yet.
    fn open_file(
        &self,
        function: &Function<'_>,
        key: &Key,
        epoch: u64,
        path: &Path,
    ) -> io::Result<Option<Opened>> {
        let mut file = match files::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // What is not a file, or a link, or somebody else's: not what should be there.
            Err(error) if is_of_resources(&error) => return Err(error),
            Err(_) => return Ok(None),
        };
        let metadata = files::metadata(&file)?;
        let len = metadata.len().checked_sub(HEADER as u64);
        let Some(len) = len.filter(|&len| metadata.is_file() && len <= self.largest()) else {
            return Ok(None);
        };
        let mut head = [0; HEADER];
        match files::read_exact(&mut file, &mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        // What the file says of itself is asked before there is room for it.
        let header = Header::parse(&head).filter(|(header, _)| {
            header.len == len
                && header.fingerprint == function.fingerprint
                && header.key == *key
                && header.ticket.epoch == epoch
        });
        Ok(header.and_then(|(header, _)| {
            let age = header.age(&Now::read())?;
            Some(Opened { file, metadata, head, header, age })
        }))
    }

    /// Whether a call's result is there to be found, as far as its file's head says.
    fn has_file(&self, function: &Function<'_>, place: &Place, key: &Key) -> io::Result<bool> {
        let path = {
            let known = place.known.lock();
            let path =
                |known: &Generation| (known.epoch(), known.path.join(generation::file_of(key)));
            known.as_ref().map(path)
        };
        let Some((epoch, path)) = path else { return Ok(false) };
        let entry = self.open_file(function, key, epoch, &path)?;
        Ok(entry.is_some_and(|entry| !place.is_removed_since(key, entry.header.ticket)))
    }

    fn largest(&self) -> u64 {
        self.max_bytes / LARGEST
    }

    /// Writes a file beside its place, and renames it there, unless it is void by then.
    fn write(
        &self,
        function: &Function<'_>,
        place: &Place,
        header: &Header,
        value: &[u8],
    ) -> io::Result<()> {
        let (ticket, key) = (header.ticket, &header.key);
        let unfinished = generation::unfinished();
        let mut is_written = false;
        for _ in 0..ATTEMPTS {
            let Some(generation) = place.generation_of(ticket) else { return Ok(()) };
            let from = generation.join(&unfinished);
            if place.is_removed_since(key, ticket) {
                files::remove(&from)?;
                return Ok(());
            }
            let attempt = if is_written { Ok(()) } else { write_file(&from, header, value) };
            is_written = attempt.is_ok();
            let to = generation.join(generation::file_of(key));
            match attempt.and_then(|()| files::replace(&from, &to)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // The function was cleared, or a call removed.
                    self.look_again(function, place)?;
                }
                Err(error) => {
                    // What is left is swept; there is no more to be done about it here.
                    let _ = files::remove(&from);
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
        Err(busy())
    }
}

fn busy() -> io::Error {
    io::Error::other("the directory changes faster than it can be read")
}

/// In one piece if it is small, so that it is one request.
fn write_file(path: &Path, header: &Header, value: &[u8]) -> io::Result<()> {
    const ONE_PIECE: usize = 64 * 1024;
    let mut file = files::create_new(path)?;
    let head = header.bytes(value);
    if value.len() <= ONE_PIECE {
        return files::write(&mut file, &[head.as_slice(), value].concat());
    }
    files::write(&mut file, &head)?;
    files::write(&mut file, value)
}

/// Whether it is not about this file: the next one would fail as well.
fn is_of_resources(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EIO) = error.raw_os_error() {
        return true;
    }
    matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::StorageFull)
}

/// Notes when a file was last used, for the sweeper: now and then, as it is a write.
fn note_use(file: &File, metadata: &std::fs::Metadata) {
    let idle = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    if idle.is_none_or(|idle| idle >= NOTED) {
        let _ =
            file.set_times(std::fs::FileTimes::new().set_modified(std::time::SystemTime::now()));
    }
}

impl Store for DiskStore {
    fn get(&self, function: &Function<'_>, key: &Key) -> Result<Lookup, Failure> {
        let place = self.place(function);
        if let Some(lookup) = self.read(function, &place, key)? {
            return Ok(lookup);
        }
        // It is not there, or the generation is over: the directory says which.
        let called = || place.known.lock().as_ref().map(|known| known.name);
        let before = called();
        let ticket = self.look_again(function, &place)?;
        if before != called() {
            if let Some(lookup) = self.read(function, &place, key)? {
                return Ok(lookup);
            }
        }
        Ok(Lookup { ticket, found: None })
    }

    fn put(
        &self,
        function: &Function<'_>,
        key: &Key,
        ticket: Ticket,
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Failure> {
        if value.len() as u64 > self.largest() {
            return Ok(());
        }
        let place = self.place(function);
        let header = Header {
            fingerprint: function.fingerprint,
            key: *key,
            ticket,
            stamp: Now::read().0,
            life: life.map_or(0, |life| millis(life).max(1)),
            len: value.len() as u64,
        };
        self.write(function, &place, &header, value)?;
        self.sweeper.wrote(HEADER as u64 + value.len() as u64, self.max_bytes);
        Ok(())
    }

    fn remove(&self, function: &Function<'_>, key: &Key) -> Result<(bool, Ticket), Failure> {
        let place = self.place(function);
        for _ in 0..ATTEMPTS {
            let ticket = self.look_again(function, &place)?;
            if ticket.removals >= generation::REMOVALS {
                let was_there = self.has_file(function, &place, key)?;
                return Ok((was_there, self.clear(function)?));
            }
            let is_there = self.has_file(function, &place, key)?;
            let listed = {
                let mut known = place.known.lock();
                let known = known.as_mut().filter(|known| known.epoch() == ticket.epoch);
                known.map(|known| known.list_removed(&place.directory, key))
            };
            let removals = match listed {
                None => continue,
                // It was cleared meanwhile, or another call removed.
                Some(Err(error)) if error.kind() == ErrorKind::NotFound => continue,
                Some(result) => result?,
            };
            let ticket = Ticket { epoch: ticket.epoch, removals };
            self.look_again(function, &place)?;
            // From now on no file of the call from before is believed: what is left is tidying up.
            let file = place.generation_of(ticket).map(|path| path.join(generation::file_of(key)));
            let was_there = file.is_none_or(|file| files::remove(&file).unwrap_or(true));
            // Of several who remove it at once, one did.
            return Ok((is_there && was_there, ticket));
        }
        Err(busy().into())
    }

    fn clear(&self, function: &Function<'_>) -> Result<Ticket, Failure> {
        let place = self.place(function);
        self.clear_place(&place)?;
        Ok(self.look_again(function, &place)?)
    }

    fn clear_all(&self) -> Result<(), Failure> {
        let functions = place::functions(&self.root);
        let mut failed = Ok(());
        for name in files::names(&functions)? {
            let directory = functions.join(name);
            if directory.is_dir() {
                // One that cannot be cleared is no reason to leave the others.
                let place = Place { directory, known: Mutex::new(None) };
                failed = self.clear_place(&place).and(failed);
            }
        }
        self.functions.lock().values().for_each(|place| *place.known.lock() = None);
        Ok(failed?)
    }

    fn changes(
        &self,
        function: &Function<'_>,
        since: Option<Ticket>,
    ) -> Result<(Ticket, Changes), Failure> {
        let place = self.place(function);
        let ticket = self.look_again(function, &place)?;
        let changes = match since {
            None => Changes::Nothing,
            Some(since) if since.epoch != ticket.epoch => Changes::Everything,
            Some(since) if since.removals == ticket.removals => Changes::Nothing,
            Some(since) => {
                let known = place.known.lock();
                let removed = known.as_ref().filter(|known| known.epoch() == ticket.epoch);
                let removed = removed.and_then(|known| known.removed_since(since.removals));
                removed.map_or(Changes::Everything, Changes::Removed)
            }
        };
        Ok((ticket, changes))
    }
}

#[cfg(test)]
mod tests;
