//! The sink of a key that is to be stored.

use super::super::sink::{Sink, Stop, Unordered};
use super::super::unordered::Sorted;
use super::super::unsaid::Unsaid;
use super::super::{Hashes, Scope};
use super::hash::{Hash, Seed, Summed};

/// Writes a key and hashes it in one walk: an argument may say something else in the next.
///
/// It stops where the encoding gets too long to be kept, so that what it has is short.
#[derive(Debug)]
pub struct Keyed<'k> {
    quick: Hash<'k>,
    thorough: Hash<'k>,
    bytes: Vec<u8>,
}

impl<'k> Keyed<'k> {
    pub(crate) fn new(seed: &'k Seed, bytes: Vec<u8>) -> Self {
        Self { quick: Hash::new(seed, false), thorough: Hash::new(seed, true), bytes }
    }

    pub(crate) fn is_long(&self) -> bool {
        self.quick.is_long()
    }

    pub(crate) fn finish(self) -> (Hashes, Vec<u8>) {
        debug_assert_eq!(self.quick.len(), self.bytes.len());
        (Hashes { quick: self.quick.finish(), thorough: self.thorough.finish() }, self.bytes)
    }

    /// Has all three sinks take a piece.
    fn all(
        &mut self,
        hash: impl Fn(&mut Hash<'k>) -> Result<(), Stop>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        hash(&mut self.quick)?;
        // Before the bytes are written: there may be gigabytes of them.
        self.quick.check()?;
        hash(&mut self.thorough)?;
        write(&mut self.bytes)
    }
}

/// Each piece as the sink of its own would take it.
macro_rules! pieces {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        pub(super) fn $method(&mut self, $($name: $type),*) -> Result<(), Stop> {
            self.all(|hash| hash.$method($($name),*), |bytes| bytes.$method($($name),*))
        }
    )*};
}

impl Keyed<'_> {
    every_piece!(pieces);
}

/// Both what adds hashes up and what sorts encodings.
#[derive(Debug)]
pub struct Both<'k> {
    quick: Summed<'k>,
    thorough: Summed<'k>,
    sorted: Sorted,
}

impl<'k> Both<'k> {
    pub(super) fn open(sink: &Keyed<'k>) -> Self {
        Self {
            quick: Summed::open(&sink.quick),
            thorough: Summed::open(&sink.thorough),
            sorted: Sorted::take(),
        }
    }

    /// What the next entry is written into.
    pub(super) fn next(&mut self) -> Keyed<'k> {
        let (quick, thorough) = (self.quick.next(), self.thorough.next());
        Keyed { quick, thorough, bytes: self.sorted.lend() }
    }

    pub(super) fn take(&mut self, entry: Keyed<'k>) -> Result<(), Stop> {
        self.sorted.take_back(entry.bytes);
        self.thorough.take(&entry.thorough)?;
        self.quick.take(&entry.quick)
    }

    pub(super) fn close(self, tag: u8, sink: &mut Keyed<'k>) -> Result<(), Stop> {
        self.quick.close(tag, &mut sink.quick)?;
        self.thorough.close(tag, &mut sink.thorough)?;
        self.sorted.close(tag, &mut sink.bytes)
    }
}
