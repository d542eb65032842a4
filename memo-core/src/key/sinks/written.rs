//! The sink of whatever is no hit.
//!
//! A type is compiled once for each sink that its values are walked into, which takes longer than
//! all else that a function with an attribute is compiled to. So whatever need not be as fast as a
//! hit goes through one sink, which asks at each piece what becomes of it; what it does then is
//! compiled with this crate.

use super::super::sink::{Sink, Stop, Unordered};
use super::super::unordered::Sorted;
use super::super::unsaid::Unsaid;
use super::super::Scope;
use super::keyed::Both;
use super::{Digest, Keyed};

#[derive(Debug)]
pub enum Written<'k> {
    Bytes(Vec<u8>),
    Keyed(Keyed<'k>),
    Digest(Box<Digest>),
}

impl Written<'_> {
    /// The bytes of what was written as such.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Keyed(_) | Self::Digest(_) => Vec::new(),
        }
    }
}

macro_rules! pieces {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        #[inline(never)]
        fn $method(&mut self, $($name: $type),*) -> Result<(), Stop> {
            match self {
                Self::Bytes(sink) => sink.$method($($name),*),
                Self::Keyed(sink) => sink.$method($($name),*),
                Self::Digest(sink) => sink.$method($($name),*),
            }
        }
    )*};
}

impl<'k> Sink for Written<'k> {
    type Unordered = Entries<'k>;

    every_piece!(pieces);
}

/// The entries of a map or set without an order.
#[derive(Debug)]
pub enum Entries<'k> {
    Sorted(Sorted),
    Keyed(Both<'k>),
}

impl<'k> Entries<'k> {
    #[inline(never)]
    fn next(&mut self) -> Written<'k> {
        match self {
            Self::Sorted(sorted) => Written::Bytes(sorted.lend()),
            Self::Keyed(both) => Written::Keyed(both.next()),
        }
    }

    #[inline(never)]
    fn take(&mut self, entry: Written<'k>) -> Result<(), Stop> {
        match (self, entry) {
            (Self::Sorted(sorted), Written::Bytes(bytes)) => {
                sorted.take_back(bytes);
                Ok(())
            }
            (Self::Keyed(both), Written::Keyed(entry)) => both.take(entry),
            _ => unreachable!("an entry comes back as it was handed out"),
        }
    }
}

impl<'k> Unordered<Written<'k>> for Entries<'k> {
    type Inner = Written<'k>;

    #[inline(never)]
    fn open(sink: &Written<'k>) -> Self {
        match sink {
            Written::Keyed(sink) => Self::Keyed(Both::open(sink)),
            Written::Bytes(_) | Written::Digest(_) => Self::Sorted(Sorted::take()),
        }
    }

    fn entry(
        &mut self,
        encode: impl FnOnce(&mut Written<'k>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut entry = self.next();
        encode(&mut entry)?;
        self.take(entry)
    }

    #[inline(never)]
    fn close(self, tag: u8, sink: &mut Written<'k>) -> Result<(), Stop> {
        match (self, sink) {
            (Self::Keyed(both), Written::Keyed(sink)) => both.close(tag, sink),
            (Self::Sorted(sorted), sink) => sorted.close(tag, sink),
            (Self::Keyed(_), _) => unreachable!("entries go where they came from"),
        }
    }
}
