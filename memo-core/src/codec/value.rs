//! A value that is to be encoded, whatever its type: so that what an encoding and its check take is
//! compiled once for all types.

use super::binary::{Out, Refused, Writer};
use super::{decode_as, is_as_is, Data};
use crate::key::depth::Depth;
use crate::key::encoder::Encoder;
use crate::key::shape::type_of;
use crate::key::sink::Stop;
use crate::key::sinks::Written;

pub(crate) trait Value {
    /// Writes it as the key encoder does.
    fn write(&self, sink: &mut Written<'_>) -> Result<(), Stop>;

    /// Writes it in the binary format; what it answers is the kind of call that it made.
    fn write_binary(&self, out: &mut Out<'_>) -> Result<u64, Refused>;

    /// Reads a copy of it, and writes that as [`write`](Self::write) does.
    ///
    /// # Errors
    /// It is not read back, for this reason.
    fn write_copy(
        &self,
        codec: u8,
        bytes: &[u8],
        sink: &mut Written<'_>,
    ) -> Result<Result<(), Stop>, String>;

    /// What tells its type from others.
    fn ty(&self) -> u64;

    /// Whether it is read by no code but serde's, which is known to carry it.
    fn is_as_is(&self) -> bool;
}

impl<T: Data> Value for T {
    fn write(&self, sink: &mut Written<'_>) -> Result<(), Stop> {
        Encoder::new(sink).value(self)
    }

    fn write_binary(&self, out: &mut Out<'_>) -> Result<u64, Refused> {
        Writer::write(out, Depth::FULL, self)
    }

    fn write_copy(
        &self,
        codec: u8,
        bytes: &[u8],
        sink: &mut Written<'_>,
    ) -> Result<Result<(), Stop>, String> {
        match decode_as::<T>(codec, bytes) {
            Ok(copy) => Ok(Value::write(&copy, sink)),
            Err(why) => Err(why),
        }
    }

    fn ty(&self) -> u64 {
        type_of::<T>()
    }

    fn is_as_is(&self) -> bool {
        is_as_is::<T>()
    }
}
