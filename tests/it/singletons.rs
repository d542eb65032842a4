//! One shared resource for each key.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use memo::singleton;

struct Pool {
    url: String,
    open: Mutex<u32>,
}

#[test]
fn every_caller_gets_the_same_arc() {
    #[singleton]
    fn pool(url: &str) -> Pool {
        Pool { url: url.into(), open: Mutex::new(0) }
    }
    let (a, b) = (pool("a"), pool("b"));
    assert!(Arc::ptr_eq(&a, &pool("a")) && !Arc::ptr_eq(&a, &b));
    *a.open.lock().unwrap() += 1;
    assert_eq!(*pool("a").open.lock().unwrap(), 1);
    assert_eq!(b.url, "b");
    assert!(pool::get("a").is_some_and(|there| Arc::ptr_eq(&there, &a)));
    assert!(pool::contains("a") && !pool::contains("c"));
    let stats = pool::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (2, 2, 2));
}

#[test]
fn an_error_is_retried_by_the_next_call() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    #[singleton]
    fn connect(url: &str) -> Result<Pool, String> {
        match TRIES.fetch_add(1, SeqCst) {
            0 => Err(format!("{url} is down")),
            _ => Ok(Pool { url: url.into(), open: Mutex::new(0) }),
        }
    }
    assert_eq!(connect("a").err().as_deref(), Some("a is down"));
    let pool: Result<Arc<Pool>, String> = connect("a");
    assert!(Arc::ptr_eq(&pool.unwrap(), &connect("a").unwrap()));
    assert_eq!(TRIES.load(SeqCst), 2);
}

#[test]
fn clearing_leaves_the_arcs_of_others_alone_and_drops_its_own_at_once() {
    struct Counted(Arc<()>);
    #[singleton]
    fn counted(_alive: &Arc<()>) -> Counted {
        Counted(_alive.clone())
    }
    let alive = Arc::new(());
    let held = counted(&alive);
    counted::clear();
    assert_eq!(Arc::strong_count(&held.0), 2);
    assert!(!Arc::ptr_eq(&held, &counted(&alive)));
    drop(held);
    counted::clear();
    assert_eq!(Arc::strong_count(&alive), 1);
    counted(&alive);
    assert!(counted::remove());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn eight_threads_make_one() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    #[singleton]
    fn model(version: usize) -> usize {
        MADE.fetch_add(1, SeqCst);
        version
    }
    for round in 0..100 {
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(*model(round), round);
                });
            }
        });
    }
    assert_eq!(MADE.load(SeqCst), 100);
}

#[test]
fn a_function_that_returns_an_arc_is_shared_as_it_is() {
    trait Animal: Send + Sync {
        fn name(&self) -> &'static str;
    }
    struct Dog;
    impl Animal for Dog {
        fn name(&self) -> &'static str {
            "dog"
        }
    }
    #[singleton]
    fn animal() -> Arc<dyn Animal> {
        Arc::new(Dog)
    }
    let a: Arc<dyn Animal> = animal();
    assert_eq!(a.name(), "dog");
    assert!(Arc::ptr_eq(&a, &animal()));
}

#[test]
fn refresh_makes_a_new_one_and_uncached_shares_nothing() {
    #[singleton]
    fn list() -> Vec<u8> {
        vec![1]
    }
    let old = list();
    let new: Arc<Vec<u8>> = list::refresh();
    assert!(!Arc::ptr_eq(&old, &new) && Arc::ptr_eq(&new, &list()));
    let own: Vec<u8> = list::uncached();
    assert_eq!(own, *new);
}

#[test]
fn a_singleton_of_a_generic_function_has_one_instance_a_type() {
    #[singleton]
    fn default<T: Default + Send + Sync + 'static>() -> T {
        T::default()
    }
    assert_eq!((*default::<u8>(), &**default::<String>()), (0, ""));
    assert!(Arc::ptr_eq(&default::<u8>(), &default::<u8>()));
}

#[test]
fn a_singleton_that_needs_itself_ends() {
    static DEPTH: AtomicUsize = AtomicUsize::new(0);
    #[singleton]
    fn nested() -> usize {
        match DEPTH.fetch_add(1, SeqCst) {
            0 => *nested() + 1,
            depth => depth,
        }
    }
    // The outer call finishes later, and takes what is there.
    assert_eq!((*nested(), *nested()), (1, 1));
}
