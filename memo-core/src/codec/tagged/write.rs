//! The writer: the key encoder, into an entry.

use serde::Serialize;

use crate::entry::Builder;
use crate::key::encoder::Encoder;
use crate::key::sink::{take_refusal, unless_refused, Sink, Stop};
use crate::key::unordered::Sorted;

/// # Errors
/// Why the value cannot be encoded.
pub(in crate::codec) fn encode<T: Serialize>(value: &T, into: &mut Builder) -> Result<(), String> {
    let walked = unless_refused(|| value.serialize(Encoder::new(&mut Out(into))));
    walked.map_err(|_| take_refusal())
}

struct Out<'b>(&'b mut Builder);

impl Sink for Out<'_> {
    type Unordered = Sorted;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.0.push(bytes);
        Ok(())
    }
}
