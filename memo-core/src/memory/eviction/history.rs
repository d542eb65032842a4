//! What is remembered of keys whose entries may be gone: who is a ghost, and how often each was wanted.
//!
//! Both are tables in chunks that are there once something is in them, so that to make room for many
//! keys takes no time, and to halve all counters is to say so.

use crate::reclaim::Garbage;

#[derive(Debug)]
pub(super) struct History {
    /// Fingerprints, each at the place its hash says, until another comes there.
    ghosts: Vec<Option<Box<[u32]>>>,
    /// Counters up to [`MOST`], [`COUNTERS`] for each key.
    counters: Vec<Option<Counters>>,
    /// How many keys there is room for: nothing, or a power of two.
    len: usize,
    counted: usize,
    halvings: u32,
    /// What there was before there was room for so many, given up bit by bit.
    outgrown: Vec<Option<Box<[u32]>>>,
    outgrown_counters: Vec<Option<Counters>>,
}

#[derive(Debug)]
struct Counters {
    counters: Box<[u8]>,
    /// So many halvings of all are done here.
    halvings: u32,
}

const COUNTERS: usize = 4;
/// After so many counts for each entry all counters are halved.
const PERIOD: usize = 20;
const MOST: u8 = 15;
/// After so many halvings nothing is left.
const ALL_HALVINGS: u32 = u8::BITS - MOST.leading_zeros();
const CHUNK: usize = 4096;

impl History {
    pub(super) const fn new() -> Self {
        Self {
            ghosts: Vec::new(),
            counters: Vec::new(),
            len: 0,
            counted: 0,
            halvings: 0,
            outgrown: Vec::new(),
            outgrown_counters: Vec::new(),
        }
    }

    /// Gives its memory up, to be freed in slices.
    pub(super) fn retire(self, garbage: &mut Garbage) {
        for ghosts in [self.ghosts, self.outgrown] {
            retire(ghosts, garbage);
        }
        for counters in [self.counters, self.outgrown_counters] {
            retire(counters, garbage);
        }
    }

    /// Grows with the number of entries, forgetting what it knew.
    pub(super) fn make_room_for(&mut self, entries: usize) {
        if self.len < entries {
            let len = entries.next_power_of_two().max(16);
            let old = std::mem::replace(self, Self { len, ..Self::new() });
            self.ghosts.resize_with(len.div_ceil(CHUNK), || None);
            self.counters.resize_with((len * COUNTERS).div_ceil(CHUNK), || None);
            // What was outgrown before is gone by now: there were as many keys since as it had chunks.
            (self.outgrown, self.outgrown_counters) = (old.ghosts, old.counters);
        }
        self.outgrown.pop();
        self.outgrown_counters.pop();
    }

    fn ghost(&mut self, hash: u64) -> (&mut Option<Box<[u32]>>, usize, u32) {
        let place = (hash >> 8) as usize & (self.len - 1);
        // 0 is no ghost.
        (&mut self.ghosts[place / CHUNK], place % CHUNK, (hash >> 32) as u32 | 1)
    }

    pub(super) fn remember(&mut self, hash: u64) {
        let len = self.len.min(CHUNK);
        let (chunk, place, fingerprint) = self.ghost(hash);
        chunk.get_or_insert_with(|| vec![0; len].into())[place] = fingerprint;
    }

    /// Whether it is remembered as a ghost, which it then is no more.
    pub(super) fn comes_back(&mut self, hash: u64) -> bool {
        let (Some(chunk), place, fingerprint) = self.ghost(hash) else { return false };
        let is_ghost = chunk[place] == fingerprint;
        if is_ghost {
            chunk[place] = 0;
        }
        is_ghost
    }

    fn counter(&self, hash: u64, number: usize) -> usize {
        let mixed = (hash ^ (number as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.len * COUNTERS - 1)
    }

    pub(super) fn frequency(&self, hash: u64) -> u8 {
        let count = |number| {
            let counter = self.counter(hash, number);
            let Some(chunk) = &self.counters[counter / CHUNK] else { return 0 };
            chunk.counters[counter % CHUNK] >> (self.halvings - chunk.halvings).min(ALL_HALVINGS)
        };
        (0..COUNTERS).map(count).min().unwrap_or(0)
    }

    /// Counts conservatively: only the counters that say the least.
    pub(super) fn count(&mut self, hash: u64) {
        let frequency = self.frequency(hash);
        if frequency < MOST {
            for number in 0..COUNTERS {
                self.raise(self.counter(hash, number), frequency + 1);
            }
        }
        self.counted += 1;
        if self.counted >= self.len * PERIOD {
            self.counted /= 2;
            self.halvings += 1;
        }
    }

    fn raise(&mut self, counter: usize, to: u8) {
        let (len, halvings) = ((self.len * COUNTERS).min(CHUNK), self.halvings);
        let chunk = self.counters[counter / CHUNK]
            .get_or_insert_with(|| Counters { counters: vec![0; len].into(), halvings });
        if chunk.halvings != halvings {
            let by = (halvings - chunk.halvings).min(ALL_HALVINGS);
            chunk.counters.iter_mut().for_each(|counter| *counter >>= by);
            chunk.halvings = halvings;
        }
        let counter = &mut chunk.counters[counter % CHUNK];
        *counter = (*counter).max(to);
    }
}

/// Chunks in groups: to hand each on alone takes as long as to free it.
fn retire<T: Send + 'static>(mut chunks: Vec<T>, garbage: &mut Garbage) {
    const GROUP: usize = 64;
    while !chunks.is_empty() {
        let group = chunks.split_off(chunks.len().saturating_sub(GROUP));
        garbage.retire_value(group, GROUP * CHUNK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same counters, halved all at once.
    struct Plain {
        counters: Vec<u8>,
        counted: usize,
    }

    fn mixed(number: usize) -> u64 {
        (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31)
    }

    #[test]
    fn counters_that_are_halved_when_they_are_looked_at_count_as_those_halved_at_once() {
        let len = 4 * CHUNK;
        let mut history = History::new();
        history.make_room_for(len);
        let mut plain = Plain { counters: vec![0; len * COUNTERS], counted: 0 };
        for number in 0..3 * len * PERIOD {
            // Some are counted often, most once, and those that were counted are looked at later.
            let hash = mixed(if number % 3 == 0 { number % 100 } else { number });
            let places = [0, 1, 2, 3].map(|of| history.counter(hash, of));
            let frequency = places.iter().map(|place| plain.counters[*place]).min().unwrap_or(0);
            assert_eq!(history.frequency(hash), frequency);
            history.count(hash);
            if frequency < MOST {
                for place in places {
                    plain.counters[place] = plain.counters[place].max(frequency + 1);
                }
            }
            plain.counted += 1;
            if plain.counted >= len * PERIOD {
                plain.counted /= 2;
                plain.counters.iter_mut().for_each(|counter| *counter /= 2);
            }
        }
        assert!(history.halvings >= 3);
    }

    #[test]
    fn a_ghost_comes_back_once() {
        let mut history = History::new();
        history.make_room_for(3 * CHUNK);
        assert!(!history.comes_back(mixed(7)));
        history.remember(mixed(7));
        assert!(history.comes_back(mixed(7)) && !history.comes_back(mixed(7)));
        history.make_room_for(5 * CHUNK);
        assert!(!history.comes_back(mixed(7)));
    }
}
