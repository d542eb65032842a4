//! Maps and sets without an order: two that hold the same make the same key.

use std::any::type_name;
use std::cell::Cell;
use std::ops::Range;

use super::sink::{Sink, Stop, Unordered};
use super::sinks::Written;

/// Whether serde collects from a hash table of std or hashbrown, or from an iterator over one whose
/// adapters take its elements one by one: serde does not say, but hands over the collection itself
/// (or its iterator), and its type's name does.
///
/// Chain, Zip, Enumerate, FlatMap, Flatten and whatever else there is keep an order: it may be the
/// caller's, where one of several iterators is over a list.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn is_unordered<I>() -> bool {
    let name = type_name::<I>();
    // Decided when the program is built: the usual collections are neither, and cost nothing.
    is_table(past_reference(name)) || is_wrapped(name) && is_table(past_wrappers(name))
}

/// The crate's own name stands at the start, so that no type of another is taken for one of these,
/// whatever its generic arguments are called.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_table(name: &str) -> bool {
    name.starts_with("std::collections::hash::") || name.starts_with("hashbrown::")
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn past_reference(name: &str) -> &str {
    let name = name.strip_prefix('&').unwrap_or(name);
    name.strip_prefix("mut ").unwrap_or(name)
}

const ADAPTERS: &str = "core::iter::adapters::";
const BOX: &str = "alloc::boxed::Box<";

#[cfg_attr(not(debug_assertions), inline(always))]
fn is_wrapped(name: &str) -> bool {
    let name = past_reference(name);
    name.starts_with(ADAPTERS) || name.starts_with(BOX)
}

/// What an iterator is over, less the adapters around it that keep or drop each element by itself.
/// The first generic argument of each is the iterator that it adapts; closures, whose names may hold
/// anything, follow it.
fn past_wrappers(mut name: &'static str) -> &'static str {
    const EACH: [&str; 7] = [
        "map::Map<",
        "filter::Filter<",
        "filter_map::FilterMap<",
        "cloned::Cloned<",
        "copied::Copied<",
        "inspect::Inspect<",
        "peekable::Peekable<",
    ];
    loop {
        name = past_reference(name);
        let adapted = name.strip_prefix(ADAPTERS);
        let inner = match adapted {
            Some(adapter) => EACH.iter().find_map(|each| adapter.strip_prefix(each)),
            None => name.strip_prefix(BOX),
        };
        match inner {
            Some(inner) => name = inner,
            None => return name,
        }
    }
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
    pub(super) fn take() -> Self {
        let spare = SPARE.try_with(|spare| {
            let mut all = spare.take();
            let one = all.pop();
            spare.set(all);
            one
        });
        spare.ok().flatten().unwrap_or_default()
    }

    /// What the next entry is written behind.
    pub(super) fn lend(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// The same, with the entry.
    pub(super) fn take_back(&mut self, bytes: Vec<u8>) {
        let start = self.entries.last().map_or(0, |entry| entry.end);
        self.entries.push(start..bytes.len());
        self.bytes = bytes;
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
    type Inner = Written<'static>;

    fn open(_: &S) -> Self {
        Self::take()
    }

    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Written<'static>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut entry = Written::Bytes(self.lend());
        encode(&mut entry)?;
        self.take_back(entry.into_bytes());
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use super::*;

    fn of<I>(_: I) -> bool {
        is_unordered::<I>()
    }

    #[test]
    fn adapters_that_take_elements_one_by_one_have_no_order_over_a_hash_table() {
        let (map, set) = (HashMap::from([(1, 2)]), HashSet::from([1]));
        assert!(of(&map) && of(map.iter()) && of(map.keys()) && of(map.clone().into_values()));
        assert!(of(&set) && of(set.union(&set)) && of(set.iter()));
        assert!(of(map.iter().map(|(k, v)| (v, k))));
        assert!(of(map.iter().filter(|_| true)) && of(map.keys().filter_map(Some)));
        assert!(of(set.iter().cloned()) && of(set.iter().copied()));
        assert!(of(set.iter().inspect(|_| ())) && of(set.iter().peekable()));
        let nested = map.iter().filter(|_| true).map(|(k, _)| k).copied().peekable();
        assert!(of(nested.inspect(|_| ()).map(|n| n + 1)));
        assert!(of(&mut map.iter()) && of(Box::new(map.iter().map(|(k, v)| k + v))));
    }

    #[test]
    fn adapters_that_put_several_elements_into_an_order_keep_it() {
        let (map, set) = (HashMap::from([(1, 2)]), HashSet::from([1]));
        assert!(!of(set.iter().chain(&[1])) && !of(set.iter().zip(&set)));
        assert!(!of(set.iter().enumerate()) && !of(map.iter().flat_map(|(k, v)| [k, v])));
        assert!(!of([set.iter()].into_iter().flatten()) && !of(set.iter().collect::<Vec<_>>()));
        assert!(!of(set.iter().take(1)) && !of(set.iter().skip(1).map(|n| n + 1)));
    }

    #[test]
    fn a_type_that_only_mentions_a_hash_table_keeps_its_order() {
        /// Its name holds that of a hash map's iterator, as its own and as an adapter's would.
        struct Map<I>(std::marker::PhantomData<I>);
        let mentions: Map<std::collections::hash_map::Iter<'_, u8, u8>> = Map(Default::default());
        assert!(!of(&mentions) && !of([mentions].iter().map(|_| ())));
        let map = HashMap::from([(1, 2)]);
        // The closure's type is one of the arguments, and holds a hash map.
        assert!(!of([1].iter().map(move |n| map[n])));
        assert!(
            !of(&[HashMap::from([(1, 2)])][..]) && !of([HashSet::from([1])].iter().map(|_| ()))
        );
        let (sorted, list) = (BTreeMap::from([(1, 2)]), [1]);
        assert!(
            !of(&sorted) && !of(sorted.iter().map(|(k, v)| k + v)) && !of(list.iter().copied())
        );
    }
}
