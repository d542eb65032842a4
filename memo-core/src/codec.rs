//! Values to bytes and back: two codecs, and the check that decides between them.
//!
//! bincode is fast and cannot represent everything; what it cannot, it may get *silently* wrong (a
//! tuple struct with `skip_serializing_if` just has fewer fields). The tagged codec is the key
//! encoding read back: self-describing, complete, slower. So a value is trusted to a codec only
//! after a check: it is decoded again and walked against the original. What goes to bincode is
//! checked while its [shape](crate::key::shape) is new, and [now and then](trust) after that; what goes to the
//! tagged codec is checked always, because an `untagged` enum decodes by the value itself.

pub mod bulk;
mod binary;
mod check;
mod numbers;
mod order;
mod tagged;
mod trust;
mod unreadable;
mod value;
#[cfg(memo_fuzz)]
pub(crate) mod fuzzed;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::key::plain::is_scalar;
use crate::key::shape::Shape;
use crate::key::structure::{structure_of, with_asked};
use crate::memory::entry::{Builder, View, MAX_VALUE};
use crate::platform::unwind::catch;

pub(crate) use check::is_same;
use check::{check, Unlike};
pub(crate) use trust::Trust;
pub(crate) use value::Value;

/// A type whose values can be stored: serialized on a miss, a fresh one on every hit.
#[diagnostic::on_unimplemented(
    message = "a result of type `{Self}` cannot be stored: it is not `Serialize` and `DeserializeOwned`",
    label = "not `Serialize + DeserializeOwned`, so it cannot be stored",
    note = "check whether the crate that defines it has a `serde` feature; a type of your own derives them: `#[derive(serde::Serialize, serde::Deserialize)]`",
    note = "`Rc` and `Arc` take serde's feature `rc`; an array `[T; N]` or of more than 32 takes the crate `serde-big-array` in a struct; what borrows does not come back from bytes",
    note = "or keep it as it is and hand out clones, `#[memo(clone)]`, or share one instance, `#[singleton]`"
)]
pub trait Data: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Data for T {}

/// What of a function's result `R` is stored.
pub trait Part<R> {
    #[doc(hidden)]
    type Data;
    /// What the user is shown of it: the same, but where the type was refused.
    #[doc(hidden)]
    type Shown;
    /// Whether what it keeps is for code of the user's to say.
    #[doc(hidden)]
    const ASKS: bool = false;
    /// Whether the function may have a store: what only that takes is not compiled for others.
    #[doc(hidden)]
    const HAS_STORE: bool = false;
    /// Whether each result is asked for how long it lives.
    #[doc(hidden)]
    const HAS_TTL: bool = false;
    #[doc(hidden)]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, Self::Data>;
    #[doc(hidden)]
    fn shown(data: &Self::Data) -> &Self::Shown;
    /// How long this one lives, if it is for code of the user's to say.
    #[doc(hidden)]
    fn ttl(&self, _: &Self::Data) -> Option<Duration> {
        None
    }
    /// What [`keep`](Self::keep) refers to, of a result that nobody else needs.
    #[doc(hidden)]
    fn into_data(result: R) -> Option<Self::Data>;
    #[doc(hidden)]
    fn restore(data: Self::Data) -> R;
    /// The result, where it is what is stored.
    #[doc(hidden)]
    fn whole(_: &Self::Data) -> Option<&R> {
        None
    }
}

/// What of a function's result `R` is stored, as bytes.
pub trait Codec<R>: Part<R, Data: Data> {}

impl<R, P: Part<R, Data: Data>> Codec<R> for P {}

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

impl<R> Part<R> for Plain {
    type Data = R;
    type Shown = R;

    fn shown(data: &R) -> &R {
        data
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn keep<'r>(&self, result: &'r R) -> Keep<'r, R> {
        Keep::Store(result)
    }

    fn into_data(result: R) -> Option<R> {
        Some(result)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn restore(data: R) -> R {
        data
    }

    fn whole(data: &R) -> Option<&R> {
        Some(data)
    }
}

/// The `Ok` of a `Result` is data; its error is the caller's.
#[derive(Clone, Copy, Debug)]
pub struct OkOnly;

impl<T, E> Part<Result<T, E>> for OkOnly {
    type Data = T;
    type Shown = T;

    fn shown(data: &T) -> &T {
        data
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn keep<'r>(&self, result: &'r Result<T, E>) -> Keep<'r, T> {
        match result {
            Ok(value) => Keep::Store(value),
            Err(_) => Keep::Drop,
        }
    }

    fn into_data(result: Result<T, E>) -> Option<T> {
        result.ok()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn restore(data: T) -> Result<T, E> {
        Ok(data)
    }
}

/// Codec ids, one in every entry. They are stored: never give one a new meaning. 3 was the bytes of
/// a `Vec` of numbers as they lie in memory.
const BINARY: u8 = 1;
const TAGGED: u8 = 2;

/// Encodes a value behind the key; the codec's id, or why no codec carries the value.
///
/// The user's `Serialize` and `Deserialize` run in here, and caching never loses a result: a panic
/// of theirs is a value that cannot be stored.
pub(crate) fn encode(value: &dyn Value, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    // What was written up to a panic is reset before it is used again.
    let attempt = catch(|| encode_checked(value, trust, into));
    let codec = attempt.unwrap_or_else(|| Err("its `Serialize` panicked".into()))?;
    let len = into.value().len() as u64;
    if len > MAX_VALUE {
        return Err("it is larger than an entry may be".into());
    }
    trust.set_len(len);
    Ok(codec)
}

fn encode_checked(value: &dyn Value, trust: &Trust, into: &mut Builder) -> Result<u8, String> {
    if trust.is_binary() {
        if let Ok(shape) = binary::encode(value, into) {
            if value.is_as_is() || trust.takes(&shape) {
                return Ok(BINARY);
            }
            if judged(check(BINARY, value, into.value()), trust, &shape) {
                return Ok(BINARY);
            }
        }
        into.reset_value();
    }
    tagged::encode(value, into)?;
    match check(TAGGED, value, into.value()) {
        Ok(()) => {
            trust.set_tagged();
            Ok(TAGGED)
        }
        Err(unlike) => Err(unlike.why()),
    }
}

/// Whether bincode carried a value of this shape, which is noted.
fn judged(checked: Result<(), Unlike>, trust: &Trust, shape: &Shape) -> bool {
    match checked {
        Ok(()) => trust.carried(shape),
        // What cannot be read back is noticed by whoever reads it.
        Err(Unlike::Unreadable(_)) => return false,
        Err(Unlike::Different) => {
            trust.came_back_different(shape);
            return false;
        }
    }
    true
}

/// Whether values of the type are read by no code but serde's, which is known to carry them.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_as_is<T>() -> bool {
    is_scalar::<T>() || numbers::is_vec::<T>()
}

fn decode_as<T: Data>(codec: u8, bytes: &[u8]) -> Result<T, String> {
    match codec {
        BINARY => match binary::decode(bytes) {
            Some(value) => Ok(value),
            None => Err("bincode cannot read it back".into()),
        },
        TAGGED => match tagged::decode(bytes) {
            Ok(value) => Ok(value),
            Err(error) => Err(error.why()),
        },
        _ => Err(format!("there is no codec {codec}")),
    }
}

/// The value that another process stored, if it is made of what that was.
///
/// Nothing says that those bytes were this type's: a panic at them is no reason to fail the call.
pub(crate) fn decode_stored<T: Data>(codec: u8, structure: u64, bytes: &[u8]) -> Option<T> {
    let decoded = catch(|| {
        let (value, asked) = decode_asked::<T>(codec, bytes)?;
        let of_value = structure_of(&value).ok()?;
        (with_asked(of_value, asked) == structure).then_some(value)
    });
    decoded.flatten()
}

/// What a value is made of, for [`decode_stored`], and what its type is; nothing, if it does not say.
pub(crate) fn structure<T: Data>(value: &T, entry: View<'_>) -> Option<u64> {
    let structure = catch(|| {
        let of_value = structure_of(value).ok()?;
        let (codec, bytes) = (entry.entry.codec(), entry.value());
        let asked = if codec == TAGGED { decode_asked::<T>(codec, bytes)?.1 } else { None };
        Some(with_asked(of_value, asked))
    });
    structure.flatten()
}

/// A value, and what its type asked for that the value may not say: a field that is left out where
/// it has its default.
///
/// bincode leaves nothing out: the value says it all.
fn decode_asked<T: Data>(codec: u8, bytes: &[u8]) -> Option<(T, Option<u64>)> {
    if codec == TAGGED {
        let (value, asked) = tagged::decode_asked(bytes).ok()?;
        return Some((value, Some(asked)));
    }
    decode_as(codec, bytes).ok().map(|value| (value, None))
}

/// Whether to decode a value runs no code of the user's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn is_plain<T>() -> bool {
    is_scalar::<T>()
}

/// The value of an entry; nothing where its bytes are not one, which the check makes unlikely.
///
/// A panic of the user's `Deserialize` is the caller's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn decode<T: Data>(entry: View<'_>) -> Option<T> {
    if is_scalar::<T>() && entry.entry.codec() == BINARY {
        binary::decode(entry.value())
    } else {
        decode_composite(entry)
    }
}

/// As [`decode`], and nothing where a scalar would take a call to decode.
#[cfg_attr(not(debug_assertions), inline(always))]
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
        TAGGED => tagged::decode(entry.value()).ok(),
        // What other entries have there is not read as bytes.
        _ => None,
    }
}

#[cfg(test)]
mod tests;
