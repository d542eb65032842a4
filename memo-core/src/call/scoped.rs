//! Functions of sessions: which double a call speaks of, and whose flights it makes private.

use std::any::Any;

use super::{Memo, Static};
use crate::flight;
use crate::function::registry::Function;
use crate::function::session::{self, Double, Share};

/// What the static of a function with `scope = "session"` holds.
#[derive(Debug)]
pub struct Scoped(Static);

impl Scoped {
    /// The static of a function.
    #[must_use]
    pub const fn new(memo: Memo) -> Self {
        Self(Static::with_doubles(memo))
    }

    /// The function where this thread is: in a session its double there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn here(&'static self) -> &'static Static {
        if session::is_in_any() {
            self.inside()
        } else {
            &self.0
        }
    }

    #[inline(never)]
    fn inside(&'static self) -> &'static Static {
        let found = session::with_current(|session| {
            // Whatever is asked of it may find its way into what is computed around this.
            if let Some(flight) = flight::current() {
                flight.computes_for(session);
            }
            session.found(self.addr()).ok_or_else(|| Share::clone(session))
        });
        match found {
            None => &self.0,
            Some(Ok(double)) => Self::of(double),
            // Made where the session is not borrowed: one that is used again may drop what it has left.
            Some(Err(session)) => self.double(&session),
        }
    }

    fn double(&'static self, session: &Share) -> &'static Static {
        let make = |isolation| {
            let double: &'static Static = Box::leak(Box::new(self.0.double_of_session(isolation)));
            let function: &'static dyn Function = &double.outside().cache;
            Double { of: self.addr(), called: double, function }
        };
        Self::of(session.double(self.addr(), make))
    }

    fn of(double: &'static (dyn Any + Send + Sync)) -> &'static Static {
        match double.downcast_ref() {
            Some(double) => double,
            None => unreachable!("at each address there is one static"),
        }
    }

    fn addr(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
