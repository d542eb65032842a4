//! A result as it is stored: a header that says whose it is, and the bytes; a checksum over both.
//!
//! Nothing of it is believed before its checksum is: it may be torn, flipped, another's or from
//! another age. All numbers are little-endian.

use super::time::Stamp;
use crate::store::{Key, Ticket};

/// As PNG's: not a text, not cut at 7 bits, no line end translated.
const MAGIC: [u8; 8] = *b"\x89MEMO\r\n\x1a";
const CHECKSUM: usize = 32;
pub(super) const HEADER: usize = 152;
/// What stands where a later version may say more.
const UNUSED: u64 = 0;

/// What a file says before its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fingerprint: [u8; 16],
    pub(super) key: Key,
    /// The moment at which its call was looked up.
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
    /// How long it may be served, in milliseconds; for ever, if 0.
    pub(super) life: u64,
    pub(super) len: u64,
}

impl Header {
    fn fields(&self) -> [u8; HEADER - CHECKSUM] {
        let mut bytes = [0; HEADER - CHECKSUM];
        let mut rest = &mut bytes[..];
        let mut put = |piece: &[u8]| {
            let (start, end) = std::mem::take(&mut rest).split_at_mut(piece.len());
            start.copy_from_slice(piece);
            rest = end;
        };
        put(&MAGIC);
        put(&self.fingerprint);
        put(&self.key);
        for number in [
            self.ticket.epoch,
            self.ticket.removals,
            self.stamp.wall,
            self.stamp.boot,
            self.stamp.uptime,
            self.life,
            self.len,
            UNUSED,
        ] {
            put(&number.to_le_bytes());
        }
        bytes
    }

    /// The header's bytes, for these to follow.
    pub(super) fn bytes(&self, value: &[u8]) -> [u8; HEADER] {
        let fields = self.fields();
        let mut bytes = [0; HEADER];
        bytes[..fields.len()].copy_from_slice(&fields);
        bytes[fields.len()..].copy_from_slice(&checksum(&fields, value));
        bytes
    }

    /// A header as it is written, believed in nothing but its form.
    pub(super) fn parse(head: &[u8; HEADER]) -> Option<(Self, [u8; CHECKSUM])> {
        let (magic, rest) = head.split_first_chunk::<8>()?;
        let (fingerprint, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<64>()?;
        let sum = rest.first_chunk()?;
        let (words, _) = numbers.as_chunks::<8>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        let header = Self {
            fingerprint: *fingerprint,
            key: *key,
            ticket: Ticket::new(word(0), word(1)),
            stamp: Stamp { wall: word(2), boot: word(3), uptime: word(4) },
            life: word(5),
            len: word(6),
        };
        // The checksum is told by the fields, so what is in none of them has to be as it is written.
        (*magic == MAGIC && word(7) == UNUSED).then_some((header, *sum))
    }
}

fn checksum(fields: &[u8], value: &[u8]) -> [u8; CHECKSUM] {
    checksum_of(fields, &blake3::hash(value))
}

fn checksum_of(fields: &[u8], value: &blake3::Hash) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(fields);
    // Behind so short a start no chunk of the value would be whole: apart it is hashed at full rate.
    hasher.update(value.as_bytes());
    hasher.finalize().into()
}

/// What the head of a file says, if the file is whole.
pub(super) fn of_whole(head: &[u8; HEADER], value: &[u8]) -> Option<Header> {
    let (header, sum) = Header::parse(head)?;
    let is_whole = value.len() as u64 == header.len && checksum(&header.fields(), value) == sum;
    is_whole.then_some(header)
}

/// The same of a value that comes in pieces.
#[cfg(feature = "disk")]
pub(super) struct Checked {
    header: Header,
    sum: [u8; CHECKSUM],
    value: blake3::Hasher,
}

#[cfg(feature = "disk")]
impl Checked {
    pub(super) fn new(head: &[u8; HEADER]) -> Option<Self> {
        let (header, sum) = Header::parse(head)?;
        Some(Self { header, sum, value: blake3::Hasher::new() })
    }

    /// How many bytes the value is to have.
    pub(super) fn len(&self) -> u64 {
        self.header.len
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.value.update(piece);
    }

    pub(super) fn finish(self) -> Option<Header> {
        let is_whole = self.value.count() == self.header.len
            && checksum_of(&self.header.fields(), &self.value.finalize()) == self.sum;
        is_whole.then_some(self.header)
    }
}
