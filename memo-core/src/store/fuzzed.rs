//! What the fuzz targets drive: the header of a stored result.

use super::header::{self, Header, HEADER};
use super::time::Stamp;
use super::{Key, Ticket};

/// What a header says.
#[allow(missing_docs, reason = "they are named as the header's own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub fingerprint: [u8; 16],
    pub key: Key,
    pub epoch: u64,
    pub removals: u64,
    pub wall: u64,
    pub boot: u64,
    pub uptime: u64,
    pub life: u64,
    pub len: u64,
}

impl From<Header> for Head {
    fn from(header: Header) -> Self {
        let Header { fingerprint, key, ticket, stamp, life, len } = header;
        let (Ticket { epoch, removals }, Stamp { wall, boot, uptime }) = (ticket, stamp);
        Self { fingerprint, key, epoch, removals, wall, boot, uptime, life, len }
    }
}

impl From<Head> for Header {
    fn from(head: Head) -> Self {
        let Head { fingerprint, key, epoch, removals, wall, boot, uptime, life, len } = head;
        let (ticket, stamp) = (Ticket::new(epoch, removals), Stamp { wall, boot, uptime });
        Self { fingerprint, key, ticket, stamp, life, len }
    }
}

/// A file with this header, whose checksum is right, whatever the header says.
pub fn seal(head: Head, value: &[u8]) -> Vec<u8> {
    [Header::from(head).bytes(value).as_slice(), value].concat()
}

/// What the head of a file says, unchecked.
pub fn parse_head(file: &[u8]) -> Option<Head> {
    let (header, _) = Header::parse(file.first_chunk::<HEADER>()?)?;
    Some(header.into())
}

/// What a whole file says, and its value.
pub fn whole_file(file: &[u8]) -> Option<(Head, &[u8])> {
    let (head, value) = file.split_first_chunk::<HEADER>()?;
    Some((header::of_whole(head, value)?.into(), value))
}

/// The same of a value that comes in pieces of this size.
#[cfg(feature = "disk")]
pub fn whole_file_in_pieces(file: &[u8], size: usize) -> Option<Head> {
    let (head, value) = file.split_first_chunk::<HEADER>()?;
    let mut checked = header::Checked::new(head)?;
    value.chunks(size.max(1)).for_each(|piece| checked.update(piece));
    checked.finish().map(Head::from)
}
