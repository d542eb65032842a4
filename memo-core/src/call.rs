//! A call, from its arguments to its result: what the attributes' code calls.
//!
//! Arguments come in here, go down as a key, and come up as a result: a hit decodes what
//! [`cache`](crate::cache) finds, a miss takes the lead of a flight, looks into the store, runs the
//! body and stores what it returned. Only this room, the codecs and the encoder of keys are generic
//! over the user's types. It uses every room below, and nothing uses it. Start reading at
//! [`data`]; [`resource`] is the same for singletons.

pub mod data;
pub mod resource;
pub mod declared;
