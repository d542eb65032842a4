//! A file as an argument.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A file as it was when it was looked at: its path, its length, and when it was modified.
///
/// A function of a file's contents depends on what no argument shows. With this for its argument it
/// runs again once the file has changed, and what it made of the file before is given up like any
/// other result.
///
/// What changes the contents and neither the length nor the time goes unseen: a tool that sets the
/// time back, or two writes of the same length within one tick of the file system's clock.
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
    /// Looks at the file of this path, which is made absolute.
    ///
    /// # Errors
    /// There is none, or it cannot be looked at, or the platform does not say when it was modified.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path::absolute(path)?;
        let metadata = fs::metadata(&path)?;
        Ok(Self { len: metadata.len(), modified: metadata.modified()?, path })
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When it was modified.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        self.modified
    }
}

/// So that it is opened as its path is.
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
