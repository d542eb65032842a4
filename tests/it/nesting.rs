//! Values nested as deep as their types allow, on threads of the default size.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use memo::{memo, singleton};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a thread has if nobody said otherwise.
const STACK: usize = 2 * 1024 * 1024;

fn on_a_thread(run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Expr {
    Leaf(u32),
    Neg(Box<Expr>),
}

impl Expr {
    /// So many variants, each in the next.
    fn nested(levels: usize) -> Self {
        (1..levels).fold(Self::Leaf(1), |inner, _| Self::Neg(Box::new(inner)))
    }
}

/// Its own drop would recurse, and is no part of what is tested.
impl Drop for Expr {
    fn drop(&mut self) {
        let mut next = match self {
            Self::Leaf(_) => return,
            Self::Neg(inner) => std::mem::replace(&mut **inner, Self::Leaf(0)),
        };
        while let Self::Neg(inner) = &mut next {
            let inner = std::mem::replace(&mut **inner, Self::Leaf(0));
            next = inner;
        }
    }
}

#[test]
fn results_nested_deeper_than_128_levels_are_returned_uncached() {
    #[memo]
    fn parse(levels: usize) -> Expr {
        Expr::nested(levels)
    }
    on_a_thread(|| {
        for levels in [1, 100, 128] {
            assert_eq!(parse(levels), Expr::nested(levels));
            assert_eq!(parse(levels), Expr::nested(levels));
        }
        let stats = parse::stats();
        assert_eq!((stats.misses, stats.hits, stats.uncacheable), (3, 3, 0));
        for levels in [129, 600, 600, 100_000] {
            // `PartialEq` recurses, too.
            drop(parse(levels));
        }
        let stats = parse::stats();
        assert_eq!((stats.misses, stats.hits, stats.uncacheable), (7, 3, 4));
        assert_eq!(stats.entries, 3);
    });
}

#[test]
fn arguments_nested_deeper_than_128_levels_run_uncached() {
    #[memo]
    fn levels(expr: &Expr) -> usize {
        std::iter::successors(Some(expr), |expr| match expr {
            Expr::Neg(inner) => Some(inner),
            Expr::Leaf(_) => None,
        })
        .count()
    }
    #[singleton]
    fn counted(expr: &Expr) -> usize {
        levels::uncached(expr)
    }
    on_a_thread(|| {
        for count in [1, 128, 128, 129, 600, 100_000, 100_000] {
            let expr = Expr::nested(count);
            assert_eq!((levels(&expr), *counted(&expr)), (count, count));
            assert_eq!(levels::contains(&expr), count <= 128);
            assert!(!levels::remove(&expr) || count <= 128);
            levels(&expr);
        }
        let stats = counted::stats();
        assert_eq!((stats.misses, stats.hits, stats.uncacheable), (6, 1, 4));
    });
}

#[test]
fn every_kind_of_nesting_comes_to_an_end() {
    #[derive(Deserialize, Serialize)]
    struct Node {
        name: String,
        next: Option<Box<Node>>,
    }
    #[derive(Deserialize, Serialize)]
    struct Newtype(Option<Box<Newtype>>);
    #[derive(Deserialize, Serialize)]
    #[serde(transparent)]
    struct Transparent(Option<Box<Transparent>>);
    #[derive(Deserialize, Serialize)]
    struct List(Vec<List>);
    #[derive(Deserialize, Serialize)]
    struct Tuple(u8, Vec<(Tuple, u8)>);
    #[derive(Deserialize, Serialize)]
    enum Map {
        Sorted(BTreeMap<u8, Map>),
        Hashed { map: HashMap<u8, Map> },
        Pair(u8, Box<Map>),
    }
    #[derive(Deserialize, Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u8),
        List(Vec<Untagged>),
    }

    #[memo]
    fn make<T: DeserializeOwned + Serialize>(
        _seed: fn() -> T,
        _wrap: fn(T) -> T,
        n: u32,
        check: usize,
    ) -> T {
        let _ = check;
        (0..n).fold(_seed(), |inner, _| _wrap(inner))
    }
    #[memo]
    fn take<T: Serialize>(_n: u32, value: &T) -> u32 {
        let _ = value;
        _n
    }
    fn check<T: DeserializeOwned + Serialize>(seed: fn() -> T, wrap: fn(T) -> T) {
        static CHECKS: AtomicUsize = AtomicUsize::new(0);
        let number = CHECKS.fetch_add(1, Relaxed);
        let before = make::stats();
        for n in [20, 1000] {
            for _ in 0..2 {
                assert_eq!(take(n, &make(seed, wrap, n, number)), n);
            }
        }
        let after = make::stats();
        let uncacheable = after.uncacheable - before.uncacheable;
        assert_eq!(
            (after.hits - before.hits, uncacheable),
            (1, 2),
            "{}",
            std::any::type_name::<T>()
        );
    }
    on_a_thread(|| {
        check(
            || Node { name: "n".into(), next: None },
            |node| Node { name: "n".into(), next: Some(Box::new(node)) },
        );
        check(|| Newtype(None), |inner| Newtype(Some(Box::new(inner))));
        check(|| Transparent(None), |inner| Transparent(Some(Box::new(inner))));
        check(|| List(vec![]), |inner| List(vec![List(vec![]), inner]));
        check(|| Tuple(1, vec![]), |inner| Tuple(1, vec![(inner, 2)]));
        check(|| Map::Sorted(BTreeMap::new()), |inner| Map::Sorted(BTreeMap::from([(1, inner)])));
        check(
            || Map::Hashed { map: HashMap::new() },
            |inner| Map::Hashed { map: HashMap::from([(1, Map::Pair(1, Box::new(inner)))]) },
        );
        check(|| Untagged::Number(1), |inner| Untagged::List(vec![inner]));
        check(|| Value::Null, |inner| Value::Array(vec![inner]));
        check(|| Value::Null, |inner| Value::Object([("a".into(), inner)].into_iter().collect()));
    });
}
