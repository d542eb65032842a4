//! What the future of a call is like: as small as it can be, and gone in the right order.

use std::future::Future;
use std::mem::size_of_val;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use memo::store::DiskStore;
use memo::{memo, singleton};

/// What a level of calls may add to a future, whatever is in the calls below it.
const LEVEL: usize = 768;
/// What the innermost body has in its frame while it waits.
const LEAF: usize = 4096;

/// Does nothing, once.
async fn pause() {
    let mut is_over = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut is_over, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

async fn leaf(x: u8) -> u8 {
    let frame = [x; LEAF];
    pause().await;
    frame[usize::from(x)]
}

/// The sizes of the futures of calls in calls, the innermost first.
#[track_caller]
fn assert_small<const N: usize>(sizes: [usize; N]) {
    assert!(sizes[0] <= LEAF + LEVEL, "{sizes:?}");
    for pair in sizes.windows(2) {
        assert!(pair[1] <= pair[0] + LEVEL, "{sizes:?}");
    }
}

#[test]
fn a_future_grows_by_a_constant_a_level() {
    #[memo]
    async fn zero(x: u8) -> u8 {
        leaf(x).await
    }
    #[memo]
    async fn one(x: u8) -> Result<u8, String> {
        Ok(zero(x).await)
    }
    #[memo(ttl = "1h", max_entries = 2, cache_if = |x| *x > 1)]
    async fn two(x: u8, _out: &mut Vec<u8>) -> u8 {
        one(x).await.unwrap_or(0)
    }
    #[memo(key = x + 1)]
    async fn three(x: u8) -> u8 {
        two(x, &mut Vec::new()).await
    }
    let mut out = Vec::new();
    assert_small([
        size_of_val(&zero(1)),
        size_of_val(&one(1)),
        size_of_val(&two(1, &mut out)),
        size_of_val(&three(1)),
        size_of_val(&three::refresh(1)),
    ]);
}

#[test]
fn a_detached_functions_future_is_as_small_whatever_is_in_its_body() {
    #[memo(detached)]
    async fn zero(x: u8) -> u8 {
        leaf(x).await
    }
    #[memo(detached)]
    async fn one(x: u8) -> Result<u8, String> {
        Ok(zero(x).await)
    }
    #[singleton(detached)]
    async fn two(x: u8) -> u8 {
        one(x).await.unwrap_or(0)
    }
    let sizes = [size_of_val(&zero(1)), size_of_val(&one(1)), size_of_val(&two(1))];
    assert!(sizes.iter().all(|size| *size <= LEVEL), "{sizes:?}");
    assert!(size_of_val(&zero::refresh(1)) <= LEVEL);
}

#[test]
fn a_singletons_future_grows_by_a_constant_a_level() {
    #[singleton]
    async fn zero(x: u8) -> u8 {
        leaf(x).await
    }
    #[singleton]
    async fn one(x: u8) -> Result<u8, String> {
        Ok(*zero(x).await)
    }
    #[singleton(ttl = "1h")]
    async fn two(x: u8) -> Arc<u8> {
        Arc::new(*one(x).await.unwrap())
    }
    #[singleton(validate = |_| true)]
    async fn three(x: u8) -> Result<Arc<u8>, String> {
        Ok(two(x).await)
    }
    assert_small([
        size_of_val(&zero(1)),
        size_of_val(&one(1)),
        size_of_val(&two(1)),
        size_of_val(&three(1)),
        size_of_val(&three::refresh(1)),
    ]);
}

#[test]
fn a_stored_functions_future_grows_by_a_constant_a_level() {
    fn open() -> DiskStore {
        unreachable!("nothing is called")
    }
    #[memo(store = open())]
    async fn zero(x: u8) -> u8 {
        leaf(x).await
    }
    #[memo(store = open())]
    async fn one(x: u8) -> Result<u8, String> {
        Ok(zero(x).await)
    }
    #[memo(store = open())]
    async fn two(x: u8) -> u8 {
        one(x).await.unwrap_or(0)
    }
    assert_small([size_of_val(&zero(1)), size_of_val(&one(1)), size_of_val(&two(1))]);
}

#[test]
fn a_methods_future_grows_by_a_constant_a_level() {
    #[derive(serde::Serialize)]
    struct Rect(u8);
    impl Rect {
        #[memo]
        async fn zero(&self, x: u8) -> u8 {
            leaf(self.0 + x).await
        }
        #[memo]
        async fn one(&self, x: u8) -> u8 {
            self.zero(x).await
        }
        #[memo(in_impl)]
        async fn two(x: u8) -> u8 {
            Self(0).one(x).await
        }
    }
    trait Shape {
        async fn three(&self, x: u8) -> u8;
        async fn four(&self, x: u8) -> u8;
    }
    impl Shape for Rect {
        #[memo(in_trait)]
        async fn three(&self, x: u8) -> u8 {
            Self::two(x).await
        }
        #[memo(in_trait)]
        async fn four(&self, x: u8) -> u8 {
            self.three(x).await
        }
    }
    let rect = Rect(1);
    assert_small([
        size_of_val(&rect.zero(1)),
        size_of_val(&rect.one(1)),
        size_of_val(&Rect::two(1)),
        size_of_val(&rect.three(1)),
        size_of_val(&rect.four(1)),
    ]);
}

/// What happened, in order.
static STORY: Mutex<Vec<&str>> = Mutex::new(Vec::new());

struct Tell(&'static str);

impl Drop for Tell {
    fn drop(&mut self) {
        STORY.lock().unwrap().push(self.0);
    }
}

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        STORY.lock().unwrap().push("woken");
    }
}

#[test]
fn a_body_that_is_given_up_ends_before_the_next_one_runs() {
    #[memo]
    async fn held(key: u8) -> u8 {
        let _body = Tell("ended");
        std::future::pending::<()>().await;
        key
    }
    #[singleton]
    async fn shared(key: u8) -> u8 {
        let _body = Tell("ended");
        std::future::pending::<()>().await;
        key
    }
    fn give_up<F: Future>(call: impl Fn() -> F) {
        let waker = Waker::from(Arc::new(Tell("never")));
        let mut context = Context::from_waker(&waker);
        let mut leader = Box::pin(call());
        let mut waiter = pin!(call());
        assert!(leader.as_mut().poll(&mut context).is_pending());
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        drop(leader);
        assert_eq!(std::mem::take(&mut *STORY.lock().unwrap()), ["ended", "woken"]);
    }
    give_up(|| held(1));
    STORY.lock().unwrap().clear();
    give_up(|| shared(1));
}
