//! A map from digests to what there is of each key, for few keys at a time.
//!
//! Most functions compute a handful of calls at once: those are found by looking at each. Where
//! there are more, the rest is in a hash map.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::key::DIGEST;

/// So many are looked at one by one.
const FEW: usize = 8;

#[derive(Debug)]
pub(super) struct ByDigest<T> {
    few: Vec<([u8; DIGEST], T)>,
    rest: HashMap<[u8; DIGEST], T, BuildHasherDefault<FirstBytes>>,
}

impl<T: Default> ByDigest<T> {
    pub(super) const fn new() -> Self {
        Self { few: Vec::new(), rest: HashMap::with_hasher(BuildHasherDefault::new()) }
    }

    fn place(&self, digest: &[u8; DIGEST]) -> Option<usize> {
        self.few.iter().position(|(other, _)| is_same(other, digest))
    }

    pub(super) fn get(&self, digest: &[u8; DIGEST]) -> Option<&T> {
        match self.place(digest) {
            Some(at) => Some(&self.few[at].1),
            None if self.rest.is_empty() => None,
            None => self.rest.get(digest),
        }
    }

    pub(super) fn get_or_default(&mut self, digest: &[u8; DIGEST]) -> &mut T {
        if let Some(at) = self.place(digest) {
            return &mut self.few[at].1;
        }
        if self.few.len() == FEW || self.rest.contains_key(digest) {
            return self.rest.entry(*digest).or_default();
        }
        let at = self.few.len();
        self.few.push((*digest, T::default()));
        &mut self.few[at].1
    }

    /// Changes what there is of a key, if there is anything, and takes it out if `change` says that
    /// nothing is left.
    pub(super) fn change<R>(
        &mut self,
        digest: &[u8; DIGEST],
        change: impl FnOnce(&mut T) -> (R, bool),
    ) -> Option<R> {
        if let Some(at) = self.place(digest) {
            let (result, is_empty) = change(&mut self.few[at].1);
            if is_empty {
                self.few.swap_remove(at);
            }
            return Some(result);
        }
        if self.rest.is_empty() {
            return None;
        }
        let (result, is_empty) = change(self.rest.get_mut(digest)?);
        if is_empty {
            self.rest.remove(digest);
        }
        Some(result)
    }

    /// Changes what there is of each key, and takes it out where `change` says that nothing is left.
    pub(super) fn change_each(&mut self, mut change: impl FnMut(&mut T) -> bool) {
        self.few.retain_mut(|(_, value)| !change(value));
        self.rest.retain(|_, value| !change(value));
    }

    /// Takes everything out.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        let (few, rest) = (std::mem::take(&mut self.few), std::mem::take(&mut self.rest));
        few.into_iter().map(|(_, value)| value).chain(rest.into_values())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.few.is_empty() && self.rest.is_empty()
    }
}

/// In words, as a call to compare bytes is longer than that.
fn is_same(one: &[u8; DIGEST], other: &[u8; DIGEST]) -> bool {
    let words = |digest: &[u8; DIGEST]| -> [u64; DIGEST / 8] {
        std::array::from_fn(|at| {
            let word = digest[8 * at..].first_chunk();
            u64::from_ne_bytes(*word.expect("a digest is so many words"))
        })
    };
    words(one) == words(other)
}

/// A digest is its own hash.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u32) -> [u8; DIGEST] {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn few_and_many_are_found_and_taken_out_in_any_order() {
        let mut map = ByDigest::new();
        for round in 0..3 {
            for number in 0..30 {
                *map.get_or_default(&digest(number)) = number + round;
            }
            // Of those that are looked at one by one, some leave, and others come back.
            for number in (0..30).step_by(3) {
                let take = |there: &mut u32| (*there, true);
                assert_eq!(map.change(&digest(number), take), Some(number + round));
                assert_eq!(map.change(&digest(number), take), None);
                assert!(map.get(&digest(number)).is_none());
            }
            for number in (0..30).filter(|number| number % 3 != 0) {
                assert_eq!(map.change(&digest(number), |_| ((), false)), Some(()));
                assert_eq!(map.get(&digest(number)), Some(&(number + round)));
            }
        }
        assert_eq!(map.take_all().count(), 20);
        assert!(map.is_empty());
    }
}
