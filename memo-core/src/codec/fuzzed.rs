//! What the fuzz targets drive: each codec by itself, and both as they are chosen between.

use super::*;
use crate::key::Hashes;

/// The codecs, by their ids.
pub const CODECS: [u8; 2] = [BINARY, TAGGED];

fn builder() -> Builder {
    Builder::new(b"", false, Hashes::same(0), 0)
}

/// Encodes a value by a codec, unchecked; nothing if that does not take it.
pub fn encode_by<T: Data>(codec: u8, value: &T) -> Option<Vec<u8>> {
    let mut into = builder();
    let is_taken = match codec {
        BINARY => binary::encode(value, &mut into).is_ok(),
        _ => tagged::encode(value, &mut into).is_ok(),
    };
    is_taken.then(|| into.value().to_vec())
}

/// Decodes a value by a codec.
///
/// # Errors
/// The bytes are not one.
pub fn decode_by<T: Data>(codec: u8, bytes: &[u8]) -> Result<T, String> {
    decode_as(codec, bytes)
}

/// Encodes a value as a function's first one: the codec, the bytes, and what the value is made of.
///
/// # Errors
/// No codec carries it.
pub fn encode_checked<T: Data>(value: &T) -> Result<(u8, Vec<u8>, Option<u64>), String> {
    let mut into = builder();
    let codec = encode(value, &Trust::new(), &mut into)?;
    let bytes = into.value().to_vec();
    let entry = into.finish(codec, None);
    Ok((codec, bytes, structure(value, entry.view())))
}

/// Decodes what a store has.
pub fn decode_from_store<T: Data>(codec: u8, structure: u64, bytes: &[u8]) -> Option<T> {
    decode_stored(codec, structure, bytes)
}

/// Whether two values are the same, but for the order of what has none; nothing, if one has no
/// encoding.
pub fn are_same<T: Data>(one: &T, other: &T) -> Option<bool> {
    is_same(one, other)
}
