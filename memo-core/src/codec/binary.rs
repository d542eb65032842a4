//! bincode: the only files that name it are these and the manifests.
//!
//! bincode writes; what it wrote is read by a deserializer of its format here, because reading is
//! what a hit does: with bincode's own, a hit on a number takes 11 instead of 6 ns, one on a record
//! a fifth more. A test holds the two against each other.
//!
//! Why 1.3.3 is the one that writes, `docs/design.md` says.

mod read;
mod write;

use bincode::config::{FixintEncoding, WithOtherIntEncoding};
use bincode::{DefaultOptions, Options};
use serde::de::DeserializeOwned;

use super::Value;
use crate::key::shape::Shape;
use crate::memory::entry::Builder;

use read::Rest;
pub(super) use write::{Out, Refused, Writer};

type Format = WithOtherIntEncoding<DefaultOptions, FixintEncoding>;

/// Numbers at their full width, little-endian; lengths and variants too, as `u64` and `u32`.
fn options() -> Format {
    DefaultOptions::new().with_fixint_encoding()
}

/// Encodes a value, and says what shape it has.
pub(super) fn encode(value: &dyn Value, into: &mut Builder) -> Result<Shape, Refused> {
    write::encode(value, into)
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut rest = Rest::new(bytes);
    let value = T::deserialize(rest.value()).ok()?;
    rest.is_empty().then_some(value)
}

#[cfg(test)]
mod tests;
