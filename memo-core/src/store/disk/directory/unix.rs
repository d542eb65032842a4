//! Directories by their descriptors.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::process::{geteuid, Uid};

use super::{How, Kind, Stat};

#[derive(Debug)]
pub(super) struct Handle {
    descriptor: OwnedFd,
    /// Whose it has to be.
    user: Uid,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Not to somewhere else, and without waiting for whatever else it may be.
const ITSELF: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Handle {
    /// Follows links: the path is the user's.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let descriptor = retry_on_intr(|| fs::open(path, DIRECTORY, Mode::empty()))?;
        Ok(Self { descriptor, user: geteuid() })
    }

    pub(super) fn open(&self, name: &str) -> io::Result<Self> {
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        let descriptor =
            retry_on_intr(|| fs::openat(&self.descriptor, name, flags, Mode::empty()))?;
        Ok(Self { descriptor, user: self.user })
    }

    /// Whether it is this user's, and nobody else can write it.
    pub(super) fn is_private(&self) -> io::Result<bool> {
        let stat = fs::fstat(&self.descriptor)?;
        let others = Mode::WGRP | Mode::WOTH;
        let mode = Mode::from_raw_mode(stat.st_mode);
        Ok(stat.st_uid == self.user.as_raw() && !mode.intersects(others))
    }

    pub(super) fn file(&self, name: &str, how: How) -> io::Result<File> {
        let flags = match how {
            How::Read => OFlags::RDONLY,
            How::New => OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
            How::Append => OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND,
            How::Lock => OFlags::WRONLY | OFlags::CREATE,
        };
        // Nobody else's: what is cached may be anybody's secret.
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(retry_on_intr(|| fs::openat(&self.descriptor, name, flags | ITSELF, mode))?.into())
    }

    pub(super) fn make(&self, name: &str) -> io::Result<()> {
        Ok(fs::mkdirat(&self.descriptor, name, Mode::RWXU)?)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    pub(super) fn link(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::linkat(&self.descriptor, from, &self.descriptor, to, AtFlags::empty())?)
    }

    pub(super) fn remove(&self, name: &str, kind: Kind) -> io::Result<()> {
        let flags = if kind == Kind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(fs::unlinkat(&self.descriptor, name, flags)?)
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            // What is not even a text is no name of ours.
            if let Ok(name) = entry?.file_name().to_str() {
                if name != "." && name != ".." {
                    names.push(name.to_owned());
                }
            }
        }
        Ok(names)
    }

    /// Of a link itself.
    // The fields' types are the platform's.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, clippy::cast_lossless)]
    pub(super) fn stat(&self, name: &str) -> io::Result<Stat> {
        let stat = fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let seconds = Duration::from_secs((stat.st_mtime as i64).try_into().unwrap_or(0));
        let nanos = Duration::from_nanos((stat.st_mtime_nsec as i64).try_into().unwrap_or(0));
        Ok(Stat {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Directory,
                _ => Kind::Other,
            },
            modified: SystemTime::UNIX_EPOCH + seconds + nanos,
            allocated: stat.st_blocks as u64 * 512,
        })
    }
}
