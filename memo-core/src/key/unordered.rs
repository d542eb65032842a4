//! Maps and sets without an order: two that hold the same make the same key.

use std::any::type_name;
use std::cell::Cell;
use std::ops::Range;

use super::sink::{Sink, Stop, Unordered};

/// Whether serde collects from a hash table of std or hashbrown: serde does not say, but hands
/// over the collection itself (or its iterator), and its type's name does.
#[inline(always)]
pub(super) fn is_unordered<I>() -> bool {
    let name = type_name::<I>();
    let name = name.strip_prefix('&').unwrap_or(name);
    name.starts_with("std::collections::hash::") || name.starts_with("hashbrown::")
}

thread_local! {
    // Kept between calls, so that a hit with a map in its key allocates nothing.
    static SPARE: Cell<Vec<Sorted>> = const { Cell::new(Vec::new()) };
}

/// Larger ones are not kept: a thread may never need one again.
const SPARE_BYTES: usize = 64 * 1024;

/// Encodes each entry and sorts the encodings.
#[derive(Debug, Default)]
pub struct Sorted {
    bytes: Vec<u8>,
    entries: Vec<Range<usize>>,
}

impl Sorted {
    fn take() -> Self {
        let spare = SPARE.try_with(|spare| {
            let mut all = spare.take();
            let one = all.pop();
            spare.set(all);
            one
        });
        spare.ok().flatten().unwrap_or_default()
    }

    fn give_back(mut self) {
        if self.bytes.capacity() > SPARE_BYTES {
            return;
        }
        self.bytes.clear();
        self.entries.clear();
        let _ = SPARE.try_with(|spare| {
            let mut all = spare.take();
            all.push(self);
            spare.set(all);
        });
    }
}

impl<S: Sink> Unordered<S> for Sorted {
    type Inner = Vec<u8>;

    fn open(_: &S) -> Self {
        Self::take()
    }

    fn entry(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), Stop>) -> Result<(), Stop> {
        let start = self.bytes.len();
        encode(&mut self.bytes)?;
        self.entries.push(start..self.bytes.len());
        Ok(())
    }

    fn close(mut self, tag: u8, sink: &mut S) -> Result<(), Stop> {
        let bytes = &self.bytes;
        self.entries.sort_unstable_by(|a, b| bytes[a.clone()].cmp(&bytes[b.clone()]));
        // Each encoding says where it ends, so none needs a length.
        let written = sink.tag(tag).and_then(|()| sink.len(self.entries.len())).and_then(|()| {
            self.entries.iter().try_for_each(|entry| sink.put(&self.bytes[entry.clone()]))
        });
        self.give_back();
        written
    }
}
