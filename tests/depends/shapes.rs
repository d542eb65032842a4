//! Every kind of function depends, and is depended on.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use memo::{memo, singleton, Session};
use serde::Serialize;

/// Polls a future that is ready soon.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Gives way once, so that a body goes on in another poll.
async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|_| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[test]
fn tasks_depend_on_what_they_await_before_and_after_they_gave_way() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    async fn first(x: u64) -> u64 {
        pause().await;
        x * SOURCE.load(SeqCst)
    }

    #[memo]
    fn second(x: u64) -> u64 {
        x * SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    async fn both(x: u64) -> u64 {
        let a = first(x).await;
        pause().await;
        a + second(x)
    }

    #[singleton(depends)]
    async fn kept(x: u64) -> u64 {
        both(x).await
    }

    for (version, forget) in [(2, first::clear as fn()), (3, second::clear)] {
        ready(kept(1));
        SOURCE.store(version, SeqCst);
        forget();
        assert!(!both::contains(1) && !kept::contains(1));
    }
    first::clear();
    assert_eq!(*ready(kept(1)), 6);
    // What is a hit is used as well.
    both::clear();
    assert!(!kept::contains(1));
}

#[test]
fn a_thread_between_two_polls_of_a_body_is_in_no_body() {
    #[memo]
    fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    async fn total(x: u64) -> u64 {
        pause().await;
        price(x)
    }

    let mut future = pin!(total(1));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    price(2);
    assert!(future.as_mut().poll(&mut context).is_ready());
    price::remove(2);
    assert!(total::contains(1));
    price::remove(1);
    assert!(!total::contains(1));
}

#[test]
fn methods_generics_texts_and_clones_depend_and_are_depended_on() {
    #[derive(Serialize)]
    struct Shop {
        name: String,
    }

    impl Shop {
        #[memo]
        fn price(&self, item: &str) -> usize {
            self.name.len() + item.len()
        }

        #[memo(depends)]
        fn label(&self, item: &str) -> String {
            format!("{item}: {}", self.price(item))
        }
    }

    #[memo(depends, clone)]
    fn shown<T: Serialize + Clone + std::fmt::Debug>(item: &T) -> std::sync::Arc<str> {
        let shop = Shop { name: "a".into() };
        format!("{item:?} {}", shop.label("pear")).into()
    }

    trait Named {
        fn named(&self) -> String;
    }

    impl Named for Shop {
        #[memo(in_trait, depends)]
        fn named(&self) -> String {
            self.label("fig")
        }
    }

    let shop = Shop { name: "a".into() };
    assert_eq!((shown(&1_u8), shown(&"x")), ("1 pear: 5".into(), "\"x\" pear: 5".into()));
    assert_eq!(shop.named(), "fig: 4");
    assert!(shop.price_remove("pear"));
    assert!(!shown::contains(&1_u8) && !shown::contains(&"x") && !shop.label_contains("pear"));
    assert!(shop.label_contains("fig"));
    shop.price_insert("fig", 9);
    assert_eq!(shop.named(), "fig: 9");
}

#[test]
fn a_hit_of_a_text_is_noted_as_one_of_a_number_is() {
    #[memo]
    fn length(text: &str) -> usize {
        text.len()
    }

    #[memo(depends)]
    fn twice(text: &str) -> usize {
        2 * length(text)
    }

    let long = "x".repeat(100_000);
    length("a");
    length(&long);
    assert_eq!((twice("a"), twice(&long)), (2, 200_000));
    length::remove("a");
    assert!(!twice::contains("a") && twice::contains(&long));
    length::remove(&long);
    assert!(!twice::contains(&long));
}

#[test]
fn each_session_depends_on_its_own() {
    #[memo(scope = "session")]
    fn cart() -> Vec<u32> {
        vec![1]
    }

    #[memo(depends, scope = "session")]
    fn total() -> usize {
        cart().len()
    }

    let (ann, bob) = (Session::new(), Session::new());
    assert_eq!((ann.enter(total), bob.enter(total)), (1, 1));
    ann.enter(|| cart::insert(vec![1, 2]));
    assert!(bob.enter(total::contains));
    assert_eq!((ann.enter(total), bob.enter(total)), (2, 1));
    bob.clear();
    assert!(ann.enter(total::contains));
    drop(ann);
    // The next session is given what the last one had, and knows nothing of it.
    let cal = Session::new();
    assert_eq!(cal.enter(total), 1);
    cal.enter(cart::clear);
    assert!(!cal.enter(total::contains));
}

#[test]
fn each_isolation_depends_on_its_own() {
    #[memo]
    fn price(x: u64) -> u64 {
        x
    }

    #[memo(depends)]
    fn total(x: u64) -> u64 {
        price(x)
    }

    total(1);
    memo::isolated(|| {
        total(1);
        price::clear();
        assert!(!total::contains(1));
        total(1);
    });
    assert!(total::contains(1));
    memo::isolated(|| assert!(!total::contains(1)));
    price::clear();
    assert!(!total::contains(1));
}

#[test]
fn recursion_depends_on_itself() {
    static ZERO: AtomicU64 = AtomicU64::new(0);

    #[memo(depends)]
    fn fib(n: u64) -> u64 {
        match n {
            0 => ZERO.load(SeqCst),
            1 => 1,
            _ => fib(n - 1) + fib(n - 2),
        }
    }

    assert_eq!(fib(30), 832_040);
    ZERO.store(1, SeqCst);
    fib::remove(0);
    assert_eq!(fib::stats().entries, 1, "only the first does not come from it");
    assert_eq!(fib(30), 1_346_269);
}

#[test]
fn what_would_wait_for_itself_is_void_as_well() {
    static SOURCE: AtomicU64 = AtomicU64::new(1);

    #[memo]
    fn source() -> u64 {
        SOURCE.load(SeqCst)
    }

    #[memo(depends)]
    fn there(depth: u64) -> u64 {
        if depth == 3 {
            return source();
        }
        back(depth + 1)
    }

    #[memo(key = (), depends)]
    fn back(depth: u64) -> u64 {
        there(depth)
    }

    assert_eq!(there(0), 1);
    SOURCE.store(2, SeqCst);
    source::clear();
    assert_eq!((there::stats().entries, back::stats().entries), (0, 0));
    assert_eq!(there(0), 2);
}
