//! A composite under way.

use serde::ser::{self, Serialize, SerializeSeq, Serializer};

use super::super::read::NOTHINGS;
use super::{Refused, Writer};
use crate::key::plain::is_scalar;
use crate::key::shape::{call, kind, mix};
use crate::key::unsaid;

pub(in crate::codec) struct Parts<'w, 'b> {
    /// Writes each part.
    writer: Writer<'w, 'b>,
    of: u64,
    /// The calls of the parts so far, in their order.
    made: u64,
    /// What the composite is to the one around it, where its parts do not decide that.
    answer: Option<u64>,
    /// Of a sequence or map: where its number of parts stands.
    count: Option<Count>,
}

struct Count {
    at: usize,
    written: usize,
    parts: usize,
    /// A map's key was written, and its value is not.
    owes_value: bool,
}

impl<'w, 'b> Parts<'w, 'b> {
    pub(super) fn new(writer: Writer<'w, 'b>, of: u64, made: u64, answer: Option<u64>) -> Self {
        Self { writer, of, made, answer, count: None }
    }

    /// Any number of parts, behind that number: this one, until it turns out otherwise.
    pub(super) fn counted(mut self, guess: usize) -> Result<Self, Refused> {
        let at = self.writer.out.into.value().len();
        self.writer.out.write(|to| to.serialize_seq(Some(guess)).map(drop))?;
        self.count = Some(Count { at, written: guess, parts: 0, owes_value: false });
        Ok(self)
    }

    /// One of any number of parts.
    fn one_of_many<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Refused> {
        if is_scalar::<T>() {
            self.writer.made(part).map(drop)
        } else {
            self.writer.part(self.of, part)
        }
    }

    /// One more element or key.
    fn count(&mut self) {
        if let Some(count) = &mut self.count {
            count.parts += 1;
        }
    }

    /// A key or a value, whose turn it must be: the format has nothing to tell them apart.
    fn one_of_entry<T: ?Sized + Serialize>(
        &mut self,
        part: &T,
        is_value: bool,
    ) -> Result<(), Refused> {
        match &mut self.count {
            Some(count) if count.owes_value == is_value => count.owes_value = !is_value,
            _ => return Err(self.writer.out.refuse()),
        }
        self.one_of_many(part)
    }

    fn element<T: ?Sized + Serialize>(&mut self, part: &T) -> Result<(), Refused> {
        // So a `SocketAddrV6` begins, where its type is not known.
        if self.writer.may_hide && unsaid::is_address::<T>() {
            return Err(self.writer.out.refuse());
        }
        self.next("", part)
    }

    fn next<T: ?Sized + Serialize>(&mut self, name: &str, part: &T) -> Result<(), Refused> {
        let made = self.writer.made(part)?;
        self.made = mix(self.made, mix(kind(call::FIELD, name, 0), made));
        Ok(())
    }

    fn end(mut self) -> Result<u64, Refused> {
        if let Some(count) = self.count.take() {
            self.close(&count)?;
        }
        match self.answer {
            None => Ok(self.made),
            Some(answer) => {
                if self.made != self.of {
                    self.writer.out.note(self.made, self.writer.ty);
                }
                Ok(answer)
            }
        }
    }

    /// Sets right how many parts there were.
    fn close(&mut self, count: &Count) -> Result<(), Refused> {
        let out = &mut *self.writer.out;
        if count.owes_value {
            return Err(out.refuse());
        }
        let start = count.at + size_of::<u64>();
        // The reader takes only so many parts of nothing on the word of the bytes.
        let bytes = out.into.value().len() - start;
        out.nothings = out.nothings.saturating_add(count.parts.saturating_sub(bytes));
        if out.nothings > NOTHINGS {
            return Err(out.refuse());
        }
        if count.parts != count.written {
            out.into.value_mut()[count.at..start]
                .copy_from_slice(&(count.parts as u64).to_le_bytes());
        }
        Ok(())
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?) = |$this:ident, $part:ident| $do:expr;)*) => {$(
        impl ser::$trait for Parts<'_, '_> {
            type Ok = u64;
            type Error = Refused;

            fn $method<T: ?Sized + Serialize>(
                &mut self,
                $($name: &'static str,)?
                $part: &T,
            ) -> Result<(), Refused> {
                let $this = self;
                $do
            }

            fn end(self) -> Result<u64, Refused> {
                Parts::end(self)
            }
        }
    )*};
}

parts! {
    SerializeTuple: serialize_element() = |this, part| this.element(part);
    SerializeTupleStruct: serialize_field() = |this, part| this.next("", part);
    SerializeTupleVariant: serialize_field() = |this, part| this.next("", part);
    SerializeStruct: serialize_field(name) = |this, part| this.next(name, part);
    SerializeStructVariant: serialize_field(name) = |this, part| this.next(name, part);
}

impl SerializeSeq for Parts<'_, '_> {
    type Ok = u64;
    type Error = Refused;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, element: &T) -> Result<(), Refused> {
        self.count();
        self.one_of_many(element)
    }

    fn end(self) -> Result<u64, Refused> {
        Parts::end(self)
    }
}

impl ser::SerializeMap for Parts<'_, '_> {
    type Ok = u64;
    type Error = Refused;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Refused> {
        self.count();
        self.one_of_entry(key, false)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refused> {
        self.one_of_entry(value, true)
    }

    fn end(self) -> Result<u64, Refused> {
        Parts::end(self)
    }
}
