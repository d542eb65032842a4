//! What is asked of the file system, one function a request, so that tests can have any of them
//! fail.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;

#[cfg(test)]
pub(super) mod faults;

/// Every request begins with this.
#[cfg(not(test))]
#[inline(always)]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use faults::step;

/// Nobody else's: what is cached may be anybody's secret.
#[cfg(unix)]
fn privately(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn privately(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn private_directories() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_directories() -> DirBuilder {
    DirBuilder::new()
}

/// Opens what should be a file of ours, without waiting for whatever else it may be, and without
/// following a link to somewhere else.
pub(super) fn open(path: &Path) -> io::Result<File> {
    step()?;
    itself(OpenOptions::new().read(true)).open(path)
}

#[cfg(unix)]
fn itself(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
}

#[cfg(not(unix))]
fn itself(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    step()?;
    privately(OpenOptions::new().write(true).create_new(true)).open(path)
}

pub(super) fn append(path: &Path) -> io::Result<File> {
    step()?;
    itself(privately(OpenOptions::new().append(true).create(true))).open(path)
}

pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    step()?;
    itself(privately(OpenOptions::new().write(true).create(true).truncate(false))).open(path)
}

pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    step()?;
    #[cfg(test)]
    if let Err(error) = step() {
        // A short write, as of a disk that filled up in the middle of it.
        file.write_all(&bytes[..bytes.len() / 2])?;
        return Err(error);
    }
    file.write_all(bytes)
}

pub(super) fn position(file: &mut File) -> io::Result<u64> {
    step()?;
    file.stream_position()
}

/// Fills the buffer.
pub(super) fn read_exact(file: &mut File, buffer: &mut [u8]) -> io::Result<()> {
    step()?;
    file.read_exact(buffer)
}

/// Reads so many bytes, or as many as there are.
pub(super) fn read(file: &mut File, len: u64) -> io::Result<Vec<u8>> {
    step()?;
    // The length is what the file system says the file has, not what the file says.
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn metadata(file: &File) -> io::Result<fs::Metadata> {
    step()?;
    file.metadata()
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename(from, to)
}

pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    match fs::hard_link(from, to) {
        // A file system without links, which has several ways to say so.
        Err(error) if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {
            // As exclusive, but not made at once: who reads half of it takes it for damaged.
            create_new(to)?.write_all(&fs::read(from)?)
        }
        result => result,
    }
}

/// Puts a file in the place of whatever is there.
pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    match rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound && to.is_dir() => {
            discard(to)?;
            rename(from, to)
        }
        result => result,
    }
}

/// Whether there was something to remove.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    step()?;
    found(fs::remove_file(path))
}

/// Removes whatever is there.
pub(super) fn discard(path: &Path) -> io::Result<bool> {
    step()?;
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => found(fs::remove_dir_all(path)),
        Ok(_) => found(fs::remove_file(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn found(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes one directory; there is no harm in its being there.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    step()?;
    match private_directories().create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

pub(super) fn make_directories(path: &Path) -> io::Result<()> {
    step()?;
    private_directories().recursive(true).create(path)
}

/// The names in a directory; none, if it is not there.
pub(super) fn names(path: &Path) -> io::Result<Vec<String>> {
    step()?;
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is not even a text is no name of ours.
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}
