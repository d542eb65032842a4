//! Values to bytes and back: two codecs, and the check that decides between them.
//!
//! bincode is fast and cannot represent everything; what it cannot, it may get *silently* wrong (a
//! tuple struct with `skip_serializing_if` just has fewer fields). The tagged codec is the key
//! encoding read back: self-describing, complete, slower. So a value is trusted to a codec only
//! after a check: it is decoded again and walked against the original. What goes to bincode is
//! checked when it is a function's first value, and whenever its [shape](shape) is new; what goes to
//! the tagged codec is checked always, because an `untagged` enum decodes by the value itself.

pub mod bulk;
mod binary;
mod numbers;
mod order;
mod shape;
mod tagged;

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::key::encoder::Encoder;
use crate::key::plain::is_scalar;
use crate::key::sink::take_refusal;
use crate::key::sinks::Compare;
use crate::key::structure::structure_of;
use crate::memory::entry::{Builder, View, MAX_VALUE};
use crate::platform::unwind::catch;

/// A type whose values can be stored: serialized on a miss, a fresh one on every hit.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot be stored: it is not `Serialize` and `DeserializeOwned`",
    label = "not `Serialize + DeserializeOwned`, so it cannot be stored",
    note = "check whether the crate that defines it has a `serde` feature; a type of your own derives them: `#[derive(serde::Serialize, serde::Deserialize)]`",
    note = "`Rc` and `Arc` take serde's feature `rc`; an array `[T; N]` or of more than 32 takes the crate `serde-big-array` in a struct; what borrows does not come back from bytes",
    note = "or share one instance instead of storing values: `#[singleton]`"
)]
pub trait Data: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Data for T {}

/// What of a function's result `R` is stored.
pub trait Codec<R> {
    #[doc(hidden)]
    type Data: Data;
    #[doc(hidden)]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, Self::Data>;
    #[doc(hidden)]
    fn restore(data: Self::Data) -> R;
}

/// What becomes of a result.
#[derive(Debug)]
pub enum Keep<'r, D> {
    /// Stored, and shared with whoever waits for it.
    Store(&'r D),
    /// Shared with whoever waits, but not stored.
    Share(&'r D),
    /// The caller's alone.
    Drop,
}

/// The whole result is data.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<R: Data> Codec<R> for Plain {
    type Data = R;

    #[inline(always)]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, R> {
        Keep::Store(result)
    }

    #[inline(always)]
    fn restore(data: R) -> R {
        data
    }
}

/// The `Ok` of a `Result` is data; its error is the caller's.
#[derive(Clone, Copy, Debug)]
pub struct OkOnly;

impl<T: Data, E> Codec<Result<T, E>> for OkOnly {
    type Data = T;

    #[inline(always)]
    fn keep<'r>(&self, result: &'r Result<T, E>) -> Keep<'r, T> {
        match result {
            Ok(value) => Keep::Store(value),
            Err(_) => Keep::Drop,
        }
    }

    #[inline(always)]
    fn restore(data: T) -> Result<T, E> {
        Ok(data)
    }
}

/// Stored only when a condition of the user's says so.
#[derive(Clone, Copy, Debug)]
pub struct OnlyIf<C, F> {
    codec: C,
    condition: F,
}

/// Adds a condition to a codec.
pub fn only_if<C, F>(codec: C, condition: F) -> OnlyIf<C, F> {
    OnlyIf { codec, condition }
}

impl<R, C: Codec<R>, F: Fn(&R) -> bool> Codec<R> for OnlyIf<C, F> {
    type Data = C::Data;

    fn keep<'r>(&self, result: &'r R) -> Keep<'r, C::Data> {
        match self.codec.keep(result) {
            Keep::Store(data) if !(self.condition)(result) => Keep::Share(data),
            keep => keep,
        }
    }

    fn restore(data: C::Data) -> R {
        C::restore(data)
    }
}

/// Codec ids, one in every entry. They are stored: never give one a new meaning.
const BINARY: u8 = 1;
const TAGGED: u8 = 2;
const NUMBERS: u8 = 3;

/// What is known of how a function's values fare with the codecs. The shapes are those that bincode
/// was seen to carry.
#[derive(Debug)]
pub struct Trust {
    /// What is tried first.
    codec: AtomicU8,
    /// The shape of a value that bincode carried; 0 before the first.
    root: AtomicU64,
    shapes: Mutex<HashSet<u64, BuildHasherDefault<AsIs>>>,
    /// The length of the last value, as a guess of the next one's.
    len: AtomicU64,
}

/// Many calls may be waiting with such room each.
const LONGEST_GUESS: u64 = 64 * 1024;

/// Past so many shapes every value is checked instead.
const SHAPES: usize = 4096;

impl Trust {
    pub(crate) const fn new() -> Self {
        Self {
            codec: AtomicU8::new(BINARY),
            root: AtomicU64::new(0),
            shapes: Mutex::new(HashSet::with_hasher(BuildHasherDefault::new())),
            len: AtomicU64::new(8),
        }
    }

    /// How many bytes to make room for behind a key.
    pub(crate) fn expected_len(&self) -> usize {
        // Relaxed, here and below: each is a hint or stands for itself alone.
        let len = self.len.load(Ordering::Relaxed).min(LONGEST_GUESS);
        usize::try_from(len).unwrap_or(0)
    }

    fn knows(&self, shape: &shape::Shape) -> bool {
        shape.root == self.root.load(Ordering::Relaxed)
            && (shape.parts.is_empty() || {
                let known = self.shapes.lock();
                shape.parts.iter().all(|part| known.contains(part))
            })
    }

    fn learn(&self, shape: &shape::Shape) {
        self.root.store(shape.root, Ordering::Relaxed);
        let mut known = self.shapes.lock();
        if known.len() < SHAPES {
            known.extend(&shape.parts);
        }
    }
}

/// Encodes a value behind the key; the codec's id, or why no codec carries the value.
///
/// The user's `Serialize` and `Deserialize` run in here, and caching never loses a result: a panic
/// of theirs is a value that cannot be stored.
pub(crate) fn encode<T: Data>(value: &T, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    // What was written up to a panic is reset before it is used again.
    let attempt = catch(|| encode_checked(value, trust, into));
    let codec = attempt.unwrap_or_else(|| Err("its `Serialize` panicked".into()))?;
    let len = into.value().len() as u64;
    if len > MAX_VALUE {
        return Err("it is larger than an entry may be".into());
    }
    trust.len.store(len, Ordering::Relaxed);
    Ok(codec)
}

fn encode_checked<T: Data>(value: &T, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    if let Some(bytes) = numbers::encode(value) {
        into.push(bytes);
        return Ok(NUMBERS);
    }
    if trust.codec.load(Ordering::Relaxed) != TAGGED {
        if let Ok(shape) = binary::encode(value, into) {
            if trust.knows(&shape) {
                return Ok(BINARY);
            }
            if check(BINARY, value, into.value()).is_ok() {
                trust.learn(&shape);
                return Ok(BINARY);
            }
        }
        into.reset_value();
    }
    tagged::encode(value, into)?;
    check(TAGGED, value, into.value())?;
    // For good: where one value needs it, the next may.
    trust.codec.store(TAGGED, Ordering::Relaxed);
    Ok(TAGGED)
}

/// Whether a value comes back as it went.
fn check<T: Data>(codec: u8, value: &T, bytes: &[u8]) -> Result<(), String> {
    // Caught here, as a type may panic at what one codec makes of it and not at the other's.
    let checked = catch(|| compare_copy(codec, value, bytes));
    checked.unwrap_or_else(|| Err("its serde implementation panicked when it was read back".into()))
}

/// Decodes a value, and walks the copy against the original.
fn compare_copy<T: Data>(codec: u8, value: &T, bytes: &[u8]) -> Result<(), String> {
    let copy: T = decode_as(codec, bytes)?;
    let mut original = Vec::with_capacity(bytes.len());
    Encoder::new(&mut original).value(value).map_err(|_| take_refusal())?;
    let mut walk = Compare::new(&original);
    if Encoder::new(&mut walk).value(&copy).is_ok() && walk.is_at_end() {
        return Ok(());
    }
    let mut copied = Vec::with_capacity(bytes.len());
    Encoder::new(&mut copied).value(&copy).map_err(|_| take_refusal())?;
    if order::is_same_unordered(&original, &copied) {
        Ok(())
    } else {
        Err("it comes back from its serialized form as a different value".into())
    }
}

fn decode_as<T: Data>(codec: u8, bytes: &[u8]) -> Result<T, String> {
    match codec {
        BINARY => binary::decode(bytes).ok_or_else(|| "bincode cannot read it back".into()),
        TAGGED => tagged::decode(bytes).map_err(|error| error.to_string()),
        NUMBERS => numbers::decode(bytes).ok_or_else(|| "they are no such numbers".into()),
        _ => Err(format!("there is no codec {codec}")),
    }
}

/// The value that another process stored, if it is made of what that was.
///
/// Nothing says that those bytes were this type's: a panic at them is no reason to fail the call.
pub(crate) fn decode_stored<T: Data>(codec: u8, structure: u64, bytes: &[u8]) -> Option<T> {
    let decoded = catch(|| {
        let value: T = decode_as(codec, bytes).ok()?;
        (structure_of(&value) == Ok(structure)).then_some(value)
    });
    decoded.flatten()
}

/// What a value is made of, for [`decode_stored`]; nothing, if it does not say.
pub(crate) fn structure<T: Data>(value: &T) -> Option<u64> {
    catch(|| structure_of(value).ok()).flatten()
}

/// Whether to decode a value runs no code of the user's.
#[inline(always)]
pub(crate) fn is_plain<T>() -> bool {
    is_scalar::<T>()
}

/// The value of an entry; nothing where its bytes are not one, which the check makes unlikely.
///
/// A panic of the user's `Deserialize` is the caller's.
#[inline(always)]
pub(crate) fn decode<T: Data>(entry: View<'_>) -> Option<T> {
    if is_scalar::<T>() && entry.entry.codec() == BINARY {
        binary::decode(entry.value())
    } else {
        decode_composite(entry)
    }
}

/// As [`decode`], and nothing where a scalar would take a call to decode.
#[inline(always)]
pub(crate) fn decode_at_once<T: Data>(entry: View<'_>) -> Option<T> {
    if is_scalar::<T>() {
        binary::decode(entry.value_of(BINARY)?)
    } else {
        decode_composite(entry)
    }
}

// A call of its own, so that it is not inlined into every function that is memoized.
#[inline]
fn decode_composite<T: Data>(entry: View<'_>) -> Option<T> {
    match entry.entry.codec() {
        BINARY => binary::decode(entry.value()),
        codec => decode_as(codec, entry.value()).ok(),
    }
}

/// Shapes are hashes already.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a shape is a u64");
    }
    fn write_u64(&mut self, shape: u64) {
        self.0 = shape;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
