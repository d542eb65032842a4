//! Futures in a session.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::function::session::{Session, Visit};

impl Session {
    /// Wraps a future, which is in the session whenever it is polled, on whichever thread, and when it
    /// is dropped.
    ///
    /// It holds a clone of the session. Tasks that the future spawns are in no session.
    ///
    /// # Examples
    ///
    /// ```
    /// #[memo::memo(scope = "session")]
    /// async fn cart(_user: &str) -> Vec<String> {
    ///     // …
    /// #   vec![_user.to_owned()]
    /// }
    ///
    /// # fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
    /// #             return value;
    /// #         }
    /// #     }
    /// # }
    /// let session = memo::Session::new();
    /// let request = session.wrap(async { cart("ann").await.len() });
    /// assert_eq!(block_on(request), 1);
    /// assert_eq!(session.enter(|| cart::stats().entries), 1);
    /// ```
    pub fn wrap<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Wrapped { future: ManuallyDrop::new(future), session: self.clone() }
    }
}

/// A future in a session. It is in no box: a middleware wraps each request.
struct Wrapped<F> {
    /// Pinned whenever this is.
    future: ManuallyDrop<F>,
    session: Session,
}

impl<F: Future> Future for Wrapped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = Visit::new(self.session.share());
        // SAFETY: the future is pinned as this is: nothing moves it out, and it is dropped in its
        // place. `Wrapped` is `Unpin` only if the future is, as it has no other implementation.
        let future = unsafe { self.map_unchecked_mut(|this| &mut *this.future) };
        future.poll(context)
    }
}

impl<F> Drop for Wrapped<F> {
    fn drop(&mut self) {
        let _inside = Visit::new(self.session.share());
        // SAFETY: it is dropped once, here, and nobody sees it afterwards.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}
