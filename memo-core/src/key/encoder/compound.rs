//! A composite: its parts, one after the other.

use serde::ser::{self, Serialize};

use super::Encoder;
use crate::key::depth::Depth;
use crate::key::sink::{refuse, Sink, Stop};
use crate::key::sinks::{Hash, Seed, Written};
use crate::key::{tag, unsaid};

/// A composite under way: its parts, then [`tag::END`].
pub(crate) struct Compound<'s, S> {
    pub(super) sink: &'s mut S,
    /// Of each part.
    pub(super) depth: Depth,
    pub(super) parts: u32,
    pub(super) hidden: Hidden,
}

/// What a composite may be that does not say so.
#[derive(Clone, Copy)]
pub(super) enum Hidden {
    Nothing,
    /// A pair: a socket's address, if an address by reference and a port are what is in it.
    Pair,
    Address,
    /// A range, whose start has this hash, if there was one yet.
    Range(Option<u64>),
}

impl<S: Sink> Compound<'_, S> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn part<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Stop> {
        Encoder::at(&mut *self.sink, self.depth).value(part)
    }

    /// One of any number of parts.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn one_of_many<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Stop> {
        self.parts = self.parts.wrapping_add(1);
        self.sink.part()?;
        self.part(part)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, field: &T) -> Result<(), Stop> {
        if let Hidden::Range(start) = self.hidden {
            self.hidden = Hidden::Range(Some(not_the_same(start, field)?));
        }
        self.sink.field(name)?;
        self.part(field)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Stop> {
        self.hidden = match self.hidden {
            Hidden::Pair if unsaid::is_address::<T>() => Hidden::Address,
            Hidden::Address if unsaid::is_port::<T>() => return Err(refuse(unsaid::HIDDEN_SOCKET)),
            _ => Hidden::Nothing,
        };
        self.part(element)
    }
}

macro_rules! compound {
    ($($trait:ident: $method:ident($($name:ident)?) $part:ident;)*) => {$(
        impl<S: Sink> ser::$trait for Compound<'_, S> {
            type Ok = ();
            type Error = Stop;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn $method<T: ?Sized + Serialize>(
                &mut self,
                $($name: &'static str,)?
                part: &T,
            ) -> Result<(), Stop> {
                self.$part($($name,)? part)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn end(self) -> Result<(), Stop> {
                self.sink.tag(tag::END)
            }
        }
    )*};
}

compound! {
    SerializeTuple: serialize_element() element;
    SerializeTupleStruct: serialize_field() part;
    SerializeTupleVariant: serialize_field() part;
    SerializeStruct: serialize_field(name) field;
    SerializeStructVariant: serialize_field(name) field;
}

impl<S: Sink> ser::SerializeSeq for Compound<'_, S> {
    type Ok = ();
    type Error = Stop;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Stop> {
        self.one_of_many(element)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(self) -> Result<(), Stop> {
        self.sink.end(self.parts)
    }
}

impl<S: Sink> ser::SerializeMap for Compound<'_, S> {
    type Ok = ();
    type Error = Stop;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Stop> {
        self.one_of_many(key)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Stop> {
        self.part(value)
    }

    // As serde's own, which is not always inlined.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_entry<K: ?Sized + Serialize, V: ?Sized + Serialize>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        self.serialize_key(key)?;
        self.serialize_value(value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(self) -> Result<(), Stop> {
        self.sink.end(self.parts)
    }
}

/// A hash of a range's end, which must not be that of its start: only a range of one number and one
/// that is at its end have them alike.
#[cold]
#[inline(never)]
fn not_the_same<T: ?Sized + Serialize>(start: Option<u64>, field: &T) -> Result<u64, Stop> {
    let mut sink = Written::Bytes(Vec::new());
    Encoder::new(&mut sink).value(field)?;
    not_the_same_bytes(start, &sink.into_bytes())
}

fn not_the_same_bytes(start: Option<u64>, field: &[u8]) -> Result<u64, Stop> {
    const SEED: Seed = Seed::of([1, 0x9E37_79B9_7F4A_7C15, 3]);
    let mut sink = Hash::new(&SEED, true);
    sink.put(field)?;
    if start == Some(sink.finish()) {
        return Err(refuse(unsaid::HIDDEN_RANGE));
    }
    Ok(sink.finish())
}
