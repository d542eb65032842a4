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
use std::fmt;
use std::io::{self, ErrorKind};

use super::directory::Directory;
use super::{files, is_of_resources, random};
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
/// As many may be listed by who does not know yet that there are enough.
const MORE: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Generation {
    pub(super) name: Name,
    /// When each removed call was removed, as far as the list is known.
    removed: HashMap<Key, u64>,
    removals: u64,
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

    const fn next(self) -> Self {
        Self { epoch: self.epoch, renamed: self.renamed.saturating_add(1) }
    }

    /// Its directory.
    pub(super) fn open(self, function: &Directory) -> io::Result<Directory> {
        function.open(&self.to_string())
    }

    /// The same, once it is known.
    pub(super) fn open_again(self, function: &Directory) -> io::Result<Directory> {
        function.open_again(&self.to_string())
    }

    /// Adds a call to the list, and has everybody read it, who adds it too: how many removals there are
    /// with it.
    pub(super) fn list_removed(mut self, function: &Directory, key: &Key) -> io::Result<u64> {
        let mut file = self.open(function)?.appended_file(REMOVED)?;
        // One write, so that the records of processes that append at once stay whole.
        files::write(&mut file, key)?;
        let removals = files::position(&mut file)? / RECORD as u64;
        // Some systems rename no directory with an open file in it.
        drop(file);
        loop {
            let next = self.next();
            match function.rename(&self.to_string(), &next.to_string()) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => return result.map(|()| removals),
            }
            // Somebody renamed it, perhaps before the list had the call.
            let is_it = |name: &Name| name.epoch == self.epoch;
            match all(function)?.into_iter().rfind(is_it) {
                Some(name) => self = name,
                None => return Err(ErrorKind::NotFound.into()),
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.epoch, self.renamed)
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
pub(super) fn all(function: &Directory) -> io::Result<Vec<Name>> {
    let mut names: Vec<Name> =
        function.names()?.iter().filter_map(|name| Name::parse(name)).collect();
    names.sort_unstable();
    Ok(names)
}

/// The file that says which epoch is current.
const EPOCH: &str = "epoch";

/// The current epoch, if there is one. What stands in its place and says none goes: the next epoch
/// replaces it.
pub(super) fn current_epoch(function: &Directory) -> io::Result<Option<u64>> {
    let text = function.file(EPOCH).and_then(|mut file| {
        let mut text = [0; 16];
        files::read_exact(&mut file, &mut text).map(|()| text)
    });
    let text = match text {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if is_of_resources(&error) => return Err(error),
        // A link, a directory, half of a number.
        Err(_) => [0; 16],
    };
    let is_hex = text.iter().all(u8::is_ascii_hexdigit);
    let epoch = std::str::from_utf8(&text).ok().filter(|_| is_hex);
    let epoch = epoch.and_then(|text| u64::from_str_radix(text, 16).ok());
    if epoch.is_none() {
        function.discard(EPOCH)?;
    }
    Ok(epoch)
}

/// Ends the current epoch.
pub(super) fn end_epoch(function: &Directory) -> io::Result<()> {
    function.discard(EPOCH).map(drop)
}

/// Begins an epoch, unless somebody else does.
fn begin_epoch(function: &Directory) -> io::Result<()> {
    // Its directory comes before it, and never again: so an epoch that is over stays so, and whoever
    // writes by its name finds nothing.
    let name = Name::first(random());
    function.make(&name.to_string())?;
    let unfinished = unfinished();
    let mut file = function.new_file(&unfinished)?;
    let written = files::write(&mut file, format!("{:016x}", name.epoch).as_bytes());
    // A link, as it is made whole, and only if there is none: else two would begin one each.
    let begun = written.and_then(|()| function.link(&unfinished, EPOCH));
    function.remove(&unfinished)?;
    match begun {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            function.discard(&name.to_string()).map(drop)
        }
        result => {
            result?;
            // What is left of a clear that was stopped halfway: some may still read there.
            retire(function).map(drop)
        }
    }
}

/// The current generation, begun if there is none; nothing, if that changes just now. Most likely it
/// is the one that is known.
pub(super) fn current(function: &Directory, known: Option<Name>) -> io::Result<Option<Name>> {
    let Some(epoch) = current_epoch(function)? else {
        begin_epoch(function)?;
        return Ok(None);
    };
    if let Some(known) = known.filter(|known| known.epoch == epoch) {
        if known.open_again(function).is_ok() {
            return Ok(Some(known));
        }
    }
    // A removal that renames the directory may hide it from one look.
    for _ in 0..3 {
        let names = all(function)?;
        if let Some(name) = names.iter().rfind(|name| name.epoch == epoch) {
            // Whoever began this epoch may have been stopped before it was done with the last one,
            // which others still read.
            if names.iter().any(|name| name.epoch != epoch) {
                retire(function)?;
            }
            return Ok(Some(*name));
        }
    }
    if current_epoch(function)? == Some(epoch) {
        // Somebody deleted the directory: what was in it is cleared.
        end_epoch(function)?;
    }
    Ok(None)
}

/// Renames every generation that is not current out of the way; whether that is done.
pub(super) fn retire(function: &Directory) -> io::Result<bool> {
    let names = all(function)?;
    // Asked after them: a directory is made after its epoch began.
    let current = current_epoch(function)?;
    let mut is_done = true;
    for name in names.into_iter().filter(|name| Some(name.epoch) != current) {
        match function.rename(&name.to_string(), &trash()) {
            // Another did, or a removal gave it another name.
            Err(error) if error.kind() == ErrorKind::NotFound => is_done = false,
            result => result?,
        }
    }
    Ok(is_done)
}

impl Generation {
    pub(super) fn new(name: Name) -> Self {
        Self { name, removed: HashMap::new(), removals: 0 }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.name.epoch
    }

    pub(super) fn removals(&self) -> u64 {
        self.removals
    }

    /// Whether a call was removed since so many removals, as far as is known.
    pub(super) fn is_removed_since(&self, key: &Key, removals: u64) -> bool {
        self.removed.get(key).is_some_and(|&at| at >= removals)
    }

    /// The calls removed since, as far as is known.
    pub(super) fn removed_since(&self, removals: u64) -> Vec<Key> {
        let since = |(key, at): (&Key, &u64)| (*at >= removals).then_some(*key);
        self.removed.iter().filter_map(since).collect()
    }

    /// Reads what was added to the list of the generation, whose directory this is by the name; whether
    /// it is one. Of what is none nothing is known, nor of what could not be read: it is not to be
    /// used.
    pub(super) fn read_removed(&mut self, directory: &Directory) -> io::Result<bool> {
        let file = match directory.file(REMOVED) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) if is_of_resources(&error) => return Err(error),
            // A link, or what is not to be read.
            Err(_) => return Ok(false),
        };
        let known = self.removals * RECORD as u64;
        let len = file.as_ref().map_or(Ok(0), |file| {
            files::metadata(file)
                .map(|metadata| if metadata.is_file() { metadata.len() } else { 1 })
        })?;
        // A list that shrank, of more than anybody lists, or whose last record is half of one, was not
        // written by us alone.
        if len < known || len > (REMOVALS + MORE) * RECORD as u64 || len % RECORD as u64 != 0 {
            return Ok(false);
        }
        if let Some(mut file) = file.filter(|_| len > known) {
            files::skip(&mut file, known)?;
            let added = files::read(&mut file, len - known)?;
            for key in added.as_chunks::<RECORD>().0 {
                self.removed.insert(*key, self.removals);
                self.removals += 1;
            }
        }
        // Each was listed before the directory was renamed for it. Where the machine lost its power
        // in between, the name may have stayed and the list not.
        Ok(self.removals >= self.name.renamed)
    }
}
