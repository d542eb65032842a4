//! How deep a value may nest, so that no walk over it runs out of stack.

/// Keys and values nested deeper than this are not cached.
///
/// Without optimization a level of a derived type takes up to some kilobytes of stack, and a thread
/// has two megabytes if nobody said otherwise: its owner's calls need most of that.
pub(crate) const LEVELS: u8 = 128;

/// What is said of a value that nests deeper.
pub(crate) const TOO_DEEP: &str = "it is nested deeper than 128 levels";

/// How much deeper a value may go from where a walk is.
///
/// Sequences, maps, tuples, structs and variants with content are a level each. `Some` and newtypes
/// hold one value and add nothing: around one of those they are none, in each other they are one
/// for every two, as a type may nest by them alone.
///
/// It is handed down by value: on the way up there is nothing to undo, and a scalar never asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth(pub(super) u32);

impl Depth {
    /// Two for each level, and one: the lowest bit is a `Some` or newtype to spare.
    pub(crate) const FULL: Self = Self(2 * LEVELS as u32 + 1);

    /// Within a level; nothing if that is one too many.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn inside(self) -> Option<Self> {
        Some(Self(self.0.checked_sub(2)? | 1))
    }

    /// Within a `Some` or a newtype.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn around(self) -> Option<Self> {
        Some(Self(self.0.checked_sub(1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(step: impl Fn(Depth) -> Option<Depth>) -> usize {
        std::iter::successors(Some(Depth::FULL), |&depth| step(depth)).count() - 1
    }

    #[test]
    fn a_level_is_one_with_or_without_a_newtype_around_it() {
        assert_eq!(count(Depth::inside), LEVELS.into());
        assert_eq!(count(|depth| depth.around()?.inside()), LEVELS.into());
        // The innermost one may hold an option of a number.
        let innermost = (0..LEVELS).fold(Depth::FULL, |depth, _| depth.inside().unwrap());
        assert!(innermost.around().is_some() && innermost.inside().is_none());
    }

    #[test]
    fn newtypes_in_newtypes_come_to_an_end() {
        assert_eq!(count(Depth::around), 2 * usize::from(LEVELS) + 1);
        assert_eq!(count(|depth| depth.around()?.around()?.inside()), usize::from(LEVELS) / 2);
    }
}
