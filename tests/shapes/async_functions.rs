use crate::Runs;
use memo::{memo, singleton};
use serde::Serialize;
use std::future::{ready, Future};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn an_async_function_is_cached_with_the_same_attribute() {
    static RUNS: Runs = Runs::new();
    #[memo]
    async fn double(x: u32) -> u32 {
        RUNS.add();
        ready(2 * x).await
    }
    assert_eq!(
        block_on(async { (double(2).await, double(2).await, double::refresh(2).await) }),
        (4, 4, 4)
    );
    assert_eq!((double::get(2), RUNS.count()), (Some(4), 2));
    assert_eq!((block_on(double::uncached(2)), RUNS.count()), (4, 3));
}

#[test]
fn the_future_is_send_with_borrowed_and_ignored_arguments() {
    #[memo]
    async fn length(text: &str, _out: &mut Vec<u8>) -> Result<usize, String> {
        ready(()).await;
        _out.push(0);
        Ok(text.len())
    }
    let mut out = Vec::new();
    assert_eq!(block_on(assert_send(length("abc", &mut out))), Ok(3));
    assert_eq!(block_on(assert_send(length("abc", &mut out))), Ok(3));
    assert_eq!(out.len(), 1);
}

#[test]
fn early_returns_leave_the_async_body_only() {
    #[memo]
    async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        if text.is_empty() {
            return Ok(0);
        }
        let number: u32 = ready(text).await.parse()?;
        Ok(number)
    }
    assert_eq!(block_on(assert_send(parse(""))), Ok(0));
    assert!(block_on(parse("x")).is_err() && !parse::contains("x"));
}

#[derive(Serialize)]
struct Rect(u32);

trait Shape {
    #[allow(async_fn_in_trait)]
    async fn area(&self, factor: (u32, u32)) -> Result<u32, String>;
}

impl Shape for Rect {
    #[memo(in_trait)]
    async fn area(&self, (a, b): (u32, u32)) -> Result<u32, String> {
        if a == 0 {
            return Err("zero".into());
        }
        let area = ready(self.0.checked_mul(a * b)).await.ok_or("overflow")?;
        Ok(area)
    }
}

impl Rect {
    #[memo]
    async fn side(&self, x: u32) -> u32 {
        ready(self.0 + x).await
    }

    #[memo(skip(self))]
    async fn grow(&mut self, by: &str) -> u32 {
        self.0 += by.len() as u32;
        ready(self.0).await
    }
}

#[test]
fn async_methods_are_cached() {
    let mut rect = Rect(3);
    assert_eq!((block_on(assert_send(rect.side(1))), rect.side_get(1)), (4, Some(4)));
    assert_eq!(
        (block_on(assert_send(rect.grow("a"))), block_on(rect.grow("a")), rect.0),
        (4, 4, 4)
    );
    assert_eq!(
        (block_on(rect.area((1, 2))), block_on(rect.area((0, 2)))),
        (Ok(8), Err("zero".into()))
    );
}

#[test]
fn async_generics_are_apart() {
    #[memo]
    async fn size<T>(_f: impl Fn() -> T) -> usize {
        ready(size_of::<T>()).await
    }
    assert_eq!((block_on(size(|| 1_u8)), block_on(size(|| 1_u32))), (1, 4));
}

#[test]
fn async_singletons_are_shared() {
    #[singleton]
    async fn pool(name: &str) -> Result<String, String> {
        Ok(ready(name.to_owned()).await)
    }
    #[singleton]
    async fn session() -> Arc<String> {
        ready(Arc::default()).await
    }
    let (a, b) =
        block_on(assert_send(async { (pool("a").await.unwrap(), pool("a").await.unwrap()) }));
    assert!(Arc::ptr_eq(&a, &b) && Arc::ptr_eq(&block_on(session()), &block_on(session())));
}

#[test]
fn the_future_is_send_though_the_result_is_not() {
    #[memo]
    async fn local(x: u32) -> Rc<u32> {
        ready(()).await;
        Rc::new(x)
    }
    fn assert_send<F: Future + Send>(future: F) -> F {
        future
    }
    for _ in 0..2 {
        assert_eq!(block_on(assert_send(async { *local(1).await })), 1);
    }
    assert_eq!(local::stats().hits, 1);
}
