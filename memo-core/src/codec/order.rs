//! Encodings that differ in the order of map entries alone.
//!
//! serde does not say of a flattened `HashMap` that it is one, so its entries are encoded in the
//! order in which they lie, and a copy's may lie in another. The codecs keep the order of entries;
//! where a copy has another one, its type has none.

use super::tagged::{width, Reader};
use super::unreadable::Unreadable as Error;
use crate::key::tag;

/// Whether the encodings are the same but for the order of entries.
pub(super) fn is_same_unordered(a: &[u8], b: &[u8]) -> bool {
    match (sorted(a), sorted(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn sorted(encoding: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(encoding.len());
    piece(&mut Reader::new(encoding), &mut out)?;
    Ok(out)
}

/// Copies one piece of an encoding, the entries of its maps sorted.
fn piece<'e>(from: &mut Reader<'e>, out: &mut Vec<u8>) -> Result<(), Error> {
    let tag = from.copy(1, out)?[0];
    match tag {
        tag::UNIT | tag::FALSE | tag::TRUE | tag::NONE => {}
        tag::SOME => piece(from, out)?,
        tag::UNSAID => {
            from.copy(8, out)?;
            piece(from, out)?;
        }
        tag::STR | tag::BYTES | tag::UNIT_STRUCT => from.copy_text(out)?,
        tag::NEWTYPE => {
            from.copy_text(out)?;
            piece(from, out)?;
        }
        tag::VARIANT => {
            from.copy_text(out)?;
            from.copy(4, out)?;
            from.copy_text(out)?;
            payload(from, out)?;
        }
        tag::SEQ | tag::TUPLE => until_end(from, out)?,
        tag::TUPLE_STRUCT | tag::STRUCT => {
            from.copy_text(out)?;
            until_end(from, out)?;
        }
        tag::MAP => {
            let mut entries = Vec::new();
            while !from.skip(tag::END) {
                let mut entry = Vec::new();
                // A field of a struct that flattens another value is an entry like those.
                piece(from, &mut entry)?;
                piece(from, &mut entry)?;
                entries.push(entry);
            }
            entries.sort_unstable();
            out.extend(entries.concat());
            out.push(tag::END);
        }
        tag::SET | tag::BAG => {
            let count = from.copy_len(out)?;
            let parts = if tag == tag::BAG { 2 } else { 1 };
            let mut entries = Vec::new();
            for _ in 0..count {
                let mut entry = Vec::new();
                for _ in 0..parts {
                    piece(from, &mut entry)?;
                }
                entries.push(entry);
            }
            entries.sort_unstable();
            out.extend(entries.concat());
        }
        tag::NUMBERS => {
            let width = width(from.copy(1, out)?[0])?;
            let count = from.copy_len(out)?;
            from.copy(count.saturating_mul(width), out)?;
        }
        number => {
            from.copy(width(number)?, out)?;
        }
    }
    Ok(())
}

/// What a variant has beside its name.
fn payload<'e>(from: &mut Reader<'e>, out: &mut Vec<u8>) -> Result<(), Error> {
    match from.copy(1, out)?[0] {
        tag::UNIT => Ok(()),
        tag::NEWTYPE => piece(from, out),
        _ => until_end(from, out),
    }
}

fn until_end<'e>(from: &mut Reader<'e>, out: &mut Vec<u8>) -> Result<(), Error> {
    while from.peek() != Some(tag::END) {
        if from.peek() == Some(tag::FIELD) {
            from.copy(1, out)?;
            from.copy_text(out)?;
        }
        piece(from, out)?;
    }
    from.copy(1, out)?;
    Ok(())
}

impl<'e> Reader<'e> {
    fn copy(&mut self, len: usize, out: &mut Vec<u8>) -> Result<&'e [u8], Error> {
        let taken = self.take(len)?;
        out.extend_from_slice(taken);
        Ok(taken)
    }

    fn copy_len(&mut self, out: &mut Vec<u8>) -> Result<usize, Error> {
        let before = self.rest;
        let len = self.len()?;
        out.extend_from_slice(&before[..before.len() - self.rest.len()]);
        Ok(len)
    }

    fn copy_text(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let len = self.copy_len(out)?;
        self.copy(len, out).map(drop)
    }
}
