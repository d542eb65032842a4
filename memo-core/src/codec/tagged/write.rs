//! The writer: the key encoder, into an entry.

use serde::Serialize;

use crate::key::encoder::Encoder;
use crate::key::sink::{refuse, take_refusal, unless_refused, Sink, Stop};
use crate::key::tag;
use crate::key::unordered::Sorted;
use crate::key::unsaid::Unsaid;
use crate::memory::entry::Builder;

/// # Errors
/// Why the value cannot be encoded.
pub(in crate::codec) fn encode<T: Serialize>(value: &T, into: &mut Builder) -> Result<(), String> {
    let walked = unless_refused(|| Encoder::new(&mut Out(into)).value(value));
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

    fn unsaid(&mut self, unsaid: Unsaid) -> Result<(), Stop> {
        match unsaid {
            Unsaid::Socket { .. } => {
                self.tag(tag::UNSAID)?;
                self.put(&unsaid.words().map(u32::to_le_bytes).concat())
            }
            // Nothing makes a range that is at its end, but to go there.
            Unsaid::Exhausted => Err(refuse("it holds a `RangeInclusive` that is at its end")),
        }
    }
}
