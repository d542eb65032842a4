//! Where the files are.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::files;
use crate::store::{hex, program, FunctionId};

/// The format of everything below the root: another one is another directory.
pub(super) const FORMAT: &str = "memo-v1";

/// What backups and the like know a cache by: <https://bford.info/cachedir/>.
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory holds cached results of the Rust crate `memo`. It can be deleted at any time.\n";

/// What is not to be checked in with a project in whose directory it is.
const IGNORE: &str = ".gitignore";

/// `$MEMO_CACHE_DIR`, or this program's directory in `memo` in the platform's for caches, or none.
pub(super) fn default_root() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(root) = set("MEMO_CACHE_DIR") {
        return Some(root.into());
    }
    platform_caches(set).map(|caches| caches.join("memo").join(program()))
}

#[cfg(windows)]
fn platform_caches(set: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    set("LOCALAPPDATA").map(PathBuf::from)
}

#[cfg(target_vendor = "apple")]
fn platform_caches(set: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    set("HOME").map(|home| PathBuf::from(home).join("Library/Caches"))
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn platform_caches(set: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The specification says that a relative path is to be ignored.
    let xdg = set("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    xdg.or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))
}

/// What a function's directory is called: its name, as far as a file name can be like it, and its
/// identity.
pub(super) fn of(function: &FunctionId<'_>) -> String {
    const LONGEST: usize = 40;
    // The end of a path says more than its start.
    let skipped = function.name.chars().count().saturating_sub(LONGEST);
    let name = function.name.chars().skip(skipped);
    let as_file = |letter: char| if is_plain(letter) { letter } else { '-' };
    format!("{}-{}", name.map(as_file).collect::<String>(), hex(&function.fingerprint))
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Whether two functions' directories are called alike but for the identity.
pub(super) fn is_of_same_name(called: &str, other: &str) -> bool {
    let name = |called: &str| called.rsplit_once('-').map(|(name, _)| name.to_owned());
    name(called) == name(other)
}

/// Whether a function's directory may be called so.
pub(super) fn is_of_a_function(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(name, identity)| {
        name.chars().all(|letter| is_plain(letter) || letter == '-')
            && identity.len() == 32
            && identity.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Where the directories of the functions are.
pub(super) fn functions(root: &Path) -> io::Result<Directory> {
    Directory::at(root)?.open(FORMAT)
}

/// The same, made if it is not there.
pub(super) fn make_functions(root: &Path) -> io::Result<Directory> {
    let root = Directory::make_at(root)?;
    root.note(TAG, TAG_TEXT)?;
    root.note(IGNORE, b"*\n")?;
    root.make(FORMAT)?;
    root.open(FORMAT)
}

/// The directories of all functions that there are, opened as they are asked for. Not those that
/// cannot be: they are not used either.
pub(super) fn all(
    functions: &Directory,
) -> io::Result<impl Iterator<Item = (String, Directory)> + '_> {
    let names = functions.names()?.into_iter().filter(|name| is_of_a_function(name));
    Ok(names.filter_map(|name| {
        let directory = functions.open(&name).ok()?;
        Some((name, directory))
    }))
}

/// The file in a function's directory that spells its name in full, for who looks.
const NAME: &str = "name";

/// Makes a function's directory.
pub(super) fn make(functions: &Directory, name: &str, function: &FunctionId<'_>) -> io::Result<()> {
    functions.make(name)?;
    // Only for who looks.
    let _ = functions.open(name)?.note(NAME, function.name.as_bytes());
    Ok(())
}

/// The function's name in full, or what its directory is called.
pub(super) fn name_in(directory: &Directory, called: &str) -> String {
    const LONGEST: u64 = 4096;
    let name = directory.file(NAME).and_then(|mut file| files::read(&mut file, LONGEST));
    let name = name.ok().and_then(|name| String::from_utf8(name).ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| called.to_owned())
}
