//! A call, from its arguments to its result: what the attributes' code calls.
//!
//! Arguments come in here, go down as a key, and come up as a result. [`find`] answers a hit; a
//! [`miss`] takes the lead of a flight, looks into the store if there is one ([`stored`]), runs the
//! body, and stores what it returned. Data and resources take the same way: what differs is how an
//! entry holds a result and gives it back, which is the [`payload`].
//!
//! Only this room, the codecs and the encoder of keys are generic over the user's types. It uses
//! every room below, and none uses it. Start reading at [`find`].

mod memo;
pub(crate) mod isolated;
mod scoped;
pub(crate) mod declared;
mod payload;
mod resource;
mod kept;
pub(crate) mod errors;
pub(crate) mod lives;
mod condition;
pub(crate) mod retain;
mod find;
mod miss;
mod stored;
mod tasks;
mod companions;
mod explain;
mod watched;
mod verify;

pub use companions::{contains, contains_stored, get, insert, remove, Insert};
pub use condition::{is_enabled, only_if, uncached, OnlyIf};
pub use explain::explain;
pub use find::{enter, hit, look_again, refresh, Call};
pub use kept::{Clones, Kept};
pub use memo::{Memo, Static};
pub use miss::Miss;
pub use payload::{Bytes, Payload};
pub use resource::{Hooks, Resource};
pub use retain::{retain, retain_ok};
pub use scoped::Scoped;
pub use tasks::async_companions::{contains_async, get_async, insert_async, remove_async};
pub use tasks::async_miss::AsyncMiss;
pub use tasks::detached::Detached;
pub use tasks::refreshes::refreshed;

#[cfg(test)]
mod tests;
