//! What is one session's is not another's, whenever that ends.

use super::*;
use crate::call::contains;
use crate::function::session::{Session, Visit};

fn call(scoped: &'static Scoped, result: u64) -> u64 {
    run(scoped.here(), 1, || {
        point();
        result
    })
}

fn is_stored(scoped: &'static Scoped) -> bool {
    contains(scoped.here(), (&1_u64, ()))
}

#[test]
fn what_outlives_its_session_is_not_found_in_the_next() {
    check(|functions| {
        let scoped = functions.scoped();
        let first = Session::new();
        let share = first.enter(session::current).expect("it is inside");
        at_once([
            boxed(move || {
                let _inside = Visit::new(&share);
                drop(share);
                assert_eq!(call(scoped, 1), 1);
            }),
            boxed(move || drop(first)),
            boxed(move || {
                let next = Session::new();
                assert_eq!(next.enter(|| call(scoped, 2)), 2);
                assert_eq!(next.enter(|| call(scoped, 3)), 2);
            }),
        ]);
        assert!(!Session::new().enter(|| is_stored(scoped)));
    });
}

#[test]
fn threads_of_one_session_have_one_double() {
    check(|functions| {
        let (scoped, session) = (functions.scoped(), Session::new());
        let calls = (1..=3).map(|result| {
            let session = session.clone();
            boxed(move || {
                session.enter(|| call(scoped, result));
            })
        });
        at_once(calls);
        let stats = session.enter(|| scoped.here().stats());
        assert_eq!((stats.misses, stats.hits), (1, 2));
    });
}

#[test]
fn what_is_computed_for_a_session_is_told_to_no_other() {
    check(|functions| {
        let (scoped, outer) = (functions.scoped(), functions.data());
        let calls = (1..=3).map(|result| {
            boxed(move || {
                let session = Session::new();
                let got = session.enter(|| run(outer, 1, || call(scoped, result)));
                assert_eq!(got, result);
            })
        });
        at_once(calls);
        assert_eq!(run(outer, 1, || 9), 9);
    });
}
