//! Blocks of a test that have every function to themselves, and a clock.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::background::carried::Inside;
use crate::function::isolation::{self, Isolation};

/// Runs a closure in which every memo and singleton function starts empty, and returns what it
/// returns.
///
/// It is for tests. What is stored outside is not found inside, and what is stored inside is gone when
/// the closure returns or panics: resources are released, and what is still being computed is not
/// stored. [`set_enabled`](crate::set_enabled), the companions, the statistics and
/// [`clear_all`](crate::clear_all) concern the inside alone, and [`advance`] moves its clock. Caching is
/// enabled at first, unless `MEMO_DISABLE` says otherwise. Stores are not used: a function with `store`
/// has its memory only. Tests that run at the same time do not see each other, each in its own
/// `isolated`.
///
/// The [reporter](crate::set_reporter) and the [bound](crate::set_max_bytes) of all functions are the
/// process's. Threads and tasks that are started inside are outside, unless they call this
/// themselves; a refresh in the background is part of the block whose call had it made. A block inside
/// another starts empty as well.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[memo::memo(ttl = "10m")]
/// fn rate(currency: &str) -> u64 {
///     // …
/// #   currency.len() as u64
/// }
///
/// memo::isolated(|| {
///     rate("EUR");
///     assert!(rate::contains("EUR"));
///     memo::advance(Duration::from_secs(600));
///     assert!(!rate::contains("EUR"));
///     rate("EUR");
///     assert_eq!(rate::stats().misses, 2);
/// });
/// assert_eq!(rate::stats().misses, 0);
/// ```
pub fn isolated<R>(run: impl FnOnce() -> R) -> R {
    let block = Block::begin();
    let _inside = block.enter();
    let _end = End(block);
    run()
}

/// Does the same as [`isolated`] with a future: it is inside whenever it is polled, on whichever
/// thread, and when it is dropped.
///
/// The block begins when this function is called, and ends with the future. Tasks that the future
/// spawns are outside.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[memo::memo(ttl = "10m")]
/// async fn rate(currency: &str) -> u64 {
///     // …
/// #   currency.len() as u64
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
/// // `#[tokio::test]`, say
/// # let test =
/// memo::isolated_async(async {
///     rate("EUR").await;
///     assert!(rate::contains("EUR"));
///     memo::advance(Duration::from_secs(600));
///     assert!(!rate::contains("EUR"));
/// })
/// # ;
/// # block_on(test);
/// ```
pub fn isolated_async<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    Isolated { future: Some(Box::pin(future)), block: Block::begin() }
}

/// Moves the clock of the [`isolated`] block that this is called in forward.
///
/// By it are told `ttl`, the windows of `refresh`, and how old results are. What has expired by it is
/// given up at once. How long calls wait for each other's computations is told by the clock of the
/// process, as ever.
///
/// # Panics
/// It is called outside [`isolated`] and [`isolated_async`], or on a thread that was started inside:
/// the clock of the process is nobody's to move.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # #[memo::memo(ttl = "1h")]
/// # fn rate(currency: &str) -> usize { currency.len() }
/// memo::isolated(|| {
///     rate("EUR");
///     memo::advance(Duration::from_secs(1800));
///     assert!(rate::contains("EUR"));
///     memo::advance(Duration::from_secs(1800));
///     assert_eq!(rate::stats().expirations, 1);
/// });
/// ```
#[track_caller]
pub fn advance(time: Duration) {
    let Some(isolation) = isolation::current() else {
        panic!(
            "`memo::advance` is called outside `memo::isolated` and `memo::isolated_async`, where the clock \
             is everybody's: call it inside, and not on a thread or in a task that was started there"
        )
    };
    isolation.advance(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}

/// An isolation that somebody has begun and will end.
#[derive(Clone, Copy)]
struct Block(&'static Isolation);

impl Block {
    fn begin() -> Self {
        #[cfg(unix)]
        crate::cache::watch_forks();
        Self(Isolation::begin())
    }

    fn enter(self) -> Inside {
        Inside::new(self.0)
    }
}

/// Ends an isolation, on a thread that is in it: what releases its resources is the user's code.
struct End(Block);

impl Drop for End {
    fn drop(&mut self) {
        self.0 .0.end();
    }
}

/// A future in an isolation.
struct Isolated<F> {
    /// Nothing, once it has ended. In a box, where it may be pinned and dropped in the isolation.
    future: Option<Pin<Box<F>>>,
    block: Block,
}

impl<F: Future> Future for Isolated<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { panic!("it is polled after its end") };
        let _inside = this.block.enter();
        let result = std::task::ready!(future.as_mut().poll(context));
        let _end = End(this.block);
        this.future = None;
        Poll::Ready(result)
    }
}

impl<F> Drop for Isolated<F> {
    fn drop(&mut self) {
        if self.future.is_some() {
            let _inside = self.block.enter();
            let _end = End(self.block);
            self.future = None;
        }
    }
}
