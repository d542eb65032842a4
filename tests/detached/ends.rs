//! How a task may end, and what its callers have of it.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use memo::{memo, singleton};

use crate::schedule::{Gate, Task};
use crate::spawner::{self, Way};

/// A detached function whose body passes a gate.
macro_rules! gated {
    ($gate:ident, $runs:ident, $function:ident $(, $option:meta)*) => {
        static $gate: Gate = Gate::new();
        static $runs: AtomicUsize = AtomicUsize::new(0);
        #[memo(detached $(, $option)*)]
        async fn $function(x: u32) -> Result<u32, String> {
            $runs.fetch_add(1, SeqCst);
            $gate.pass().await;
            if x == 0 { Err("zero".into()) } else { Ok(2 * x) }
        }
    };
}

#[test]
fn callers_that_give_up_do_not_undo_it() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    for _ in 0..20 {
        assert!(Task::new(twice(4)).poll().is_pending());
        spawner::run_queued();
    }
    GATE.open();
    spawner::run_queued();
    assert_eq!(twice::get(4), Some(Ok(8)));
    assert_eq!((RUNS.load(SeqCst), twice::stats().misses), (1, 1));
}

#[test]
fn the_call_that_began_it_and_those_who_wait_have_one_result() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    let mut calls: Vec<_> = (0..3).map(|_| Task::new(twice(4))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!(spawner::queued(), 1);
    GATE.open();
    spawner::run_queued();
    for call in &mut calls {
        assert!(call.is_woken());
        assert_eq!(call.poll(), Poll::Ready(Ok(8)));
    }
    let stats = twice::stats();
    assert_eq!((RUNS.load(SeqCst), stats.misses, stats.hits), (1, 1, 2));
}

#[test]
fn an_error_is_that_of_the_call_that_began_it() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    let (mut first, mut second) = (Task::new(twice(0)), Task::new(twice(0)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    GATE.open();
    spawner::run_queued();
    assert_eq!(first.poll(), Poll::Ready(Err("zero".into())));
    assert_eq!(RUNS.load(SeqCst), 1);
    assert!(second.poll().is_pending());
    spawner::run_queued();
    assert_eq!(second.poll(), Poll::Ready(Err("zero".into())));
    assert_eq!((RUNS.load(SeqCst), twice::contains(0)), (2, false));
}

#[test]
fn a_shared_error_is_everybodys() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice, share_err);
    let (mut first, mut second) = (Task::new(twice(0)), Task::new(twice(0)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    GATE.open();
    spawner::run_queued();
    assert_eq!(first.poll(), Poll::Ready(Err("zero".into())));
    assert_eq!(second.poll(), Poll::Ready(Err("zero".into())));
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn what_is_not_stored_reaches_its_callers() {
    struct Odd;
    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it has no encoding"))
        }
    }
    impl<'de> serde::Deserialize<'de> for Odd {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    #[memo(detached, cache_if = |x| *x > 9)]
    async fn small(x: u32) -> u32 {
        x
    }
    #[memo(detached)]
    async fn odd(_x: u32) -> Odd {
        Odd
    }
    spawner::set(Way::Queued);
    let (mut small, mut also) = (Task::new(small(4)), Task::new(small(4)));
    let mut odd = Task::new(odd(4));
    assert!(small.poll().is_pending() && also.poll().is_pending() && odd.poll().is_pending());
    spawner::run_queued();
    assert_eq!((small.poll(), also.poll()), (Poll::Ready(4), Poll::Ready(4)));
    assert!(odd.poll().is_ready());
}

#[test]
fn a_panic_resumes_in_the_call_that_began_it_and_others_compute() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo(detached)]
    async fn first_panics(x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        assert!(run > 0, "the first run");
        x
    }
    spawner::set(Way::Queued);
    let (mut first, mut second) = (Task::new(first_panics(4)), Task::new(first_panics(4)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    GATE.open();
    spawner::run_queued();
    let panic = catch_unwind(AssertUnwindSafe(|| first.poll())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the first run"));
    assert!(second.poll().is_pending());
    spawner::run_queued();
    assert_eq!(second.poll(), Poll::Ready(4));
    assert_eq!(first_panics::get(4), Some(4));
}

#[test]
fn a_panic_whose_call_has_gone_is_nobodys() {
    static GATE: Gate = Gate::new();
    #[memo(detached)]
    async fn panics(_x: u32) -> u32 {
        GATE.pass().await;
        panic!("nobody is there")
    }
    spawner::set(Way::Queued);
    let mut call = Task::new(panics(4));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    drop(call);
    GATE.open();
    spawner::run_queued();
    assert_eq!(spawner::queued(), 0);
}

#[test]
fn where_a_task_is_dropped_the_call_that_began_it_computes() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    for (key, has_begun) in [(1, false), (2, true)] {
        GATE.close();
        let (mut first, mut second) = (Task::new(twice(key)), Task::new(twice(key)));
        assert!(first.poll().is_pending() && second.poll().is_pending());
        let mut task = spawner::take();
        assert!(!has_begun || task.poll().is_pending());
        drop(task);
        assert!(first.is_woken() && first.poll().is_pending());
        assert!(second.poll().is_pending());
        assert_eq!(spawner::queued(), 0);
        GATE.open();
        assert_eq!(first.poll(), Poll::Ready(Ok(2 * key)));
        assert_eq!(second.poll(), Poll::Ready(Ok(2 * key)));
    }
    assert_eq!((RUNS.load(SeqCst), twice::stats().misses), (3, 2));
}

#[test]
fn where_the_call_has_gone_as_well_a_waiter_inherits() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    for (key, is_first) in [(1, true), (2, false)] {
        GATE.close();
        let (mut first, mut second) = (Task::new(twice(key)), Task::new(twice(key)));
        assert!(first.poll().is_pending() && second.poll().is_pending());
        let mut task = spawner::take();
        assert!(task.poll().is_pending());
        if is_first {
            drop((first, task));
        } else {
            drop((task, first));
        }
        assert!(second.is_woken() && second.poll().is_pending());
        GATE.open();
        spawner::run_queued();
        assert_eq!(second.poll(), Poll::Ready(Ok(2 * key)));
    }
}

#[test]
fn what_is_cleared_or_removed_meanwhile_is_returned_and_not_stored() {
    spawner::set(Way::Queued);
    gated!(GATE, RUNS, twice);
    for (key, change) in [(1, twice::clear as fn()), (2, || assert!(!twice::remove(2)))] {
        GATE.close();
        let mut call = Task::new(twice(key));
        assert!(call.poll().is_pending());
        spawner::run_queued();
        change();
        assert!(call.poll().is_pending());
        GATE.open();
        spawner::run_queued();
        assert_eq!(call.poll(), Poll::Ready(Ok(2 * key)));
        assert!(!twice::contains(key));
    }
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn resources_are_made_in_tasks_as_well() {
    static GATE: Gate = Gate::new();
    #[singleton(detached)]
    async fn pool(url: &str) -> Result<String, String> {
        GATE.pass().await;
        Ok(url.to_owned())
    }
    spawner::set(Way::Queued);
    let mut given_up = Task::new(pool("one"));
    assert!(given_up.poll().is_pending());
    drop(given_up);
    GATE.open();
    spawner::run_queued();
    assert_eq!(*pool::get("one").unwrap(), "one");
    let mut call = Task::new(pool("two"));
    assert!(call.poll().is_pending());
    spawner::run_queued();
    let Poll::Ready(Ok(two)) = call.poll() else { panic!("it is there") };
    assert!(std::sync::Arc::ptr_eq(&two, &pool::get("two").unwrap()));
}
