//! Pins, holds and reclamation under `loom`: their own source, with what it needs of the rest put in
//! its place. `loom` goes through every order in which the operations of some threads can be, and every
//! value that an atomic load may have then; so it sees an ordering that is too weak, which a schedule
//! of whole operations does not, nor a processor that is stronger than the memory model.
//!
//! Pins have fences here: `membarrier`, which takes their place on Linux, is nothing that a model of the
//! language's memory knows of.
#![cfg(test)]

mod platform;
mod schedules;

/// The source that is tried.
#[path = "../../../memo-core/src"]
mod tried {
    pub(crate) mod reclaim;
}
use tried::reclaim;

mod clock {
    pub(crate) use std::time::Instant;
}

/// What is reported is that `membarrier` is refused, which is not asked for.
mod function {
    pub(crate) mod error {
        #[derive(Debug)]
        pub(crate) struct Error;

        pub(crate) enum Kind {
            Memory,
        }

        impl Error {
            pub(crate) fn new(_: Kind, _: &'static str, _: String) -> Self {
                Self
            }
        }

        pub(crate) fn report(error: &Error) {
            unreachable!("{error:?}")
        }
    }
}
