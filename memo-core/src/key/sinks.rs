//! Where an encoding goes: a hash, a comparison, a buffer, a digest; a key that is to be stored goes
//! into a buffer and a hash at once.

/// Has a macro write a method for each piece that a [`Sink`] takes.
macro_rules! every_piece {
    ($method:ident) => {
        $method! {
            put(bytes: &[u8]);
            tag(tag: u8);
            number(tag: u8, number: u64, width: usize);
            wide(tag: u8, number: u128);
            len(len: usize);
            name(name: &'static str);
            named(tag: u8, name: &'static str);
            field(name: &'static str);
            variant(name: &'static str, index: u32, variant: &'static str, content: u8);
            part();
            text(tag: u8, text: &[u8]);
            numbers(tag: u8, count: usize, numbers: &[u8]);
            end(parts: u32);
            unsaid(unsaid: Unsaid);
            scope(scope: Scope);
        }
    };
}

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
