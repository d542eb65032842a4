//! What has gone from memory, and is to be told to the observer outside the lock.

use crate::function::event::{self, EventKind};
use crate::key::DIGEST;
use crate::memory::entry::View;

/// A call whose entry has gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) digest: [u8; DIGEST],
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Evicted,
    Expired,
    Removed,
}

impl From<How> for EventKind {
    fn from(how: How) -> Self {
        match how {
            How::Evicted => Self::Evicted,
            How::Expired => Self::Expired,
            How::Removed => Self::Removed,
        }
    }
}

/// Notes an entry that goes, if there is anybody to tell.
#[inline]
pub(super) fn note(gone: &mut Vec<Gone>, entry: View<'_>, how: How) {
    if event::is_observed() {
        gone.push(Gone { digest: entry.digest_of_key(), how });
    }
}
