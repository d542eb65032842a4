//! What an entry is tagged with, behind all else that it has: how many tags there are, and the hash of
//! each.

use std::mem::size_of;

use super::{Builder, View, TAGGED};
use crate::key::tags::TagHash;
use crate::platform::sync::atomic::Ordering;

const WORD: usize = size_of::<u64>();

impl Builder {
    /// Writes its tags behind what there is; whether there are any.
    pub(super) fn push_tags(&mut self) -> bool {
        let Some(tags) = self.tags().filter(|tags| !tags.all().is_empty()).cloned() else {
            return false;
        };
        self.push(&(tags.all().len() as u64).to_ne_bytes());
        tags.hashes().for_each(|hash| self.push(&hash.to_ne_bytes()));
        true
    }
}

impl<'a> View<'a> {
    fn is_tagged(self) -> bool {
        // Relaxed: it is set before the entry is shared.
        self.entry.state.load(Ordering::Relaxed) & TAGGED != 0
    }

    /// How many tags it has.
    fn tag_count(self) -> usize {
        if !self.is_tagged() {
            return 0;
        }
        // SAFETY: the flag says that `push_tags` wrote their number there.
        unsafe { self.word_at(self.entry.end_of_hash()) as usize }
    }

    /// What it is tagged with.
    pub(crate) fn tags(self) -> impl ExactSizeIterator<Item = TagHash> + use<'a> {
        let start = self.entry.end_of_hash() + WORD;
        // SAFETY: `push_tags` wrote so many of them behind their number.
        (0..self.tag_count()).map(move |at| unsafe { self.word_at(start + at * WORD) })
    }

    /// Where it ends.
    pub(super) fn end_of_entry(self) -> usize {
        let tags = if self.is_tagged() { WORD * (1 + self.tag_count()) } else { 0 };
        self.entry.end_of_hash() + tags
    }
}

#[cfg(test)]
mod tests {
    use super::super::SAMPLED;
    use super::*;
    use crate::clock::Tick;
    use crate::key::tags::{tagged, TagList};
    use crate::key::{Args, Hashes};

    #[test]
    fn tags_are_behind_whatever_else_an_entry_has() {
        let tags = tagged((), || TagList::new().and(&["a", "b", "c"])).tags().unwrap();
        let hashes: Vec<_> = tags.iter().flat_map(|tags| tags.hashes()).collect();
        for len in (0..20).chain(SAMPLED - 2..SAMPLED + 18) {
            for expiry in [None, Some(Tick::from_nanos(9))] {
                for tags in [None, tags.clone()] {
                    let count = tags.as_ref().map_or(0, |tags| tags.all().len());
                    let hash = Hashes { quick: 1, thorough: 2 };
                    let mut builder = Builder::new(&vec![7; len], false, hash, 0);
                    builder.set_tags(tags);
                    builder.push(b"value");
                    let entry = builder.finish(3, expiry);
                    let view = entry.view();
                    assert_eq!((view.value(), view.expiry()), (&b"value"[..], expiry));
                    assert_eq!(view.hashes().thorough == 2, len >= SAMPLED);
                    assert_eq!(view.tags().collect::<Vec<_>>(), hashes[..count]);
                    assert!(view.entry.is_to_be_refreshed() && !view.entry.is_to_be_refreshed());
                    assert_eq!(view.tags().len(), count);
                }
            }
        }
    }
}
