//! The sink that digests.

use super::super::sink::{Sink, Stop};
use super::super::unordered::Sorted;
use super::super::{tag, DIGEST};

/// A BLAKE3 digest of the encoding.
#[derive(Debug, Default)]
pub struct Digest {
    hasher: blake3::Hasher,
    // BLAKE3 is fast on many kilobytes at once, and pieces are small.
    staged: Vec<u8>,
}

/// A multiple of the 16 KiB that BLAKE3's widest implementation takes at once.
const STAGE: usize = 32 * 1024;

impl Digest {
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
