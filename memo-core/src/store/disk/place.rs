//! Where the files are.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::files;
use crate::store::Function;

/// The format of everything below the root: another one is another directory.
const FORMAT: &str = "memo-v1";

/// What backups and the like know a cache by: <https://bford.info/cachedir/>.
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory holds cached results of the Rust crate `memo`. It can be deleted at any time.\n";

/// `$MEMO_CACHE_DIR`, or this program's directory in `memo` in the platform's for caches, or none.
pub(super) fn default_root() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(root) = set("MEMO_CACHE_DIR") {
        return Some(root.into());
    }
    platform_caches(set).map(|caches| caches.join("memo").join(program()))
}

/// What the program is called, without what cargo adds to the name of a test.
// Input: `target/debug/deps/app-0123456789abcdef`
// Output: `app`
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((start, end)) if is_hash(end) && !start.is_empty() => start.to_owned(),
        _ if name.is_empty() => "unnamed".to_owned(),
        _ => name,
    }
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

/// Where the directories of the functions are.
pub(super) fn functions(root: &Path) -> PathBuf {
    root.join(FORMAT)
}

/// A function's directory: its name, as far as a file name can be like it, and its identity.
pub(super) fn of(root: &Path, function: &Function<'_>) -> PathBuf {
    const LONGEST: usize = 40;
    // The end of a path says more than its start.
    let skipped = function.name.chars().count().saturating_sub(LONGEST);
    let mut name: String = function
        .name
        .chars()
        .skip(skipped)
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' })
        .collect();
    name.push('-');
    for byte in function.fingerprint {
        use std::fmt::Write;
        let _ = write!(name, "{byte:02x}");
    }
    functions(root).join(name)
}

/// Makes the root and the place for functions in it.
pub(super) fn prepare(root: &Path) -> io::Result<()> {
    files::make_directories(root)?;
    match files::create_new(&root.join(TAG)) {
        Ok(mut tag) => files::write(&mut tag, TAG_TEXT)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    files::make_directory(&functions(root))
}

/// The file in a function's directory that spells its name in full, for who looks.
const NAME: &str = "name";

pub(super) fn note_name(directory: &Path, function: &Function<'_>) {
    if let Ok(mut file) = files::create_new(&directory.join(NAME)) {
        let _ = files::write(&mut file, function.name.as_bytes());
    }
}

/// The function's name in full, or what its directory is called.
pub(super) fn name_in(directory: &Path) -> String {
    const LONGEST: u64 = 4096;
    let name =
        files::open(&directory.join(NAME)).and_then(|mut file| files::read(&mut file, LONGEST));
    let name = name.ok().and_then(|name| String::from_utf8(name).ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| directory.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
