//! What an encoding is walked into, piece by piece.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::unsaid::Unsaid;
use super::{tag, Scope};

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The comparison found a difference.
    Differs,
    /// The encoding is longer than [`VERBATIM`].
    Long,
    /// The value is not to be encoded, says its `Serialize` or the sink; [`take_refusal`] has why.
    Refused,
}

thread_local! {
    // Beside the walk rather than in `Stop`, so that each step of a hit returns one byte.
    static REFUSAL: RefCell<String> = const { RefCell::new(String::new()) };
    /// How often a walk of this thread was refused here, not by a `Serialize`.
    static REFUSALS: Cell<u32> = const { Cell::new(0) };
}

/// The words of the last `Stop::Refused` of this thread.
pub(crate) fn take_refusal() -> String {
    REFUSAL.try_with(RefCell::take).unwrap_or_default()
}

impl serde::ser::Error for Stop {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        refused(message.to_string())
    }
}

fn refused(why: String) -> Stop {
    note_refusal(why);
    Stop::Refused
}

/// Has these be the words that [`take_refusal`] gives.
pub(crate) fn note_refusal(why: String) {
    let _ = REFUSAL.try_with(|refusal| refusal.replace(why));
}

/// Refuses a value that no sink can do justice to.
#[cold]
pub(crate) fn refuse(why: &str) -> Stop {
    let _ = REFUSALS.try_with(|refusals| refusals.set(refusals.get().wrapping_add(1)));
    refused(why.into())
}

/// What a walk comes to, unless anything in it was refused: a `Serialize` may go on after an error,
/// and what is left of the value then is not to be kept in its place.
pub(crate) fn unless_refused<T>(walk: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    let refusals = || REFUSALS.try_with(Cell::get).unwrap_or_default();
    let before = refusals();
    let walked = walk()?;
    if refusals() == before {
        Ok(walked)
    } else {
        Err(Stop::Refused)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Differs => "the encodings differ",
            Self::Long => "the encoding is long",
            Self::Refused => "the value cannot be encoded",
        })
    }
}

impl std::error::Error for Stop {}

/// A receiver of an encoding, piece by piece.
///
/// The provided methods spell the encoding for the sinks that want its bytes; the hash sink
/// overrides them, because a piece as a whole takes fewer steps than its bytes.
pub trait Sink: Sized {
    /// Collects a map or set that has no order.
    type Unordered: Unordered<Self>;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop>;

    /// A tag; what it announces follows.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn tag(&mut self, tag: u8) -> Result<(), Stop> {
        self.put(&[tag])
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn number(&mut self, tag: u8, number: u64, width: usize) -> Result<(), Stop> {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        self.put(&bytes[..=width])
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn wide(&mut self, tag: u8, number: u128) -> Result<(), Stop> {
        self.tag(tag)?;
        self.put(&number.to_le_bytes())
    }

    /// Short lengths take one byte.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn len(&mut self, len: usize) -> Result<(), Stop> {
        match u8::try_from(len) {
            Ok(len) if len < u8::MAX => self.put(&[len]),
            _ => {
                self.put(&[u8::MAX])?;
                self.put(&(len as u64).to_le_bytes())
            }
        }
    }

    /// The name of a struct's field, whose value follows.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field(&mut self, name: &'static str) -> Result<(), Stop> {
        self.tag(tag::FIELD)?;
        self.name(name)
    }

    /// One of any number of parts follows: the place to stop at, if there are too many.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn name(&mut self, name: &'static str) -> Result<(), Stop> {
        self.len(name.len())?;
        self.put(name.as_bytes())
    }

    /// A tag and the name of a struct.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn named(&mut self, tag: u8, name: &'static str) -> Result<(), Stop> {
        self.tag(tag)?;
        self.name(name)
    }

    /// An enum's name and its variant, and the tag of what the variant holds.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        content: u8,
    ) -> Result<(), Stop> {
        self.named(tag::VARIANT, name)?;
        self.put(&index.to_le_bytes())?;
        self.name(variant)?;
        self.tag(content)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.tag(tag)?;
        self.len(bytes.len())?;
        self.put(bytes)
    }

    /// The bytes of a slice of `count` numbers.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn numbers(&mut self, tag: u8, count: usize, bytes: &[u8]) -> Result<(), Stop> {
        self.put(&[tag::NUMBERS, tag])?;
        self.len(count)?;
        self.put(bytes)
    }

    /// The end of a sequence or map, which had so many parts.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(&mut self, _parts: u32) -> Result<(), Stop> {
        self.tag(tag::END)
    }

    /// What serde is not told of the value that follows.
    fn unsaid(&mut self, unsaid: Unsaid) -> Result<(), Stop> {
        self.tag(tag::UNSAID)?;
        self.put(&unsaid.words().map(u32::to_le_bytes).concat())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scope(&mut self, scope: Scope) -> Result<(), Stop> {
        self.put(&scope.bytes())
    }
}

/// How many bytes [`Sink::len`] spells a length with.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn len_of_len(len: usize) -> usize {
    if len < usize::from(u8::MAX) {
        1
    } else {
        1 + size_of::<u64>()
    }
}

/// Collects the entries of a map or set without an order, then hands them to its sink.
pub trait Unordered<S: Sink>: Sized {
    type Inner: Sink;
    fn open(sink: &S) -> Self;
    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Self::Inner) -> Result<(), Stop>,
    ) -> Result<(), Stop>;
    fn close(self, tag: u8, sink: &mut S) -> Result<(), Stop>;
}
