//! What goes on beside the call that began it, and is part of the isolation and the session in which that
//! was made.

use std::any::Any;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::pool::{InBackground, Job};
use super::spawner::BoxFuture;
use crate::function::isolation::{self, Isolation, Share, Visit};
use crate::function::session;
use crate::platform::unwind::{catch, discard};
use crate::reclaim::Aside;

/// This thread is in an isolation.
pub(crate) struct Inside {
    /// Both are held for their drops.
    _visit: Visit,
    _aside: Aside,
}

impl Inside {
    pub(crate) fn new(isolation: &'static Isolation) -> Self {
        Self { _visit: isolation.visit(), _aside: Aside::new() }
    }
}

/// Where something is made, which is done there: in an isolation, in a session, in both or in neither.
struct Place {
    isolation: Option<Share>,
    session: Option<session::Share>,
}

/// This thread is in such a place.
struct There {
    /// Both are held for their drops.
    _session: Option<session::Visit>,
    _isolation: Option<Inside>,
}

impl Place {
    fn here() -> Self {
        let isolation = isolation::current().map(Isolation::share);
        Self { isolation, session: session::current() }
    }

    fn is_any(&self) -> bool {
        self.isolation.is_some() || self.session.is_some()
    }

    /// Whether what was made there is not to be begun any more.
    fn is_over(&self) -> bool {
        self.isolation.as_ref().is_some_and(|share| share.0.is_over())
            || self.session.as_ref().is_some_and(|share| share.is_over())
    }

    fn enter(&self) -> There {
        let isolation = self.isolation.as_ref().map(|share| Inside::new(share.0));
        There { _session: self.session.as_ref().map(session::Visit::new), _isolation: isolation }
    }
}

/// A job that is part of the isolation and the session in which it is made: it is not begun after the end
/// of either.
pub(crate) fn carried(job: Job) -> Job {
    let place = Place::here();
    if !place.is_any() {
        return job;
    }
    Box::new(move || {
        let place = place;
        if !place.is_over() {
            let _there = place.enter();
            job();
        }
    })
}

/// The same of a task, whenever it is polled and when it is dropped.
pub(crate) struct Carried {
    /// Nothing, once it has ended.
    future: Option<BoxFuture>,
    place: Place,
    has_begun: bool,
    is_background: bool,
}

impl Carried {
    pub(crate) fn new(future: BoxFuture) -> Self {
        let place = Place::here();
        Self { future: Some(future), place, has_begun: false, is_background: false }
    }

    /// What it does is done in the background.
    pub(crate) fn in_background(mut self) -> Self {
        self.is_background = true;
        self
    }

    /// Ends it, where it is from. What it drops is the user's, who may panic there.
    pub(crate) fn end(&mut self) {
        if let Some(future) = self.future.take() {
            let _there = self.place.enter();
            let _ = catch(|| drop(future));
        }
    }

    /// Polls it; what it panicked with is not for who runs it.
    pub(crate) fn poll_caught(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Box<dyn Any + Send>>> {
        if !std::mem::replace(&mut self.has_begun, true) && self.place.is_over() {
            self.end();
        }
        let Some(future) = &mut self.future else { return Poll::Ready(Ok(())) };
        let polled = {
            let _there = self.place.enter();
            let _background = self.is_background.then(InBackground::new);
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
        };
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => Ok(()),
            Err(panic) => Err(panic),
        };
        self.end();
        Poll::Ready(result)
    }
}

impl Future for Carried {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll_caught(context).map(|result| result.unwrap_or_else(discard))
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.end();
    }
}
