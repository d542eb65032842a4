//! Tags: their stamps are results of a function of the store's own, and to clear a tag is to remove
//! its call. So they are kept, swept, listed and told as those are.

use std::io::{self, ErrorKind};
use std::thread;

use super::{busy, DiskStore, Placing, ATTEMPTS};
use crate::store::{random, Failure, FunctionId, Stamp, Store, Tag};

/// The function whose results the stamps are. No other has its fingerprint, as that is a digest.
pub(super) const TAGS: FunctionId<'static> = FunctionId::new("memo tags", *b"memo-tags-------");

/// How often a stamp is looked for while others clear the tag.
const STAMP_ATTEMPTS: usize = 64;

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
        for attempt in 0..STAMP_ATTEMPTS {
            let lookup = self.get(&TAGS, tag)?;
            let stamp = lookup.found.and_then(|found| found.value.try_into().ok());
            if let Some(stamp) = stamp {
                return Ok(Stamp::from_le_bytes(stamp));
            }
            // Of several who give it one at once the first counts, so that a stamp lasts; unless what is there
            // is void or damaged, and nobody has tidied it up.
            let placing = if attempt < ATTEMPTS { Placing::First } else { Placing::Last };
            // Dropped, if the tag was cleared since: so a stamp never comes back.
            self.put_in(&TAGS, tag, lookup.ticket, &random().to_le_bytes(), None, placing)?;
            if attempt >= ATTEMPTS {
                thread::yield_now();
            }
        }
        Err(busy().into())
    }
}
