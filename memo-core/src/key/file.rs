//! A file as an argument.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A file as an argument: its path, its length, and when it was modified.
///
/// A function that reads a file depends on more than the file's path. With a `File` as its
/// argument, it runs again once the file has changed; results for earlier contents stay until they
/// are evicted, expire or are cleared, like any other result.
///
/// A change of the contents that changes neither the length nor the time of modification goes
/// unnoticed: by a tool that sets the time back, or by two writes of the same length within one
/// tick of the file system's clock.
///
/// # Examples
///
/// ```
/// use memo::{memo, File};
///
/// #[memo]
/// fn count_lines(file: File) -> Result<usize, String> {
///     let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
///     Ok(text.lines().count())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("memo-file-{}", std::process::id()));
/// std::fs::write(&path, "one\ntwo\n")?;
/// assert_eq!(count_lines(File::new(&path)?)?, 2);
/// std::fs::write(&path, "one\ntwo\nthree\n")?;
/// assert_eq!(count_lines(File::new(&path)?)?, 3);
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct File {
    path: PathBuf,
    len: u64,
    modified: SystemTime,
}

impl File {
    /// Reads the metadata of the file at a path. A relative path is made absolute.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such file, if its metadata cannot be read, or if the
    /// platform has no times of modification.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path::absolute(path)?;
        let metadata = fs::metadata(&path)?;
        Ok(Self { len: metadata.len(), modified: metadata.modified()?, path })
    }

    /// Returns the absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the time of the last modification.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        self.modified
    }
}

/// Lets a `File` be opened as its path is.
impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (is_before, from_epoch) = match self.modified.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (false, after),
            Err(before) => (true, before.duration()),
        };
        let mut file = serializer.serialize_struct("File", 4)?;
        file.serialize_field("path", &Name(self.path.as_os_str()))?;
        file.serialize_field("len", &self.len)?;
        file.serialize_field("is_before_epoch", &is_before)?;
        file.serialize_field("modified", &from_epoch)?;
        file.end()
    }
}

/// A path that need not be Unicode, which serde's own would have to be.
struct Name<'a>(&'a OsStr);

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_encoded_bytes())
    }
}
