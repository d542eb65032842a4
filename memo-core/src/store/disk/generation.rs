//! The directory of a function's results since it was last cleared.
//!
//! Its name is a random number, the epoch, and how often it was renamed; the file `epoch` beside it
//! says which of several is current. To clear a function is to delete that file, and to rename the
//! directory out of the way: whoever reads or writes by the old name finds nothing there, in
//! whatever process. Calls that are removed one by one are listed in a file beside the results,
//! which only grows: a result is void if its call was listed after it was looked up. So that nobody
//! overlooks the list, the directory is renamed after each addition, and who looks for its new name
//! reads the list again.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{files, random};
use crate::store::{hex, Key};

/// What precedes the name of a directory that waits to be deleted.
pub(super) const TRASH: &str = "trash-";
/// What the name of a file that is being written ends with.
pub(super) const UNFINISHED: &str = ".tmp";
/// The file that lists the calls that were removed.
pub(super) const REMOVED: &str = "removed";

const RECORD: usize = size_of::<Key>();

/// With more removals than that, the function is cleared instead.
pub(super) const REMOVALS: u64 = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Generation {
    pub(super) name: Name,
    pub(super) path: PathBuf,
    /// When each removed call was removed, as far as the list is known.
    removed: HashMap<Key, u64>,
    removals: u64,
    /// The list is no list of keys: nothing is known of what was removed.
    is_damaged: bool,
}

/// A generation's name. Of two with the same epoch the one that was renamed more often counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) epoch: u64,
    renamed: u64,
}

impl Name {
    const fn first(epoch: u64) -> Self {
        Self { epoch, renamed: 0 }
    }

    /// What a directory's name says, if it is one of ours.
    fn parse(name: &str) -> Option<Self> {
        let (epoch, renamed) = name.split_once('.')?;
        let is_hex = epoch.len() == 16 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let epoch = is_hex.then(|| u64::from_str_radix(epoch, 16).ok()).flatten()?;
        Some(Self { epoch, renamed: renamed.parse().ok()? })
    }

    pub(super) fn in_directory(self, function: &Path) -> PathBuf {
        function.join(format!("{:016x}.{}", self.epoch, self.renamed))
    }

    const fn next(self) -> Self {
        Self { epoch: self.epoch, renamed: self.renamed + 1 }
    }
}

/// A new name for a directory that waits to be deleted.
pub(super) fn trash() -> String {
    format!("{TRASH}{:016x}", random())
}

/// A new name for a file that is being written.
pub(super) fn unfinished() -> String {
    format!("{:016x}{UNFINISHED}", random())
}

/// The file of a call.
pub(super) fn file_of(key: &Key) -> String {
    hex(key)
}

/// The call of a file, by its name.
pub(super) fn is_file_of_a_call(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// All generations of a function: besides the current one, what a clear has not come to yet.
pub(super) fn all(function: &Path) -> io::Result<Vec<Name>> {
    let mut names: Vec<Name> =
        files::names(function)?.iter().filter_map(|name| Name::parse(name)).collect();
    names.sort_unstable();
    Ok(names)
}

/// The file that says which epoch is current.
const EPOCH: &str = "epoch";

/// The current epoch, if there is one.
pub(super) fn current_epoch(function: &Path) -> io::Result<Option<u64>> {
    let path = function.join(EPOCH);
    let mut file = match files::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = [0; 16];
    let read = files::read_exact(&mut file, &mut text);
    let epoch = std::str::from_utf8(&text).ok().filter(|_| read.is_ok());
    let epoch = epoch.and_then(|text| u64::from_str_radix(text, 16).ok());
    if epoch.is_none() {
        // Something else stands in its place: the next epoch replaces it.
        files::discard(&path)?;
    }
    Ok(epoch)
}

/// Ends the current epoch.
pub(super) fn end_epoch(function: &Path) -> io::Result<()> {
    files::remove(&function.join(EPOCH)).map(drop)
}

/// Begins an epoch, unless somebody else does.
fn begin_epoch(function: &Path) -> io::Result<()> {
    // Its directory comes before it, and never again: so an epoch that is over stays so, and whoever
    // writes by its name finds nothing.
    let name = Name::first(random());
    let directory = name.in_directory(function);
    files::make_directory(&directory)?;
    let unfinished = function.join(unfinished());
    let mut file = files::create_new(&unfinished)?;
    let written = files::write(&mut file, format!("{:016x}", name.epoch).as_bytes());
    // A link, as it is made whole, and only if there is none: else two would begin one each.
    let begun = written.and_then(|()| files::link(&unfinished, &function.join(EPOCH)));
    files::remove(&unfinished)?;
    match begun {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            files::discard(&directory).map(drop)
        }
        result => {
            result?;
            // What is left of a clear that was stopped halfway: some may still read there.
            retire(function).map(drop)
        }
    }
}

/// The current generation, begun if there is none; nothing, if that changes just now.
pub(super) fn current(function: &Path) -> io::Result<Option<Name>> {
    let Some(epoch) = current_epoch(function)? else {
        begin_epoch(function)?;
        return Ok(None);
    };
    // A removal that renames the directory may hide it from one look.
    for _ in 0..3 {
        if let Some(name) = all(function)?.into_iter().rfind(|name| name.epoch == epoch) {
            return Ok(Some(name));
        }
    }
    if current_epoch(function)? == Some(epoch) {
        // Somebody deleted the directory: what was in it is cleared.
        end_epoch(function)?;
    }
    Ok(None)
}

/// Renames every generation that is not current out of the way; whether that is done.
pub(super) fn retire(function: &Path) -> io::Result<bool> {
    let names = all(function)?;
    // Asked after them: a directory is made after its epoch began.
    let current = current_epoch(function)?;
    let mut is_done = true;
    for name in names.into_iter().filter(|name| Some(name.epoch) != current) {
        match files::rename(&name.in_directory(function), &function.join(trash())) {
            // Another did, or a removal gave it another name.
            Err(error) if error.kind() == ErrorKind::NotFound => is_done = false,
            result => result?,
        }
    }
    Ok(is_done)
}

impl Generation {
    pub(super) fn new(function: &Path, name: Name) -> Self {
        let path = name.in_directory(function);
        Self { name, path, removed: HashMap::new(), removals: 0, is_damaged: false }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.name.epoch
    }

    /// The directory has another name now.
    pub(super) fn is_called(&mut self, function: &Path, name: Name) {
        if self.name != name {
            (self.name, self.path) = (name, name.in_directory(function));
        }
    }

    pub(super) fn removals(&self) -> u64 {
        self.removals
    }

    /// Whether a call was removed since so many removals, as far as is known.
    pub(super) fn is_removed_since(&self, key: &Key, removals: u64) -> bool {
        self.is_damaged || self.removed.get(key).is_some_and(|&at| at >= removals)
    }

    /// The calls removed since, as far as is known; nothing, if the list is no list.
    pub(super) fn removed_since(&self, removals: u64) -> Option<Vec<Key>> {
        let since = |(key, at): (&Key, &u64)| (*at >= removals).then_some(*key);
        (!self.is_damaged).then(|| self.removed.iter().filter_map(since).collect())
    }

    /// Reads what was added to the list.
    pub(super) fn read_removed(&mut self) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        let mut file = match files::open(&self.path.join(REMOVED)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let known = self.removals * RECORD as u64;
        let len = files::metadata(&file)?.len();
        if len == known {
            return Ok(());
        }
        file.seek(SeekFrom::Start(known))?;
        let added = files::read(&mut file, len.saturating_sub(known))?;
        let (keys, rest) = added.as_chunks::<RECORD>();
        for key in keys {
            self.removed.insert(*key, self.removals);
            self.removals += 1;
        }
        // A list that shrank, or whose last record is half of one, was not written by us alone.
        self.is_damaged |= !rest.is_empty() || len < known;
        Ok(())
    }

    /// Adds a call to the list, and has everybody read it: how many removals there are with it.
    pub(super) fn list_removed(&mut self, function: &Path, key: &Key) -> io::Result<u64> {
        let mut file = files::append(&self.path.join(REMOVED))?;
        // One write, so that the records of processes that append at once stay whole.
        files::write(&mut file, key)?;
        let removals = files::position(&mut file)? / RECORD as u64;
        // Some systems rename no directory with an open file in it.
        drop(file);
        loop {
            let next = self.name.next();
            match files::rename(&self.path, &next.in_directory(function)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => {
                    result?;
                    self.is_called(function, next);
                    return Ok(removals);
                }
            }
            // Somebody renamed it, perhaps before the list had the call.
            let is_it = |name: &Name| name.epoch == self.name.epoch;
            match all(function)?.into_iter().rfind(is_it) {
                Some(name) => self.is_called(function, name),
                None => return Err(ErrorKind::NotFound.into()),
            }
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}
