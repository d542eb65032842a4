//! The spans of the feature `tracing`: what without it is nothing at all.

#[cfg(feature = "tracing")]
pub(crate) use with::{of_store, of_wait, Inside, Slot};
#[cfg(not(feature = "tracing"))]
pub(crate) use without::{of_store, of_wait, Inside, Slot};

#[cfg(feature = "tracing")]
mod with {
    use tracing::{Id, Span};

    use crate::flight::Flight;
    use crate::function::event::KeyId;
    use crate::function::why::Why;
    use crate::platform::sync::Mutex;

    /// The span of a computation, from its beginning to its end.
    #[derive(Debug, Default)]
    pub(crate) struct Slot(Mutex<Option<Span>>);

    impl Slot {
        pub(crate) const fn new() -> Self {
            Self(Mutex::new(None))
        }

        /// Begins `memo.compute`, if anybody listens.
        pub(crate) fn begin(&self, function: &str, digest: &[u8; 32], why: impl FnOnce() -> Why) {
            if tracing::enabled!(tracing::Level::INFO) {
                let (key, why) = (KeyId::of(digest), why());
                let span = tracing::info_span!("memo.compute", function, key = %key, why = ?why);
                *self.0.lock() = Some(span);
            }
        }

        /// Ends it.
        pub(crate) fn end(&self) {
            let span = self.0.lock().take();
            drop(span);
        }

        fn span(&self) -> Option<Span> {
            self.0.lock().clone()
        }

        /// This thread is in it, for as long as that lives.
        pub(crate) fn enter(&self) -> Inside {
            let span = self.span();
            if let Some(span) = &span {
                span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
            }
            Inside(span)
        }

        fn id(&self) -> Option<Id> {
            self.span().and_then(|span| span.id())
        }
    }

    /// A thread is in a span. Other than tracing's own guard it may be in a future, which drops it on
    /// the thread on which it made it.
    #[derive(Debug)]
    pub(crate) struct Inside(Option<Span>);

    impl Inside {
        pub(crate) const fn nothing() -> Self {
            Self(None)
        }
    }

    impl Drop for Inside {
        fn drop(&mut self) {
            if let Some(span) = &self.0 {
                span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
            }
        }
    }

    /// The span of a wait for a flight, which follows from its computation.
    pub(crate) fn of_wait(function: &str, flight: &Flight) -> Span {
        let key = KeyId::of(&flight.digest);
        let span = tracing::info_span!("memo.wait", function, key = %key);
        span.follows_from(flight.span.id());
        span
    }

    /// The span of a question to a store, which this thread is in.
    pub(crate) fn of_store(function: &str) -> tracing::span::EnteredSpan {
        tracing::info_span!("memo.store", function).entered()
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use crate::flight::Flight;
    use crate::function::why::Why;

    #[derive(Debug)]
    pub(crate) struct Slot;

    impl Slot {
        pub(crate) const fn new() -> Self {
            Self
        }

        #[inline]
        pub(crate) fn begin(&self, _: &str, _: &[u8; 32], _: impl FnOnce() -> Why) {}

        #[inline]
        pub(crate) fn end(&self) {}

        #[inline]
        pub(crate) fn enter(&self) -> Inside {
            Inside
        }
    }

    #[derive(Debug)]
    pub(crate) struct Inside;

    impl Inside {
        pub(crate) const fn nothing() -> Self {
            Self
        }
    }

    #[derive(Debug)]
    pub(crate) struct NoSpan;

    // As the end of a span means something.
    impl Drop for NoSpan {
        fn drop(&mut self) {}
    }

    #[inline]
    pub(crate) fn of_wait(_: &str, _: &Flight) -> NoSpan {
        NoSpan
    }

    #[inline]
    pub(crate) fn of_store(_: &str) -> NoSpan {
        NoSpan
    }
}
