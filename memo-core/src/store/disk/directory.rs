//! Directories, and what is in them by name.
//!
//! A directory is opened once, and then asked for single names: no path is looked up again, and no
//! link followed, so that nothing is read, written or deleted outside. One that others can write is
//! not opened at all. One function a request, so that tests can have any of them fail.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod paths;

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

#[cfg(not(unix))]
use paths::Handle;
#[cfg(unix)]
use unix::Handle;

use super::files::{self, step};

#[derive(Debug)]
pub(super) struct Directory(Handle);

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Read,
    New,
    Append,
    Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A link, or what else there is.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) modified: SystemTime,
    /// The bytes that it takes of the disk.
    pub(super) allocated: u64,
}

impl Directory {
    /// The one that a path of the user's names.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        step()?;
        Handle::at(path).and_then(|handle| private(handle, || path.display().to_string()))
    }

    /// The same, made if it is not there.
    pub(super) fn make_at(path: &Path) -> io::Result<Self> {
        match Self::at(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                step()?;
                privately().recursive(true).create(path)?;
                Self::at(path)
            }
            result => result,
        }
    }

    pub(super) fn open(&self, name: &str) -> io::Result<Self> {
        step()?;
        self.0.open(name).and_then(|handle| private(handle, || name.to_owned()))
    }

    /// One that was seen to be private when it was looked at last: while those around it are, nobody
    /// else can have changed that.
    pub(super) fn open_again(&self, name: &str) -> io::Result<Self> {
        step()?;
        self.0.open(name).map(Self)
    }

    /// Makes a directory in it; there is no harm in its being there.
    pub(super) fn make(&self, name: &str) -> io::Result<()> {
        step()?;
        match self.0.make(name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        step()?;
        self.0.file(name, How::Read)
    }

    pub(super) fn new_file(&self, name: &str) -> io::Result<File> {
        step()?;
        self.0.file(name, How::New)
    }

    pub(super) fn appended_file(&self, name: &str) -> io::Result<File> {
        step()?;
        self.0.file(name, How::Append)
    }

    pub(super) fn lock_file(&self, name: &str) -> io::Result<File> {
        step()?;
        self.0.file(name, How::Lock)
    }

    /// Writes a file that is only there for who looks, if there is none of that name.
    pub(super) fn note(&self, name: &str, text: &[u8]) -> io::Result<()> {
        match self.new_file(name) {
            Ok(mut file) => files::write(&mut file, text),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        step()?;
        self.0.rename(from, to)
    }

    /// Puts a file in the place of whatever is there.
    pub(super) fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        match self.rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound && self.is_directory(to) => {
                self.discard(to)?;
                self.rename(from, to)
            }
            result => result,
        }
    }

    pub(super) fn link(&self, from: &str, to: &str) -> io::Result<()> {
        step()?;
        match self.0.link(from, to) {
            // A file system without links, which has several ways to say so.
            Err(error)
                if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) =>
            {
                const LONGEST: u64 = 4096;
                let text = files::read(&mut self.file(from)?, LONGEST)?;
                // As exclusive, but not made at once: who reads half of it takes it for damaged.
                files::write(&mut self.new_file(to)?, &text)
            }
            result => result,
        }
    }

    /// Whether there was a file to remove.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        step()?;
        found(self.0.remove(name, Kind::File))
    }

    /// Removes whatever is there; whether there was something.
    pub(super) fn discard(&self, name: &str) -> io::Result<bool> {
        step()?;
        found(discard(&self.0, name, 0))
    }

    /// The names in it.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        step()?;
        self.0.names()
    }

    pub(super) fn stat(&self, name: &str) -> io::Result<Stat> {
        step()?;
        self.0.stat(name)
    }

    fn is_directory(&self, name: &str) -> bool {
        self.0.stat(name).is_ok_and(|stat| stat.kind == Kind::Directory)
    }
}

/// Only its owner's.
fn private(handle: Handle, name: impl FnOnce() -> String) -> io::Result<Directory> {
    if handle.is_private()? {
        return Ok(Directory(handle));
    }
    let why = format!(
        "the directory `{}` is another user's, or others can write it, and so forge results: \
         `chown` it, or `chmod go-w`",
        name()
    );
    Err(io::Error::new(ErrorKind::PermissionDenied, why))
}

#[cfg(unix)]
fn privately() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn privately() -> DirBuilder {
    DirBuilder::new()
}

fn discard(directory: &Handle, name: &str, depth: u32) -> io::Result<()> {
    /// We make none within one.
    const DEEPEST: u32 = 64;
    let kind = directory.stat(name)?.kind;
    if kind == Kind::Directory && depth < DEEPEST {
        let inner = directory.open(name)?;
        for name in inner.names()? {
            // Another may be at it.
            found(discard(&inner, &name, depth + 1))?;
        }
    }
    directory.remove(name, kind)
}

fn found(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
