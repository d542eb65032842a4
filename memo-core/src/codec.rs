//! Values to bytes and back: two codecs, and the check that decides between them.
//!
//! bincode is fast and cannot represent everything; what it cannot, it may get *silently* wrong (a
//! tuple struct with `skip_serializing_if` just has fewer fields). The tagged codec is the key
//! encoding read back: self-describing, complete, slower. So a value is trusted to a codec only
//! after a check: it is decoded again and walked against the original. What goes to bincode is
//! checked when it is a function's first value, and whenever its [shape](shape) is new; what goes to
//! the tagged codec is checked always, because an `untagged` enum decodes by the value itself.

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

use crate::entry::{Builder, View};
use crate::key::encoder::Encoder;
use crate::key::sink::take_refusal;
use crate::key::sinks::Compare;
use crate::key::structure::structure_of;
use crate::unwind::catch;

/// A type whose values can be stored: serialized on a miss, a fresh one on every hit.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot be stored: it is not `Serialize` and `DeserializeOwned`",
    label = "not `Serialize + DeserializeOwned`, so it cannot be stored",
    note = "derive them: `#[derive(serde::Serialize, serde::Deserialize)]` on the type",
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

/// Picks the codec of a declared type: `Pick::<R>::new().pick()`.
///
/// The method found first is the one for a type that *is* a `Result`, through whatever alias; all
/// others are found one dereference later. A type parameter is no `Result` where the macro's code
/// is checked, whatever it stands for. Neither method has a bound: those are on [`Codec`], so that
/// an unmet one is reported about the user's type.
#[derive(Debug)]
pub struct Pick<R>(Otherwise<R>);

#[doc(hidden)]
#[derive(Debug)]
pub struct Otherwise<R>(std::marker::PhantomData<fn() -> R>);

impl<R> Pick<R> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(Otherwise(std::marker::PhantomData))
    }
}

impl<R> Default for Pick<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Pick<Result<T, E>> {
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn pick(&self) -> OkOnly {
        OkOnly
    }
}

impl<R> Otherwise<R> {
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub const fn pick(&self) -> Plain {
        Plain
    }
}

impl<R> std::ops::Deref for Pick<R> {
    type Target = Otherwise<R>;

    fn deref(&self) -> &Otherwise<R> {
        &self.0
    }
}

/// Codec ids, one in every entry. They are stored: never give one a new meaning.
const BINARY: u8 = 1;
const TAGGED: u8 = 2;
const NUMBERS: u8 = 3;

/// What is known of how a function's values fare with the codecs. The shapes are those that bincode
/// was seen to carry.
#[derive(Debug)]
pub(crate) struct Trust {
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
pub(crate) fn encode<T: Data>(value: &T, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    // The user's `Serialize` and `Deserialize` run in here, and caching never fails a call: a
    // panic of theirs is a value that cannot be stored. `into` is reset before it is used again.
    let attempt = catch(|| encode_checked(value, trust, into));
    let codec = attempt.unwrap_or_else(|| Err("its serde implementation panicked".into()))?;
    trust.len.store(into.value().len() as u64, Ordering::Relaxed);
    Ok(codec)
}

fn encode_checked<T: Data>(value: &T, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    if let Some(bytes) = numbers::encode(value) {
        into.push(bytes);
        return Ok(NUMBERS);
    }
    if trust.codec.load(Ordering::Relaxed) != TAGGED {
        let shape = shape::of(value);
        let is_known = shape.as_ref().is_ok_and(|shape| trust.knows(shape));
        let carried = encode_as(BINARY, value, into).and_then(|()| {
            if is_known {
                Ok(())
            } else {
                check(BINARY, value, into.value())
            }
        });
        if carried.is_ok() {
            if let (false, Ok(shape)) = (is_known, &shape) {
                trust.learn(shape);
            }
            return Ok(BINARY);
        }
        into.reset_value();
    }
    encode_as(TAGGED, value, into)?;
    check(TAGGED, value, into.value())?;
    // For good: where one value needs it, the next may.
    trust.codec.store(TAGGED, Ordering::Relaxed);
    Ok(TAGGED)
}

fn encode_as<T: Data>(codec: u8, value: &T, into: &mut Builder) -> Result<(), String> {
    match codec {
        BINARY => binary::encode(value, into),
        _ => value.serialize(Encoder(into)).map_err(|_| take_refusal()),
    }
}

/// Whether a value comes back as it went: decodes it, and walks the copy against the original.
fn check<T: Data>(codec: u8, value: &T, bytes: &[u8]) -> Result<(), String> {
    let copy: T = decode_as(codec, bytes)?;
    let mut original = Vec::with_capacity(bytes.len());
    value.serialize(Encoder(&mut original)).map_err(|_| take_refusal())?;
    let mut walk = Compare::new(&original);
    if copy.serialize(Encoder(&mut walk)).is_ok() && walk.is_at_end() {
        return Ok(());
    }
    let mut copied = Vec::with_capacity(bytes.len());
    copy.serialize(Encoder(&mut copied)).map_err(|_| take_refusal())?;
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

/// The value of an entry; nothing where its bytes are not one, which the check makes unlikely.
#[inline(always)]
pub(crate) fn decode<T: Data>(entry: View<'_>) -> Option<T> {
    if shape::is_scalar::<T>() && entry.entry.codec() == BINARY {
        binary::decode(entry.value())
    } else {
        decode_caught(entry)
    }
}

/// As [`decode`], and nothing where a scalar would take a call to decode.
#[inline(always)]
pub(crate) fn decode_at_once<T: Data>(entry: View<'_>) -> Option<T> {
    if shape::is_scalar::<T>() {
        binary::decode(entry.value_of(BINARY)?)
    } else {
        decode_caught(entry)
    }
}

/// With the user's `Deserialize` at work, whose panic is no reason to fail the call.
#[inline]
fn decode_caught<T: Data>(entry: View<'_>) -> Option<T> {
    let bytes = entry.value();
    let decoded = catch(|| match entry.entry.codec() {
        BINARY => binary::decode(bytes),
        codec => decode_as(codec, bytes).ok(),
    });
    decoded.flatten()
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
