//! Where an encoding goes: a hash, a comparison, a buffer, a digest.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::{FixedState, FoldHasher};

use super::unordered::{Sorted, Summed};
use super::{tag, Scope, DIGEST, VERBATIM};

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The comparison found a difference.
    Differs,
    /// The encoding is longer than [`VERBATIM`].
    Long,
    /// A `Serialize` implementation returned an error; [`take_refusal`] has its words.
    Refused,
}

thread_local! {
    // Beside the walk rather than in `Stop`, so that each step of a hit returns one byte.
    static REFUSAL: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The words of the last `Stop::Refused` of this thread.
pub(crate) fn take_refusal() -> String {
    REFUSAL.try_with(RefCell::take).unwrap_or_default()
}

impl serde::ser::Error for Stop {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let _ = REFUSAL.try_with(|refusal| refusal.replace(message));
        Self::Refused
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Differs => "the encodings differ",
            Self::Long => "the encoding is long",
            Self::Refused => "a `Serialize` implementation returned an error",
        })
    }
}

impl std::error::Error for Stop {}

/// A receiver of an encoding, piece by piece.
///
/// The provided methods spell the encoding for the sinks that want its bytes; the hash sink
/// overrides them, because it may leave out what an exact comparison decides later.
pub trait Sink: Sized {
    /// Collects a map or set that has no order.
    type Unordered: Unordered<Self>;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop>;

    /// A tag that the static type nearly always decides.
    #[inline(always)]
    fn tag(&mut self, tag: u8) -> Result<(), Stop> {
        self.put(&[tag])
    }

    /// A tag that depends on the value.
    #[inline(always)]
    fn choice(&mut self, tag: u8) -> Result<(), Stop> {
        self.tag(tag)
    }

    #[inline(always)]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        self.put(&bytes[..=width])
    }

    #[inline(always)]
    fn wide(&mut self, tag: u8, number: u128) -> Result<(), Stop> {
        self.tag(tag)?;
        self.put(&number.to_le_bytes())
    }

    /// Short lengths take one byte.
    #[inline(always)]
    fn len(&mut self, len: usize) -> Result<(), Stop> {
        match u8::try_from(len) {
            Ok(len) if len < u8::MAX => self.put(&[len]),
            _ => {
                self.put(&[u8::MAX])?;
                self.put(&(len as u64).to_le_bytes())
            }
        }
    }

    /// The name of a struct, a field or a variant.
    #[inline(always)]
    fn name(&mut self, name: &'static str) -> Result<(), Stop> {
        self.len(name.len())?;
        self.put(name.as_bytes())
    }

    #[inline(always)]
    fn variant(&mut self, index: u32, name: &'static str) -> Result<(), Stop> {
        self.put(&index.to_le_bytes())?;
        self.name(name)
    }

    #[inline(always)]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.tag(tag)?;
        self.len(bytes.len())?;
        self.put(bytes)
    }

    /// The bytes of a slice of `count` numbers.
    #[inline(always)]
    fn numbers(&mut self, tag: u8, count: usize, bytes: &[u8]) -> Result<(), Stop> {
        self.put(&[tag::NUMBERS, tag])?;
        self.len(count)?;
        self.put(bytes)
    }

    /// The end of a sequence or map, which had so many parts.
    #[inline(always)]
    fn end(&mut self, _parts: u32) -> Result<(), Stop> {
        self.tag(tag::END)
    }

    #[inline(always)]
    fn scope(&mut self, scope: Scope) -> Result<(), Stop> {
        self.put(&scope.bytes())
    }
}

/// Collects the entries of a map or set without an order, then hands them to its sink.
pub trait Unordered<S: Sink>: Sized {
    type Inner: Sink;
    fn open(sink: &S) -> Self;
    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Self::Inner) -> Result<(), Stop>,
    ) -> Result<(), Stop>;
    fn close(self, tag: u8, sink: &mut S) -> Result<(), Stop>;
}

/// A fast hash, keyed by the table's seed. It stops where an encoding gets too long to be kept.
pub(crate) struct Hash {
    pub(super) hasher: FoldHasher<'static>,
    pub(super) seed: u64,
    pub(super) len: usize,
}

impl Hash {
    #[inline(always)]
    pub(crate) fn new(seed: u64) -> Self {
        Self { hasher: FixedState::with_seed(seed).build_hasher(), seed, len: 0 }
    }

    #[inline(always)]
    pub(crate) fn finish(&self) -> u64 {
        self.hasher.finish()
    }

    #[inline(always)]
    pub(super) fn is_long(&self) -> bool {
        self.len > VERBATIM
    }

    #[inline(always)]
    pub(super) fn grow(&mut self, by: usize) -> Result<(), Stop> {
        self.len = self.len.saturating_add(by);
        if self.is_long() {
            return Err(Stop::Long);
        }
        Ok(())
    }
}

/// Leaves out tags and names: equal keys hash alike without them, and unequal keys that differ in
/// nothing else are told apart by the comparison.
impl Sink for Hash {
    type Unordered = Summed;

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.grow(bytes.len())?;
        self.hasher.write(bytes);
        Ok(())
    }

    #[inline(always)]
    fn tag(&mut self, _: u8) -> Result<(), Stop> {
        self.grow(1)
    }

    #[inline(always)]
    fn choice(&mut self, tag: u8) -> Result<(), Stop> {
        self.hasher.write_u8(tag);
        self.grow(1)
    }

    #[inline(always)]
    fn number(&mut self, _: u8, number: u64, width: usize) -> Result<(), Stop> {
        match width {
            1 => self.hasher.write_u8(number as u8),
            2 => self.hasher.write_u16(number as u16),
            4 => self.hasher.write_u32(number as u32),
            _ => self.hasher.write_u64(number),
        }
        self.grow(1 + width)
    }

    #[inline(always)]
    fn wide(&mut self, _: u8, number: u128) -> Result<(), Stop> {
        self.hasher.write_u128(number);
        self.grow(17)
    }

    #[inline(always)]
    fn len(&mut self, _: usize) -> Result<(), Stop> {
        self.grow(1)
    }

    #[inline(always)]
    fn name(&mut self, name: &'static str) -> Result<(), Stop> {
        self.grow(1 + name.len())
    }

    #[inline(always)]
    fn variant(&mut self, index: u32, name: &'static str) -> Result<(), Stop> {
        self.hasher.write_u32(index);
        self.grow(5 + name.len())
    }

    // Else lists of lists could be made to collide, by who does not know the seed.
    #[inline(always)]
    fn end(&mut self, parts: u32) -> Result<(), Stop> {
        self.hasher.write_u32(parts);
        self.grow(1)
    }

    #[inline(always)]
    fn text(&mut self, _: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.grow(bytes.len().saturating_add(2))?;
        self.hasher.write(bytes);
        Ok(())
    }
}

/// Compares an encoding with a stored one, piece by piece.
pub(crate) struct Compare<'a> {
    rest: &'a [u8],
}

impl<'a> Compare<'a> {
    #[inline(always)]
    pub(crate) fn new(encoding: &'a [u8]) -> Self {
        Self { rest: encoding }
    }

    #[inline(always)]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Compare<'_> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        match self.rest.split_first_chunk::<N>() {
            Some((start, rest)) => {
                self.rest = rest;
                Ok(*start)
            }
            None => Err(Stop::Differs),
        }
    }

    #[inline(always)]
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
    #[inline(always)]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        match width {
            1 => self.number_is(tag, (number as u8).to_le_bytes()),
            2 => self.number_is(tag, (number as u16).to_le_bytes()),
            4 => self.number_is(tag, (number as u32).to_le_bytes()),
            _ => self.number_is(tag, number.to_le_bytes()),
        }
    }

    #[inline(always)]
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

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A BLAKE3 digest of the encoding.
pub(crate) struct Digest {
    hasher: blake3::Hasher,
    // BLAKE3 takes small pieces one by one, at twenty times the price of a copy.
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

    #[inline(always)]
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
        // a prefix of one byte 16 KiB take 8.0 instead of 2.3 µs.
        self.put(&[tag::NUMBERS_DIGEST, tag])?;
        self.len(count)?;
        self.put(blake3::hash(bytes).as_bytes())
    }
}
