//! Where an encoding goes: a hash, a comparison, a buffer, a digest; a key that is to be stored goes
//! into a buffer and a hash at once.

mod compare;
mod digest;
mod hash;
mod keyed;
mod written;

use super::sink::{Sink, Stop};
use super::unordered::Sorted;

pub(crate) use compare::Compare;
pub(crate) use digest::Digest;
pub(crate) use hash::{Hash, Seed};
pub(crate) use keyed::Keyed;
pub(crate) use written::Written;

impl Sink for Vec<u8> {
    type Unordered = Sorted;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}
