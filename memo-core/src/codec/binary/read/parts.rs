//! The parts of a composite: as many as its type has, or as many as the bytes say.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::{Rest, Value};
use crate::codec::unreadable::Unreadable;
use crate::key::depth::Depth;

/// So many parts, or less, which a visitor of the type knows.
pub(super) struct Parts<'r, 'de> {
    pub(super) rest: &'r mut Rest<'de>,
    /// Of each part.
    pub(super) depth: Depth,
    pub(super) left: usize,
}

impl<'de> Parts<'_, 'de> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unreadable> {
        seed.deserialize(Value { rest: &mut *self.rest, depth: self.depth })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unreadable> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.part(seed).map(Some)
    }

    /// As many as can be there: who makes room for them does not know where the number is from.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn expected(&self) -> usize {
        self.left.min(self.rest.bytes.len())
    }

    /// Has all parts read.
    ///
    /// # Errors
    /// The visitor left some; or there are more than bytes, and not as few as may have none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn all<T>(
        &mut self,
        visit: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        let (count, before) = (self.left, self.rest.bytes.len());
        if count > before && count - before > self.rest.nothings {
            return Err(Unreadable);
        }
        let value = visit(self)?;
        let read = before - self.rest.bytes.len();
        if count > read {
            let nothings = self.rest.nothings.checked_sub(count - read);
            self.rest.nothings = nothings.ok_or(Unreadable)?;
        }
        if self.left == 0 {
            Ok(value)
        } else {
            Err(Unreadable)
        }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Unreadable;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        self.next(seed)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size_hint(&self) -> Option<usize> {
        Some(self.expected())
    }
}

/// The same, of which none is to be left.
pub(super) struct AllParts<'p, 'r, 'de>(pub(super) &'p mut Parts<'r, 'de>);

impl<'de> SeqAccess<'de> for AllParts<'_, '_, 'de> {
    type Error = Unreadable;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        self.0.next(seed)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.expected())
    }
}

/// The entries of a map, of which none is to be left, nor its value.
pub(super) struct AllEntries<'p, 'r, 'de> {
    pub(super) parts: &'p mut Parts<'r, 'de>,
    /// A key was taken, and its value is not.
    pub(super) owes_value: &'p mut bool,
}

impl<'de> MapAccess<'de> for AllEntries<'_, '_, 'de> {
    type Error = Unreadable;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unreadable> {
        if *self.owes_value {
            return Err(Unreadable);
        }
        let key = self.parts.next(seed)?;
        *self.owes_value = key.is_some();
        Ok(key)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Unreadable> {
        *self.owes_value = false;
        self.parts.part(seed)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size_hint(&self) -> Option<usize> {
        Some(self.parts.expected())
    }
}
