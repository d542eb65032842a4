//! The functions that can be detached: those whose arguments a task can own.

use std::fmt::Display;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use memo::memo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::schedule::block_on;
use crate::spawner::{self, Way};

/// What a runtime asks of a task.
fn spawned<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    block_on(future)
}

#[test]
fn borrowed_arguments_become_owned_ones() {
    #[memo(detached)]
    async fn length(text: &str, path: &Path, bytes: &[u8], (a, b): (u32, u32), _: &u8) -> usize {
        text.len() + path.as_os_str().len() + bytes.len() + (a + b) as usize
    }
    let (text, bytes) = ("text".to_owned(), vec![1, 2]);
    for way in [Way::RunInline, Way::Dropped] {
        spawner::set(way);
        length::clear();
        assert_eq!(spawned(length(&text, Path::new("path"), &bytes, (1, 2), &0)), 13);
    }
}

#[test]
fn ignored_arguments_are_owned_as_well() {
    #[memo(detached)]
    async fn logged(
        x: u32,
        _log: Arc<Mutex<Vec<String>>>,
        _by: impl Into<String> + Clone + Send + Sync + 'static,
    ) -> u32 {
        _log.lock().unwrap().push(_by.into());
        2 * x
    }
    #[memo(detached, skip(log), key = x)]
    async fn keyed(x: u32, log: Arc<Mutex<Vec<String>>>, _with: fn(u32) -> u32) -> u32 {
        log.lock().unwrap().push("keyed".into());
        _with(x)
    }
    spawner::set(Way::RunInline);
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    assert_eq!(spawned(logged(1, Arc::clone(&log), "first")), 2);
    assert_eq!(spawned(logged(1, Arc::clone(&log), "second")), 2);
    assert_eq!(log.lock().unwrap().drain(..).collect::<Vec<_>>(), ["first"]);
    assert_eq!(spawned(keyed(1, Arc::clone(&log), |x| 2 * x)), 2);
    assert_eq!(spawned(keyed(1, Arc::clone(&log), |x| 3 * x)), 2);
    assert_eq!(*log.lock().unwrap(), ["keyed"]);
}

#[test]
fn generic_functions_and_methods_are_detached() {
    #[memo(detached)]
    async fn again<T>(x: T, of: Vec<T>) -> (T, usize)
    where
        T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    {
        (x, of.len())
    }
    #[memo(detached)]
    async fn shown<T: Display + Clone + Send + Sync + Serialize + 'static>(x: &T) -> String {
        x.to_string()
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Rect(u32, u32);
    impl Rect {
        #[memo(detached)]
        async fn area(&self, scale: u32) -> u32 {
            self.0 * self.1 * scale
        }
        #[memo(detached)]
        async fn consumed(self, scale: u32) -> u32 {
            self.area(scale).await + 1
        }
        #[memo(detached)]
        async fn shared(self: Arc<Self>, scale: u32) -> u32 {
            self.area(scale).await + 2
        }
        #[memo(detached, in_impl)]
        async fn square(side: u32) -> u32 {
            Self(side, side).area(1).await
        }
    }
    spawner::set(Way::RunInline);
    assert_eq!(spawned(again(1_u8, vec![1, 2])), (1, 2));
    assert_eq!(spawned(again("x".to_owned(), vec![])), ("x".into(), 0));
    assert_eq!(spawned(shown(&1.5_f64)), "1.5");
    assert_eq!(spawned(Rect(2, 3).area(4)), 24);
    assert_eq!(spawned(Rect(2, 3).consumed(4)), 25);
    assert_eq!(spawned(Arc::new(Rect(2, 3)).shared(4)), 26);
    assert_eq!(spawned(Rect::square(5)), 25);
    assert!(Rect::square_contains(5));
}

#[test]
fn a_future_in_a_box_is_detached() {
    // As `async_recursion` writes it.
    #[memo(detached)]
    fn sum(x: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if x == 0 {
                0
            } else {
                x + sum(x - 1).await
            }
        })
    }
    spawner::set(Way::RunInline);
    assert_eq!(block_on(sum(9)), 45);
    assert_eq!(sum::get(5), Some(15));
}
