//! What the fuzz targets drive: a value through each sink.

use serde::Serialize;

use super::part::Argument;
use super::*;

const SEED: Seed = Seed::of([0xB5AD_4ECE_DA1C_E2A9, 0x1B56_C4E9_87BF_A5D3, 0x9E37_79B9]);

/// Encodings up to this many bytes are kept as they are.
pub const KEPT: usize = VERBATIM;

/// What each sink makes of a value as a call's only argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sinks {
    /// Of the sink that only writes.
    pub bytes: Vec<u8>,
    /// Of the sink that digests.
    pub digest: [u8; DIGEST],
    /// Of the sinks that hash, by samples and thoroughly: the hash and the length, unless it is long.
    pub hashes: [Option<(u64, usize)>; 2],
    /// What is stored, unless it is long, and both hashes of it.
    pub stored: Option<(Vec<u8>, [u64; 2])>,
    /// What names the call in stores.
    pub name: [u8; DIGEST],
}

/// Walks a value into each sink; nothing if it has no encoding.
pub fn sinks<T: ?Sized + Serialize>(value: &T) -> Option<Sinks> {
    let args = &(Argument::new(value).part(), ());
    let bytes = key_bytes(value)?;
    let hash_of = |is_thorough| match hash(args, &SEED, is_thorough) {
        Ok(Hashed::Verbatim(hash, len)) => Some(Some((hash, len))),
        Ok(Hashed::Long) => Some(None),
        Err(_) => None,
    };
    let (stored, name) = encode(args, &SEED, |encoded| {
        let stored = match encoded {
            Encoded::Verbatim { bytes, hashes } => {
                Some((bytes.to_vec(), [hashes.quick, hashes.thorough]))
            }
            Encoded::Long { .. } => None,
        };
        (stored, encoded.digest())
    })
    .ok()?;
    let digest = digest_of(args).ok()?;
    Some(Sinks { bytes, digest, hashes: [hash_of(false)?, hash_of(true)?], stored, name })
}

/// The encoding of a value; nothing if it has none.
pub fn key_bytes<T: ?Sized + Serialize>(value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    unless_refused(|| (Argument::new(value).part(), ()).walk(&mut bytes)).ok()?;
    Some(bytes)
}

/// Whether the sink that compares finds this encoding to be the value's.
pub fn key_equals<T: ?Sized + Serialize>(value: &T, encoding: &[u8]) -> bool {
    equals(&(Argument::new(value).part(), ()), encoding)
}
