//! What is asked of a file, one function a request, so that tests can have any of them fail.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Every request begins with this.
#[cfg(not(test))]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use super::faults::step;

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

/// Goes on from so many bytes after the start.
pub(super) fn skip(file: &mut File, bytes: u64) -> io::Result<()> {
    step()?;
    file.seek(SeekFrom::Start(bytes)).map(drop)
}

/// Fills the buffer.
pub(super) fn read_exact(file: &mut File, buffer: &mut [u8]) -> io::Result<()> {
    step()?;
    file.read_exact(buffer)
}

/// Reads so many bytes, or as many as there are.
pub(super) fn read(file: &mut File, len: u64) -> io::Result<Vec<u8>> {
    step()?;
    let mut bytes = Vec::new();
    let room = usize::try_from(len).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(room).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn metadata(file: &File) -> io::Result<Metadata> {
    step()?;
    file.metadata()
}

/// The lock of a file, until it is dropped. On its own it would last for as long as anybody has the file
/// open, as a child of `fork` has.
pub(super) struct Locked<'f>(&'f File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

pub(super) fn lock(file: &File) -> io::Result<Locked<'_>> {
    step()?;
    file.lock().map(|()| Locked(file))
}

/// The lock, if nobody else has it.
pub(super) fn try_lock(file: &File) -> io::Result<Option<Locked<'_>>> {
    step()?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
