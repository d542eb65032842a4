//! The writer: the key encoder, into an entry.

use serde::Serialize;

use crate::key::encoding_of;
use crate::key::sink::take_refusal;
use crate::memory::entry::Builder;

/// # Errors
/// Why the value cannot be encoded.
pub(in crate::codec) fn encode<T: Serialize>(value: &T, into: &mut Builder) -> Result<(), String> {
    // Not into the entry itself: the walk is the one that makes keys, too.
    let bytes = encoding_of(value, 0).map_err(|_| take_refusal())?;
    into.push(&bytes);
    Ok(())
}
