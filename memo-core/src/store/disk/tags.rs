//! Tags: their stamps are results of a function of the store's own, and to clear a tag is to remove
//! its call. So they are kept, swept, listed and told as those are.

use std::io::{self, ErrorKind};

use super::{busy, DiskStore, ATTEMPTS};
use crate::store::{random, Failure, FunctionId, Stamp, Store, Tag};

/// The function whose results the stamps are. No other has its fingerprint, as that is a digest.
pub(super) const TAGS: FunctionId<'static> = FunctionId::new("memo tags", *b"memo-tags-------");

impl DiskStore {
    /// Whether any tag ever had a stamp, as far as the directory tells.
    pub(super) fn has_stamps(&self) -> io::Result<bool> {
        let place = self.place(&TAGS);
        match self.open_functions().and_then(|functions| functions.open(&place.name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            directory => directory.map(|_| true),
        }
    }

    pub(super) fn stamp(&self, tag: &Tag) -> Result<Stamp, Failure> {
        // Looked at again after it is put: of several who give it one the last counts.
        for _ in 0..ATTEMPTS {
            let lookup = self.get(&TAGS, tag)?;
            let stamp = lookup.found.and_then(|found| found.value.try_into().ok());
            if let Some(stamp) = stamp {
                return Ok(Stamp::from_le_bytes(stamp));
            }
            // Dropped, if the tag was cleared since: so a stamp never comes back.
            self.put(&TAGS, tag, lookup.ticket, &random().to_le_bytes(), None)?;
        }
        Err(busy().into())
    }
}
