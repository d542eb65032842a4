//! Where an encoding goes: a hash, a comparison, a buffer, a digest.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::{FixedState, FoldHasher};

use super::sink::{len_of_len, Sink, Stop, Unordered};
use super::unordered::Sorted;
use super::{tag, DIGEST, SAMPLED, VERBATIM};

/// A fast hash, keyed by the table's seed. It stops where an encoding gets too long to be kept.
pub(crate) struct Hash {
    pub(super) hasher: FoldHasher<'static>,
    pub(super) seed: u64,
    /// How long the encoding is, exactly: what is found by the hash is first asked for that.
    pub(super) len: usize,
    /// Whether long pieces are hashed whole.
    thorough: bool,
}

impl Hash {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(seed: u64, thorough: bool) -> Self {
        Self { hasher: FixedState::with_seed(seed).build_hasher(), seed, len: 0, thorough }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn finish(&self) -> u64 {
        self.hasher.finish()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_long(&self) -> bool {
        self.len > VERBATIM
    }

    /// So much more of the encoding; small pieces need not ask whether it is too long, as long as
    /// whatever repeats them does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(&mut self, len: usize) {
        self.len = self.len.saturating_add(len);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn check(&self) -> Result<(), Stop> {
        if self.is_long() {
            return Err(Stop::Long);
        }
        Ok(())
    }
}

/// How many samples, and of how many bytes each.
const SAMPLES: usize = 8;
const SAMPLE: usize = 32;

/// The length of a long piece, its start, its end, and what lies between them at equal distances.
#[inline(never)]
fn hash_of_samples(bytes: &[u8], seed: u64) -> u64 {
    let mut samples = [0; SAMPLES * SAMPLE];
    let last = bytes.len().saturating_sub(SAMPLE);
    for (index, sample) in samples.chunks_exact_mut(SAMPLE).enumerate() {
        let start = last / (SAMPLES - 1) * index;
        let start = if index == SAMPLES - 1 { last } else { start };
        sample.copy_from_slice(&bytes[start..start + SAMPLE]);
    }
    let mut hasher = FixedState::with_seed(seed).build_hasher();
    hasher.write(&samples);
    hasher.write_usize(bytes.len());
    hasher.finish()
}

/// Leaves out tags and names: equal keys hash alike without them, and unequal keys that differ in
/// nothing else are told apart by the comparison.
impl Sink for Hash {
    type Unordered = Summed;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.add(bytes.len());
        self.check()?;
        if bytes.len() < SAMPLED || self.thorough {
            self.hasher.write(bytes);
        } else {
            self.hasher.write_u64(hash_of_samples(bytes, self.seed));
        }
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tag(&mut self, _: u8) -> Result<(), Stop> {
        self.add(1);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn choice(&mut self, tag: u8) -> Result<(), Stop> {
        self.hasher.write_u8(tag);
        self.tag(tag)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, _: u8, number: u64, width: usize) -> Result<(), Stop> {
        match width {
            1 => self.hasher.write_u8(number as u8),
            2 => self.hasher.write_u16(number as u16),
            4 => self.hasher.write_u32(number as u32),
            _ => self.hasher.write_u64(number),
        }
        self.add(1 + width);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wide(&mut self, _: u8, number: u128) -> Result<(), Stop> {
        self.hasher.write_u128(number);
        self.add(17);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn len(&mut self, len: usize) -> Result<(), Stop> {
        self.add(len_of_len(len));
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn name(&mut self, name: &'static str) -> Result<(), Stop> {
        self.add(len_of_len(name.len()) + name.len());
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part(&mut self) -> Result<(), Stop> {
        self.check()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant(&mut self, index: u32, name: &'static str) -> Result<(), Stop> {
        self.hasher.write_u32(index);
        self.add(size_of::<u32>());
        self.name(name)
    }

    // Else lists of lists could be made to collide, by who does not know the seed.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(&mut self, parts: u32) -> Result<(), Stop> {
        self.hasher.write_u32(parts);
        self.add(1);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, _: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.add(1 + len_of_len(bytes.len()));
        self.put(bytes)
    }
}

/// Hashes each entry on its own and adds them up.
#[derive(Debug)]
pub struct Summed {
    sum: u64,
    count: u64,
    seed: u64,
    len: usize,
    thorough: bool,
}

impl Unordered<Hash> for Summed {
    type Inner = Hash;

    fn open(sink: &Hash) -> Self {
        Self { sum: 0, count: 0, seed: sink.seed, len: sink.len, thorough: sink.thorough }
    }

    fn entry(&mut self, encode: impl FnOnce(&mut Hash) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut entry = Hash::new(self.seed, self.thorough);
        entry.len = self.len;
        let encoded = encode(&mut entry).and_then(|()| entry.check());
        self.sum = self.sum.wrapping_add(entry.finish());
        self.count += 1;
        self.len = entry.len;
        encoded
    }

    fn close(self, _: u8, sink: &mut Hash) -> Result<(), Stop> {
        sink.hasher.write_u64(self.sum);
        sink.hasher.write_u64(self.count);
        sink.len = self.len;
        sink.add(1 + len_of_len(usize::try_from(self.count).unwrap_or(usize::MAX)));
        sink.check()
    }
}

/// Compares an encoding with a stored one, piece by piece.
pub(crate) struct Compare<'a> {
    rest: &'a [u8],
}

impl<'a> Compare<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(encoding: &'a [u8]) -> Self {
        Self { rest: encoding }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Compare<'_> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        match self.rest.split_first_chunk::<N>() {
            Some((start, rest)) => {
                self.rest = rest;
                Ok(*start)
            }
            None => Err(Stop::Differs),
        }
    }

    /// Compares a head of known length and what follows it, asking once whether there is enough.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn pieces_are<const N: usize>(&mut self, head: [u8; N], body: &[u8]) -> Result<(), Stop> {
        match self.rest.split_at_checked(N + body.len()) {
            Some((start, rest)) if start[..N] == head && start[N..] == *body => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Stop::Differs),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number_is<const N: usize>(&mut self, tag: u8, number: [u8; N]) -> Result<(), Stop> {
        let found = self.take()?;
        if found == [tag] && self.take()? == number {
            Ok(())
        } else {
            Err(Stop::Differs)
        }
    }
}

impl Sink for Compare<'_> {
    type Unordered = Sorted;

    // From registers: a number put together with its tag in memory first, and compared there,
    // waits for the store to come through.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        match width {
            1 => self.number_is(tag, (number as u8).to_le_bytes()),
            2 => self.number_is(tag, (number as u16).to_le_bytes()),
            4 => self.number_is(tag, (number as u32).to_le_bytes()),
            _ => self.number_is(tag, number.to_le_bytes()),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field(&mut self, name: &'static str) -> Result<(), Stop> {
        match u8::try_from(name.len()) {
            Ok(len) if len < u8::MAX => self.pieces_are([tag::FIELD, len], name.as_bytes()),
            _ => {
                self.tag(tag::FIELD)?;
                self.name(name)
            }
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        match u8::try_from(bytes.len()) {
            Ok(len) if len < u8::MAX => self.pieces_are([tag, len], bytes),
            _ => {
                self.tag(tag)?;
                self.len(bytes.len())?;
                self.put(bytes)
            }
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match self.rest.split_at_checked(bytes.len()) {
            Some((start, rest)) if start == bytes => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Stop::Differs),
        }
    }
}

impl Sink for Vec<u8> {
    type Unordered = Sorted;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A BLAKE3 digest of the encoding.
pub(crate) struct Digest {
    hasher: blake3::Hasher,
    // BLAKE3 is fast on many kilobytes at once, and pieces are small.
    staged: Vec<u8>,
}

/// A multiple of the 16 KiB that BLAKE3's widest implementation takes at once.
const STAGE: usize = 32 * 1024;

impl Digest {
    pub(crate) fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), staged: Vec::new() }
    }

    pub(crate) fn finish(mut self) -> [u8; DIGEST] {
        self.hasher.update(&self.staged);
        self.hasher.finalize().into()
    }
}

impl Sink for Digest {
    type Unordered = Sorted;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.staged.len() + bytes.len() > STAGE {
            self.hasher.update(&self.staged);
            self.staged.clear();
            if bytes.len() > STAGE {
                self.hasher.update(bytes);
                return Ok(());
            }
        }
        self.staged.extend_from_slice(bytes);
        Ok(())
    }

    fn numbers(&mut self, tag: u8, count: usize, bytes: &[u8]) -> Result<(), Stop> {
        // On their own, so that BLAKE3 reads them where they lie, from the start of a chunk: after
        // a prefix no chunk of them would be whole.
        self.put(&[tag::NUMBERS_DIGEST, tag])?;
        self.len(count)?;
        self.put(blake3::hash(bytes).as_bytes())
    }
}
