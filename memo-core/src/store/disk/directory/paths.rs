//! Directories by their paths, where there are no descriptors of them.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{How, Kind, Stat};

#[derive(Debug)]
pub(super) struct Handle(PathBuf);

impl Handle {
    /// Follows links: the path is the user's.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Self::checked(path.to_owned(), &fs::metadata(path)?)
    }

    pub(super) fn open(&self, name: &str) -> io::Result<Self> {
        let path = self.0.join(name);
        let metadata = fs::symlink_metadata(&path)?;
        Self::checked(path, &metadata)
    }

    fn checked(path: PathBuf, metadata: &Metadata) -> io::Result<Self> {
        if metadata.is_dir() {
            Ok(Self(path))
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    /// A user's directory for caches is that user's, where access is not a matter of modes.
    pub(super) fn is_private(&self) -> io::Result<bool> {
        Ok(true)
    }

    pub(super) fn file(&self, name: &str, how: How) -> io::Result<File> {
        let path = self.0.join(name);
        if how != How::New {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(io::Error::other("a link is in the place of a file"));
                }
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::New => options.write(true).create_new(true),
            How::Append => options.append(true).create(true),
            How::Lock => options.write(true).create(true).truncate(false),
        };
        options.open(path)
    }

    pub(super) fn make(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.0.join(from), self.0.join(to))
    }

    pub(super) fn remove(&self, name: &str, kind: Kind) -> io::Result<()> {
        let path = self.0.join(name);
        match kind {
            Kind::Directory => fs::remove_dir(path),
            // A link to a directory is removed as one.
            Kind::Other => fs::remove_file(&path).or_else(|_| fs::remove_dir(path)),
            Kind::File => fs::remove_file(path),
        }
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // What is not even a text is no name of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    /// Of a link itself.
    pub(super) fn stat(&self, name: &str) -> io::Result<Stat> {
        let metadata = fs::symlink_metadata(self.0.join(name))?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Directory,
            _ => Kind::Other,
        };
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Stat { kind, modified, allocated: metadata.len() })
    }
}
