//! Under other people's macros, which box the future of an async function.

use crate::Count;
use async_recursion::async_recursion;
use async_trait::async_trait;
use memo::{memo, singleton};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

#[async_trait]
trait Repository {
    async fn name(&self, id: u32, suffix: &str) -> Result<String, String>;
    async fn pool(&self, url: &str) -> Arc<String>;
    async fn warm_up(&self);

    #[memo(in_trait)]
    async fn doubled(&self, id: u32) -> u32
    where
        Self: serde::Serialize + Sized,
    {
        DOUBLED.add();
        tokio::task::yield_now().await;
        2 * id
    }
}

static NAMES: Count = Count::new();
static DOUBLED: Count = Count::new();
static WARM: Count = Count::new();

#[derive(serde::Serialize)]
struct Shop(u8);

#[async_trait]
impl Repository for Shop {
    #[memo(in_trait)]
    async fn name(&self, id: u32, suffix: &str) -> Result<String, String> {
        NAMES.add();
        tokio::task::yield_now().await;
        if id == 0 {
            return Err("nobody".into());
        }
        let number: u32 = suffix.parse().map_err(|_| "no number".to_owned())?;
        Ok(format!("{}-{id}-{number}", self.0))
    }

    #[singleton(in_trait, skip(self))]
    async fn pool(&self, url: &str) -> Arc<String> {
        Arc::new(url.to_owned())
    }

    #[memo(in_trait)]
    async fn warm_up(&self) {
        WARM.add();
    }
}

#[async_trait(?Send)]
trait Local {
    async fn shared(&self, x: u32) -> Rc<u32>;
}

#[async_trait(?Send)]
impl Local for Shop {
    #[memo(in_trait, ttl = "1h", key = (self.0, x))]
    async fn shared(&self, x: u32) -> Rc<u32> {
        Rc::new(x)
    }
}

#[tokio::test]
async fn the_methods_of_an_async_trait_are_cached() {
    let spawned = tokio::spawn(async { Shop(1).name(1, "2").await });
    assert_eq!(spawned.await.unwrap().as_deref(), Ok("1-1-2"));
    let shop: &dyn Repository = &Shop(1);
    assert_eq!(shop.name(1, "2").await.as_deref(), Ok("1-1-2"));
    assert_eq!(
        (shop.name(0, "2").await, shop.name(1, "x").await.is_err()),
        (Err("nobody".into()), true)
    );
    assert_eq!((Shop(2).name(1, "2").await.as_deref(), NAMES.get()), (Ok("2-1-2"), 4));
    let (a, b) = (Shop(1).pool("a").await, Shop(2).pool("a").await);
    assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &Shop(1).pool("b").await));
    Shop(1).warm_up().await;
    Shop(1).warm_up().await;
    assert_eq!((Shop(1).doubled(2).await, Shop(1).doubled(2).await), (4, 4));
    assert_eq!((WARM.get(), DOUBLED.get()), (1, 1));
    assert_eq!((*Shop(1).shared(3).await, *Shop(1).shared(3).await), (3, 3));
}

#[async_recursion]
#[memo]
async fn below(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        below(n - 1).await + below(n - 2).await
    }
}

#[memo(max_entries = 100)]
#[async_recursion]
async fn above(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        above(n - 1).await + above(n - 2).await
    }
}

#[async_recursion]
#[singleton]
async fn tree(depth: u64) -> Result<Vec<u64>, String> {
    if depth == 0 {
        return Err("no tree".into());
    }
    let below = tree(depth - 1).await.map_or(0, |tree| tree.len() as u64);
    Ok(vec![depth, below])
}

impl Shop {
    #[async_recursion]
    #[memo]
    async fn depth(&self, path: &str) -> usize {
        match path.split_once('/') {
            Some((_, rest)) => 1 + self.depth(rest).await,
            None => 0,
        }
    }
}

#[tokio::test]
async fn async_recursion_goes_above_and_below() {
    let spawned = tokio::spawn(async { (below(50).await, above(50).await) });
    assert_eq!(spawned.await.unwrap(), (12_586_269_025, 12_586_269_025));
    assert_eq!((below::stats().misses, above::stats().misses, below::get(10)), (51, 51, Some(55)));
    assert_eq!(
        (below::refresh(3).await, below::uncached(3).await, above::refresh(3).await),
        (2, 2, 2)
    );
    let (a, b) = (tree(2).await.unwrap(), tree(2).await.unwrap());
    assert!(
        Arc::ptr_eq(&a, &b) && Arc::ptr_eq(&a, &tree::get(2).unwrap()) && tree(0).await.is_err()
    );
    assert!(!Arc::ptr_eq(&a, &tree::refresh(2).await.unwrap()));
    assert_eq!((Shop(1).depth("a/b/c").await, Shop(1).depth_get("b/c")), (2, Some(1)));
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[memo]
fn by_hand<'a>(text: &'a str, _log: &'a Count) -> BoxFuture<'a, usize> {
    Box::pin(async move {
        _log.add();
        tokio::task::yield_now().await;
        text.len()
    })
}

#[singleton]
fn in_full(name: &str) -> Pin<Box<dyn Future<Output = Result<String, ()>> + Send + '_>> {
    Box::pin(async move {
        tokio::task::yield_now().await;
        Ok(name.to_owned())
    })
}

#[tokio::test]
async fn a_boxed_future_may_be_written_by_hand() {
    let runs = Count::new();
    assert_eq!((by_hand("abc", &runs).await, by_hand("abc", &runs).await), (3, 3));
    assert_eq!((runs.get(), by_hand::get("abc")), (1, Some(3)));
    let spawned = tokio::spawn(async { in_full("a").await.unwrap() });
    assert!(Arc::ptr_eq(&spawned.await.unwrap(), &in_full("a").await.unwrap()));
}
