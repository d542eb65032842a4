//! `retain`: which results stay.

use std::cell::Cell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use memo::memo;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::schedule::{eventually, together, End, Runs};

#[test]
fn only_the_results_for_which_it_is_true_stay_and_it_tells_how_many_went() {
    #[memo]
    fn number(x: u32) -> u32 {
        x
    }
    assert_eq!(number::retain(|_| false), 0);
    (0..1000).for_each(|x| assert_eq!(number(x), x));
    let mut seen = 0;
    let went = number::retain(|x| {
        seen += 1;
        *x % 10 == 0
    });
    assert_eq!((went, seen, number::stats().entries), (900, 1000, 100));
    assert!((0..1000).all(|x| number::contains(x) == (x % 10 == 0)));
    let stats = number::stats();
    assert_eq!((stats.evictions, stats.expirations), (0, 0));
    assert_eq!((number(10), number(11)), (10, 11));
    assert_eq!(number::retain(|_| true), 0);
}

#[test]
fn it_sees_what_is_stored_of_whatever_kind_of_result() {
    type Answer<T> = Result<T, String>;
    #[memo]
    fn checked(x: u32) -> Result<u32, String> {
        if x < 10 {
            Ok(x)
        } else {
            Err("large".into())
        }
    }
    #[memo]
    fn other(x: u32) -> Answer<u32> {
        checked(x)
    }
    #[memo(cache_err, cache_if = |_| true, ttl = |_| std::time::Duration::MAX)]
    fn both(x: u32) -> Result<u32, String> {
        checked(x)
    }
    #[memo(clone)]
    fn cloned(x: u32) -> Arc<str> {
        x.to_string().into()
    }
    #[memo(clone)]
    fn cloned_ok(x: u32) -> Result<Arc<str>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(x.to_string().into())
    }
    #[memo]
    async fn awaited(x: &str) -> Option<String> {
        Some(x.to_owned()).filter(|x| !x.is_empty())
    }
    for x in [1, 2, 10] {
        let _ = (checked(x), other(x), both(x), cloned(x), cloned_ok(x));
        crate::schedule::block_on(awaited(&x.to_string()));
    }
    assert_eq!(checked::retain(|x| *x == 1), 1);
    assert_eq!(other::retain(|x| *x == Ok(1)), 1);
    assert_eq!(both::retain(|x| x.is_err()), 2);
    assert!(both::contains(10) && !both::contains(1));
    let cell = cloned(1);
    assert_eq!(cloned::retain(|x| Arc::ptr_eq(x, &cell)), 2);
    assert_eq!(cloned_ok::retain(|x| &**x == "2"), 2);
    assert_eq!(awaited::retain(|x| x.as_deref() == Some("1")), 2);
    assert!(checked::contains(1) && other::contains(1) && cloned_ok::contains(2));
}

#[test]
fn of_a_generic_function_one_instance_is_asked() {
    #[memo]
    fn shown<T: Serialize + DeserializeOwned>(x: T, _text: &str) -> T {
        let _ = _text;
        x
    }
    #[memo]
    fn sized<T: Serialize + DeserializeOwned, const N: usize>(text: &str, _x: T) -> Vec<T> {
        let _ = text;
        vec![_x]
    }
    shown(1_u8, "a");
    shown(1_u16, "a");
    shown("text".to_owned(), "a");
    assert_eq!(shown::retain::<u8>(|x| *x > 1), 1);
    assert_eq!(shown::retain(|x: &String| x == "text"), 0);
    assert!(!shown::contains(1_u8) && shown::contains(1_u16));
    // Nobody can name the instances of an `impl Trait`, and all of them have results of one type.
    #[memo]
    fn unnamed(x: impl Serialize + Copy + Into<u64>, _f: impl Fn()) -> u64 {
        x.into()
    }
    let _ = (unnamed(1_u8, || ()), unnamed(2_u16, || ()), unnamed(3_u32, || ()));
    assert_eq!((unnamed::retain(|x| *x > 1), unnamed::stats().entries), (1, 2));
    // A key that is too long to be kept says of which instance it is, too.
    let long = "x".repeat(200_000);
    sized::<u8, 1>(&long, 1);
    sized::<u8, 2>(&long, 1);
    sized::<u8, 2>("short", 1);
    assert_eq!(sized::retain::<u8, 1>(|_| false), 1);
    assert!(sized::contains::<u8, 2>(&long) && !sized::contains::<u8, 1>(&long));
    assert_eq!(sized::retain::<u8, 2>(|_| false), 2);
    assert_eq!((sized::stats().entries, sized::stats().bytes), (0, 0));
}

#[test]
fn methods_have_it_by_their_names() {
    #[derive(Serialize)]
    struct Pair<T>(T, T);
    impl<T: Serialize + DeserializeOwned + Copy> Pair<T> {
        #[memo]
        fn first(&self) -> T {
            self.0
        }
        #[memo(in_impl)]
        fn doubled(x: u32) -> u32 {
            2 * x
        }
    }
    let _ = (Pair(1_u8, 2).first(), Pair(3_u8, 4).first(), Pair(1_u16, 2).first());
    assert_eq!((Pair::<u8>::doubled(1), Pair::<u16>::doubled(1)), (2, 2));
    assert_eq!(Pair::<u8>::first_retain(|x| *x > 1), 1);
    assert!(Pair(3_u8, 4).first_contains() && Pair(1_u16, 2).first_contains());
    assert_eq!(Pair::<u16>::doubled_retain(|_| false), 1);
    assert!(Pair::<u8>::doubled_contains(1));
}

#[test]
fn it_may_call_the_function_and_panic() {
    #[memo]
    fn number(x: u32) -> u32 {
        x
    }
    (0..10).for_each(|x| assert_eq!(number(x), x));
    let went = number::retain(|x| {
        number::remove(*x);
        assert_eq!(number(100 + *x), 100 + *x);
        false
    });
    // What was removed before it could go, it did not remove.
    assert_eq!((went, number::stats().entries), (0, 10));
    let asked = Cell::new(0);
    let panics = catch_unwind(AssertUnwindSafe(|| {
        number::retain(|_| {
            asked.set(asked.get() + 1);
            if asked.get() > 3 {
                std::panic::resume_unwind(Box::new("enough"));
            }
            true
        })
    }));
    assert!(panics.is_err());
    assert_eq!((asked.get(), number::stats().entries, number(101)), (4, 10, 101));
}

#[test]
fn a_computation_under_way_is_not_asked_and_what_replaces_a_result_stays() {
    static RUNS: Runs = Runs::new();
    #[memo]
    fn held(x: u32) -> Result<u32, String> {
        let _ = x;
        RUNS.held()
    }
    held::insert(1, Ok(7));
    thread::scope(|scope| {
        let call = scope.spawn(|| held(2));
        RUNS.wait_for(1);
        let went = held::retain(|x| {
            held::insert(1, Ok(8));
            *x != 7
        });
        assert_eq!((went, held::get(1)), (0, Some(Ok(8))));
        RUNS.end(0, End::Returns(7));
        assert_eq!(call.join().unwrap(), Ok(7));
    });
    assert_eq!(held::get(2), Some(Ok(7)));
}

#[test]
fn threads_that_keep_different_results_leave_none_that_one_of_them_refused() {
    #[memo(max_entries = 500)]
    fn number(x: u32) -> u32 {
        x
    }
    let went: usize = together(4, |thread| {
        (0..2000).map(|x| u32::min(number(x % 700), 0) as usize).sum::<usize>()
            + number::retain(|x| *x as usize % 4 != thread)
    })
    .into_iter()
    .sum();
    assert!(went > 0);
    let rest: usize = (0..4).map(|thread| number::retain(|x| *x % 4 != thread)).sum();
    assert!(rest <= 500);
    eventually(|| number::stats().entries == 0);
    assert_eq!(number::stats().bytes, 0);
}
