//! Whether a value comes back from its bytes as it went.

use super::{order, Value};
use crate::key::encoding_of;
use crate::key::sink::{take_refusal, Stop};
use crate::platform::unwind::catch;

/// How a value does not come back as it went.
pub(super) enum Unlike {
    /// It does not come back.
    Unreadable(String),
    /// It comes back as another.
    Different,
}

impl Unlike {
    pub(super) fn why(self) -> String {
        match self {
            Self::Unreadable(why) => why,
            Self::Different => "it comes back from its serialized form as a different value".into(),
        }
    }
}

/// Whether a value comes back as it went.
pub(super) fn check(codec: u8, value: &dyn Value, bytes: &[u8]) -> Result<(), Unlike> {
    // Caught here, as a type may panic at what one codec makes of it and not at the other's.
    match catch(|| compare_copy(codec, value, bytes)) {
        Some(checked) => checked,
        None => {
            let why = "its serde implementation panicked when it was read back";
            Err(Unlike::Unreadable(why.into()))
        }
    }
}

/// Decodes a value, and walks the copy against the original.
fn compare_copy(codec: u8, value: &dyn Value, bytes: &[u8]) -> Result<(), Unlike> {
    let mut unreadable = None;
    let copied = encoding_of(bytes.len(), &mut |sink| {
        value.write_copy(codec, bytes, sink).unwrap_or_else(|why| {
            unreadable = Some(why);
            Err(Stop::Refused)
        })
    });
    if let Some(why) = unreadable {
        return Err(Unlike::Unreadable(why));
    }
    let copied = copied.map_err(|_| refused())?;
    match encoding_of(bytes.len(), &mut |sink| value.write(sink)) {
        Ok(original) => compare(&original, &copied),
        Err(_) => Err(refused()),
    }
}

/// Whether two values are the same, as far as their encodings say it; nothing, if one has none.
pub(crate) fn is_same(one: &dyn Value, other: &dyn Value) -> Option<bool> {
    let encoded = |value: &dyn Value| encoding_of(0, &mut |sink| value.write(sink)).ok();
    Some(compare(&encoded(one)?, &encoded(other)?).is_ok())
}

/// The last encoding could not be made.
fn refused() -> Unlike {
    Unlike::Unreadable(take_refusal())
}

/// Compares the encodings of a value and of its copy.
fn compare(original: &[u8], copied: &[u8]) -> Result<(), Unlike> {
    if original == copied || order::is_same_unordered(original, copied) {
        Ok(())
    } else {
        Err(Unlike::Different)
    }
}
