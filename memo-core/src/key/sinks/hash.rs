//! The sink that hashes.
//!
//! Whatever a value says takes part, in its order, and with its kind, so that nobody who does not
//! know the seed can make keys that collide: a list of units and empty lists, of variants or
//! of fields is told from any other arrangement of them. What a struct's type says alone (how many
//! bytes a length takes) is left out.
//!
//! Each piece is one step, `state = fold(piece ^ state, kind ^ by)`: a product of two numbers of
//! which either holds a secret, one half of it laid on the other. Two different pieces, or two kinds, come to the
//! same state for about one seed of 2⁶⁴.

use super::super::sink::{len_of_len, Sink, Stop, Unordered};
use super::super::{tag, Scope, SAMPLED, VERBATIM};

/// What keys a table's hashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed {
    start: u64,
    by: u64,
    /// Lengths are multiples of it, so odd.
    len: u64,
}

impl Seed {
    /// A seed that nobody outside the process knows.
    pub(crate) fn random() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let random = RandomState::new();
        Self::of([0, 1, 2].map(|word| random.hash_one(word)))
    }

    pub(crate) const fn of([start, by, len]: [u64; 3]) -> Self {
        Self { start, by, len: len | 1 }
    }
}

/// A fast hash, keyed by the table's seed. It stops where an encoding gets too long to be kept.
#[derive(Debug)]
pub(crate) struct Hash<'k> {
    seed: &'k Seed,
    state: u64,
    /// The name of the field whose value is next, as one more part of that piece's kind.
    field: u64,
    /// How long the encoding is, exactly: what is found by the hash is first asked for that.
    len: usize,
    /// Whether long pieces are hashed whole.
    thorough: bool,
}

impl<'k> Hash<'k> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(seed: &'k Seed, thorough: bool) -> Self {
        Self { seed, state: seed.start, field: 0, len: 0, thorough }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn finish(&self) -> u64 {
        self.state
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn is_long(&self) -> bool {
        self.len > VERBATIM
    }

    /// So much more of the encoding; small pieces need not ask whether it is too long, as long as
    /// whatever repeats them does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(&mut self, len: usize) {
        self.len = self.len.saturating_add(len);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn check(&self) -> Result<(), Stop> {
        if self.is_long() {
            return Err(Stop::Long);
        }
        Ok(())
    }

    /// One piece of data, of a kind.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn piece(&mut self, data: u64, kind: u64) {
        let by = self.seed.by ^ kind ^ std::mem::take(&mut self.field);
        self.state = fold(data ^ self.state, by);
    }

    /// Some bytes of a kind; long ones by samples, unless it is to see all of them.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn bytes(&mut self, kind: u64, bytes: &[u8]) {
        // Texts are what there is most of: their kind, being 0, takes no step.
        let kind = (kind ^ u64::from(tag::STR)) << 32;
        let len = (bytes.len() as u64 ^ kind).wrapping_mul(self.seed.len);
        let state = self.state.wrapping_add(len);
        let by = self.seed.by ^ std::mem::take(&mut self.field);
        self.state = if let Some((a, b)) = short(bytes) {
            fold(a ^ state, b ^ by)
        } else if bytes.len() < SAMPLED || self.thorough {
            long(bytes, state, by, self.seed.len)
        } else {
            long_by_samples(bytes, state, by, self.seed.len)
        };
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// Up to 16 bytes as two words, which overlap where there are fewer.
#[cfg_attr(not(debug_assertions), inline(always))]
fn short(bytes: &[u8]) -> Option<(u64, u64)> {
    let len = bytes.len();
    if len > 16 {
        return None;
    }
    if let (Some(a), Some(b)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u64::from_le_bytes(*a), u64::from_le_bytes(*b)));
    }
    if let (Some(a), Some(b)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u32::from_le_bytes(*a).into(), u32::from_le_bytes(*b).into()));
    }
    Some(match *bytes {
        [] => (0, 0),
        [only] => (only.into(), 0),
        [first, .., last] => (first.into(), u64::from(bytes[len / 2]) << 8 | u64::from(last)),
    })
}

/// More than 16 bytes, in two lanes.
#[inline]
fn long(bytes: &[u8], state: u64, by: u64, by_too: u64) -> u64 {
    let (mut a, mut b) = (state, state.wrapping_add(by_too));
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let ([left, right], []) = block.as_chunks::<16>() else { unreachable!("twice 16 is 32") };
        (a, b) = (lane(a, left, by), lane(b, right, by_too));
    }
    // The rest again as the end of as much as there is: what overlaps does not hurt.
    if let (false, Some(left), Some(right)) =
        (rest.is_empty(), end_of::<16>(bytes, 32), end_of::<16>(bytes, 16))
    {
        (a, b) = (lane(a, left, by), lane(b, right, by_too));
    }
    fold(a ^ by_too, b ^ by)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn lane(state: u64, half: &[u8; 16], by: u64) -> u64 {
    let ([data, kind], []) = half.as_chunks::<8>() else { unreachable!("twice 8 is 16") };
    fold(u64::from_le_bytes(*data) ^ state, u64::from_le_bytes(*kind) ^ by)
}

/// So many bytes, from so many before the end, or from the start if there are less.
#[cfg_attr(not(debug_assertions), inline(always))]
fn end_of<const N: usize>(bytes: &[u8], from: usize) -> Option<&[u8; N]> {
    bytes[bytes.len().saturating_sub(from)..].first_chunk()
}

/// How many samples, and of how many bytes each.
const SAMPLES: usize = 8;
const SAMPLE: usize = 32;

/// A long piece's start, its end, and what lies between them at equal distances.
#[inline(never)]
fn long_by_samples(bytes: &[u8], state: u64, by: u64, by_too: u64) -> u64 {
    let mut samples = [0; SAMPLES * SAMPLE];
    let last = bytes.len().saturating_sub(SAMPLE);
    for (index, sample) in samples.chunks_exact_mut(SAMPLE).enumerate() {
        let start = last / (SAMPLES - 1) * index;
        let start = if index == SAMPLES - 1 { last } else { start };
        sample.copy_from_slice(&bytes[start..start + SAMPLE]);
    }
    long(&samples, state, by, by_too)
}

/// One number for a name. Which names there are nobody chooses from outside, so it needs no secret:
/// it is made when the program is built.
#[cfg_attr(not(debug_assertions), inline(always))]
fn word_of(name: &'static str) -> u64 {
    const BY: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut word = name.len() as u64;
    let mut rest = name.as_bytes();
    while let Some((chunk, after)) = rest.split_first_chunk() {
        word = fold(word ^ u64::from_le_bytes(*chunk), BY);
        rest = after;
    }
    for &byte in rest {
        word = word << 8 ^ word >> 56 ^ u64::from(byte);
    }
    fold(word, BY)
}

/// Above the kinds.
const NAME: u32 = 16;

impl<'k> Sink for Hash<'k> {
    type Unordered = Summed<'k>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.bytes(0, bytes);
        self.add(bytes.len());
        self.check()
    }

    // An end follows some other piece, and counts by how many follow it at once.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tag(&mut self, tag: u8) -> Result<(), Stop> {
        if tag == tag::END {
            self.state = self.state.wrapping_add(self.seed.len);
        } else {
            self.piece(0, tag.into());
        }
        self.add(1);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        self.piece(number, tag.into());
        self.add(1 + width);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wide(&mut self, tag: u8, number: u128) -> Result<(), Stop> {
        self.piece(number as u64, tag.into());
        self.piece((number >> 64) as u64, tag.into());
        self.add(17);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn len(&mut self, len: usize) -> Result<(), Stop> {
        self.piece(len as u64, 0);
        self.add(len_of_len(len));
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn named(&mut self, tag: u8, name: &'static str) -> Result<(), Stop> {
        self.piece(word_of(name), tag.into());
        self.add(1 + len_of_len(name.len()) + name.len());
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field(&mut self, name: &'static str) -> Result<(), Stop> {
        self.field = word_of(name) << NAME;
        self.add(1 + len_of_len(name.len()) + name.len());
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        content: u8,
    ) -> Result<(), Stop> {
        let word = word_of(name) ^ word_of(variant).rotate_left(32) ^ u64::from(index) << NAME;
        self.piece(word, u64::from(tag::VARIANT) | u64::from(content) << 8);
        let names = len_of_len(name.len()) + name.len() + len_of_len(variant.len()) + variant.len();
        self.add(2 + names + size_of::<u32>());
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part(&mut self) -> Result<(), Stop> {
        self.check()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.bytes(tag.into(), bytes);
        self.add(1 + len_of_len(bytes.len()) + bytes.len());
        self.check()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn numbers(&mut self, tag: u8, count: usize, bytes: &[u8]) -> Result<(), Stop> {
        // Numbers are below 128, texts as well.
        self.bytes(u64::from(tag) | 128, bytes);
        self.add(2 + len_of_len(count) + bytes.len());
        self.check()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scope(&mut self, scope: Scope) -> Result<(), Stop> {
        self.put(&scope.bytes())
    }
}

/// Hashes each entry on its own and adds them up.
#[derive(Debug)]
pub(crate) struct Summed<'k> {
    sum: u64,
    count: usize,
    /// How long the encoding is up to here.
    len: usize,
    seed: &'k Seed,
    thorough: bool,
}

impl<'k> Summed<'k> {
    /// The sink of the next entry.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn next(&self) -> Hash<'k> {
        Hash { len: self.len, ..Hash::new(self.seed, self.thorough) }
    }

    /// Takes what became of it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn take(&mut self, entry: &Hash<'k>) -> Result<(), Stop> {
        self.sum = self.sum.wrapping_add(entry.finish());
        self.count += 1;
        self.len = entry.len;
        entry.check()
    }
}

impl<'k> Unordered<Hash<'k>> for Summed<'k> {
    type Inner = Hash<'k>;

    fn open(sink: &Hash<'k>) -> Self {
        Self { sum: 0, count: 0, len: sink.len, seed: sink.seed, thorough: sink.thorough }
    }

    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Hash<'k>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut entry = self.next();
        encode(&mut entry)?;
        self.take(&entry)
    }

    fn close(self, tag: u8, sink: &mut Hash<'k>) -> Result<(), Stop> {
        sink.piece(self.sum, tag.into());
        sink.piece(self.count as u64, tag.into());
        sink.len = self.len;
        sink.add(1 + len_of_len(self.count));
        sink.check()
    }
}

#[cfg(test)]
mod tests;
