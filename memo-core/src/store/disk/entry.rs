//! The file of a call.

use std::fs::{File, FileTimes, Metadata};
use std::io::{self, ErrorKind};
use std::time::{Duration, SystemTime};

use super::directory::Directory;
use super::tags::TAGS;
use super::{files, generation, is_of_resources, Placing};
use crate::store::header::{self, Header, HEADER};
use crate::store::time::Now;
use crate::store::{Found, FunctionId, Key};

/// When a file was last used is noted once in that time.
const NOTED: Duration = Duration::from_secs(600);
/// The same of a stamp, which is not to be given up before the results that it is of.
pub(super) const STAMP_NOTED: Duration = Duration::from_secs(1);

/// Files up to this many bytes are read and written in one piece, so that it is one request.
const ONE_PIECE: u64 = 64 * 1024;

/// The file of a call, read as far as its value.
pub(super) struct Entry {
    file: File,
    metadata: Metadata,
    head: [u8; HEADER],
    /// The value, if it was read with the head.
    value: Option<Vec<u8>>,
    pub(super) header: Header,
    age: Duration,
}

impl Header {
    /// How long it has been served, if that is not too long.
    pub(super) fn age(&self, now: &Now) -> Option<Duration> {
        let age = now.since(self.stamp);
        (self.life == 0 || age < Duration::from_millis(self.life)).then_some(age)
    }
}

impl Entry {
    /// The file of a call, if it says so and has not expired; nothing is checked of its value yet.
    pub(super) fn open(
        generation: &Directory,
        function: &FunctionId<'_>,
        key: &Key,
        epoch: u64,
        largest: u64,
    ) -> io::Result<Option<Self>> {
        let mut file = match generation.file(&generation::file_of(key)) {
            Ok(file) => file,
            Err(error) if is_of_resources(&error) => return Err(error),
            // None; or what is not a file, or a link, or not to be read: not what should be there.
            Err(_) => return Ok(None),
        };
        let metadata = files::metadata(&file)?;
        let len = metadata.len().checked_sub(HEADER as u64);
        let Some(len) = len.filter(|&len| metadata.is_file() && len <= largest) else {
            return Ok(None);
        };
        let (head, value) = if metadata.len() <= ONE_PIECE {
            let mut bytes = files::read(&mut file, metadata.len())?;
            let Some(head) = bytes.first_chunk().copied() else { return Ok(None) };
            bytes.drain(..HEADER);
            (head, Some(bytes))
        } else {
            let mut head = [0; HEADER];
            match files::read_exact(&mut file, &mut head) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
                result => result?,
            }
            (head, None)
        };
        // What the file says of itself is asked before there is room for it.
        let header = Header::parse(&head).filter(|(header, _)| {
            header.len == len
                && header.fingerprint == function.fingerprint
                && header.key == *key
                && header.ticket.epoch == epoch
        });
        Ok(header.and_then(|(header, _)| {
            let age = header.age(&Now::read())?;
            Some(Self { file, metadata, head, value, header, age })
        }))
    }

    /// The value, if the file is whole.
    pub(super) fn read(mut self) -> io::Result<Option<Found>> {
        let value = match self.value.take() {
            Some(value) => value,
            None => files::read(&mut self.file, self.header.len)?,
        };
        if header::of_whole(&self.head, &value).is_none() {
            return Ok(None);
        }
        self.note_use();
        Ok(Some(Found::new(value, self.age)))
    }

    /// Notes when the file was last used, for the sweeper: now and then, as it is a write.
    fn note_use(&self) {
        let idle = self.metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
        let is_stamp = self.header.fingerprint == TAGS.fingerprint;
        if idle.is_none_or(|idle| idle >= if is_stamp { STAMP_NOTED } else { NOTED }) {
            let _ = self.file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        }
    }
}

/// Writes a file beside its place, and renames it there.
pub(super) fn write(
    generation: &Directory,
    header: &Header,
    value: &[u8],
    placing: Placing,
) -> io::Result<()> {
    let (unfinished, place) = (generation::unfinished(), generation::file_of(&header.key));
    let written = generation.new_file(&unfinished).and_then(|file| write_to(file, header, value));
    let placed = written.and_then(|()| match placing {
        Placing::Last => generation.replace(&unfinished, &place),
        Placing::First => {
            let linked = generation.link(&unfinished, &place);
            let _ = generation.remove(&unfinished);
            match linked {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            }
        }
    });
    if placed.is_err() {
        // What is left is swept; there is no more to be done about it here.
        let _ = generation.remove(&unfinished);
    }
    placed
}

fn write_to(mut file: File, header: &Header, value: &[u8]) -> io::Result<()> {
    let head = header.bytes(value);
    if value.len() as u64 <= ONE_PIECE {
        return files::write(&mut file, &[head.as_slice(), value].concat());
    }
    files::write(&mut file, &head)?;
    files::write(&mut file, value)
}
