//! Why bytes are not read: one error for both readers, so that what a visitor does with a piece is
//! compiled once for the two.

use std::fmt;

use serde::de::value::Error as Words;
use serde::de::{self, Expected, Unexpected};

use crate::key::depth::TOO_DEEP;
use crate::key::sink::{note_refusal, take_refusal};

/// The bytes are not of the type, or the type asks for what they do not say.
///
/// Why, is beside it, so that each step of a hit returns no more than that it failed.
#[derive(Debug)]
pub(super) struct Unreadable;

impl Unreadable {
    #[cold]
    pub(super) fn new(why: &str) -> Self {
        note_refusal(why.into());
        Self
    }

    /// What is there is of another kind than what its type asks for.
    #[cold]
    pub(super) fn another() -> Self {
        Self::new("its type asks for something else than what it wrote")
    }

    #[cold]
    pub(super) fn told() -> Self {
        Self::new("nothing of this type is more than serde is told")
    }

    #[cold]
    pub(super) fn too_deep() -> Self {
        Self::new(TOO_DEEP)
    }

    #[cold]
    pub(super) fn no_number(tag: u8) -> Self {
        Self::said(&format_args!("there is no number with tag {tag}"))
    }

    /// The words of the thread's last one that has any.
    #[expect(clippy::unused_self, reason = "the words are an error's")]
    pub(super) fn why(self) -> String {
        take_refusal()
    }

    #[cold]
    #[inline(never)]
    fn said(message: &dyn fmt::Display) -> Self {
        note_refusal(message.to_string());
        Self
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not of this type")
    }
}

impl std::error::Error for Unreadable {}

/// serde's own words, made here and not in each program.
impl de::Error for Unreadable {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::said(&message)
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::said(&Words::invalid_type(found, expected))
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::said(&Words::invalid_value(found, expected))
    }

    #[cold]
    #[inline(never)]
    fn invalid_length(len: usize, expected: &dyn Expected) -> Self {
        Self::said(&Words::invalid_length(len, expected))
    }

    #[cold]
    #[inline(never)]
    fn unknown_variant(name: &str, variants: &'static [&'static str]) -> Self {
        Self::said(&Words::unknown_variant(name, variants))
    }

    #[cold]
    #[inline(never)]
    fn unknown_field(name: &str, fields: &'static [&'static str]) -> Self {
        Self::said(&Words::unknown_field(name, fields))
    }

    #[cold]
    #[inline(never)]
    fn missing_field(name: &'static str) -> Self {
        Self::said(&Words::missing_field(name))
    }

    #[cold]
    #[inline(never)]
    fn duplicate_field(name: &'static str) -> Self {
        Self::said(&Words::duplicate_field(name))
    }
}
