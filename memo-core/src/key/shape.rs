//! What a value told serde, less the data: which structs with how many fields, which variants.
//!
//! A codec that lost part of a value did so because of such calls, so values of a shape that was
//! checked need no check. A composite's shape is its name, its length, and for each part its type
//! and the kind of call it made. Where a value decides how many parts there are (sequences, maps,
//! options, variants), the parts' shapes are noted apart, so that few shapes cover many values.

use std::hash::{Hash, Hasher};

/// The shapes in a value: of the whole, and of the parts that it may have.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) root: u64,
    pub(crate) parts: Vec<u64>,
}

impl Shape {
    /// Of a value of this type that made such a call.
    pub(crate) fn of(ty: u64, made: u64, mut parts: Vec<u64>) -> Self {
        parts.sort_unstable();
        parts.dedup();
        // One function may have results of many types: the instances of a generic one share their
        // trust. 0 stands for no shape at all.
        Self { root: mix(made, ty).max(1), parts }
    }
}

/// One number for a kind of call and what it says beside data.
pub(crate) fn kind(call: u64, name: &str, number: usize) -> u64 {
    let mut mixed = mix(call, number as u64);
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mixed = mix(mixed, u64::from_le_bytes(word));
    }
    mix(mixed, name.len() as u64)
}

/// Another number for each `b` beside one `a`, and for each `a` beside one `b`.
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mixed = (a.rotate_left(23) ^ b).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ mixed >> 32
}

/// Tells apart two types of one name.
#[inline]
pub(crate) fn type_of<T: ?Sized>() -> u64 {
    struct Word(u64);
    impl Hasher for Word {
        fn write(&mut self, bytes: &[u8]) {
            bytes.iter().for_each(|&byte| self.0 = mix(self.0, byte.into()));
        }
        fn write_u64(&mut self, word: u64) {
            self.0 ^= word;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut word = Word(0);
    typeid::of::<T>().hash(&mut word);
    word.finish()
}

/// The kind of each call, by number.
pub(crate) mod call {
    pub(crate) const SCALAR: u64 = 1;
    pub(crate) const UNIT: u64 = 20;
    pub(crate) const OPTION: u64 = 21;
    pub(crate) const NEWTYPE: u64 = 22;
    pub(crate) const ENUM: u64 = 23;
    pub(crate) const VARIANT: u64 = 24;
    pub(crate) const SEQ: u64 = 25;
    pub(crate) const TUPLE: u64 = 26;
    pub(crate) const MAP: u64 = 27;
    pub(crate) const STRUCT: u64 = 28;
    pub(crate) const FIELD: u64 = 29;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bit_of_what_is_mixed_is_lost() {
        for bit in 0..64 {
            assert_ne!(mix(7, 8), mix(7, 8 ^ 1 << bit), "{bit}");
            assert_ne!(mix(7, 8), mix(7 ^ 1 << bit, 8), "{bit}");
        }
        assert_ne!(kind(1, "a", 2), kind(1, "a", 3));
    }
}
