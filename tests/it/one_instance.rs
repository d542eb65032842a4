//! All callers of a singleton hold one instance, however many were made.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use memo::singleton;

use crate::schedule::{eventually, impatiently, together, End, Runs, Task};

type Made = Result<Arc<u32>, String>;

#[test]
fn eight_threads_whose_first_hangs_have_one_instance_whoever_finishes_later() {
    static RUNS: Runs = Runs::new();
    static RELEASED: AtomicUsize = AtomicUsize::new(0);
    #[singleton(wait = "50ms", on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn model(version: u32) -> u32 {
        match RUNS.count() {
            0 => RUNS.held().unwrap(),
            _ => RUNS.begin() as u32 + version,
        }
    }
    thread::scope(|scope| {
        let first = scope.spawn(|| model(1));
        RUNS.wait_for(1);
        let models = together(7, |_| model(1));
        assert!(!first.is_finished());
        RUNS.end(0, End::Returns(0));
        let first = first.join().unwrap();
        assert!(models.iter().all(|model| Arc::ptr_eq(model, &first)));
        assert!(Arc::ptr_eq(&model(1), &first));
    });
    // Whoever came later gave up its own, which is released as any other.
    eventually(|| RELEASED.load(SeqCst) == RUNS.count() - 1);
    assert_eq!(model::stats().unshared as usize, RUNS.count() - 1);
    model::clear();
    eventually(|| RELEASED.load(SeqCst) == RUNS.count());
}

#[test]
fn an_instance_whose_maker_returns_after_another_was_refreshed_is_given_up() {
    static RUNS: Runs = Runs::new();
    #[singleton(wait = "1h")]
    fn model(version: u32) -> u32 {
        let _ = version;
        RUNS.held().unwrap()
    }
    thread::scope(|scope| {
        let first = scope.spawn(|| model(1));
        RUNS.wait_for(1);
        let second = scope.spawn(|| impatiently(|| model(1)));
        RUNS.wait_for(2);
        let refresh = scope.spawn(|| model::refresh(1));
        RUNS.wait_for(3);
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| model(1))).collect();
        RUNS.end(2, End::Returns(2));
        let fresh = refresh.join().unwrap();
        for waiter in waiters {
            assert!(Arc::ptr_eq(&waiter.join().unwrap(), &fresh));
        }
        RUNS.end(1, End::Returns(1));
        RUNS.end(0, End::Returns(0));
        assert!(Arc::ptr_eq(&first.join().unwrap(), &fresh));
        assert!(Arc::ptr_eq(&second.join().unwrap(), &fresh));
        assert_eq!(*fresh, 2);
    });
}

/// Tasks of one call: a leader, who relieves it, a refresh, each held in the run of its number, and
/// those who wait.
struct Scene {
    makers: [Task<Made>; 3],
    waiters: [Task<Made>; 3],
}

const REFRESH: usize = 2;

impl Scene {
    fn set(runs: &Runs, call: impl Fn() -> Task<Made>, refresh: Task<Made>) -> Self {
        let mut makers = [call(), call(), refresh];
        let mut waiters = [(); 3].map(|()| call());
        let [leader, relief, refresh] = &mut makers;
        assert!(leader.poll().is_pending());
        assert!(impatiently(|| relief.poll()).is_pending());
        eventually(|| relief.poll().is_pending() && runs.count() == 2);
        assert!(refresh.poll().is_pending());
        assert_eq!(runs.count(), 3);
        for waiter in &mut waiters {
            assert!(waiter.poll().is_pending());
        }
        Self { makers, waiters }
    }
}

fn ready(polled: Poll<Made>) -> Arc<u32> {
    match polled {
        Poll::Ready(made) => made.unwrap(),
        Poll::Pending => panic!("it is not ready"),
    }
}

#[test]
fn whoever_finishes_later_takes_what_is_there_unless_it_refreshes() {
    const ORDERS: [[usize; 3]; 6] =
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    static RUNS: [Runs; ORDERS.len()] = [const { Runs::new() }; ORDERS.len()];
    #[singleton(wait = "1h")]
    async fn model(case: usize) -> Result<u32, String> {
        RUNS[case].awaited().await
    }
    for (case, order) in ORDERS.into_iter().enumerate() {
        let call = || Task::new(model(case));
        let mut scene = Scene::set(&RUNS[case], call, Task::new(model::refresh(case)));
        let mut there: Option<Arc<u32>> = None;
        for number in order {
            RUNS[case].end(number, End::Returns(number as u32));
            let made = ready(scene.makers[number].poll());
            match &there {
                Some(there) if number != REFRESH => assert!(Arc::ptr_eq(&made, there), "{order:?}"),
                _ => assert_eq!(*made, number as u32, "{order:?}"),
            }
            assert!(Arc::ptr_eq(&model::get(case).unwrap(), &made), "{order:?}");
            if there.is_none() {
                for waiter in &mut scene.waiters {
                    assert!(Arc::ptr_eq(&ready(waiter.poll()), &made), "{order:?}");
                }
            }
            there = Some(made);
        }
        assert_eq!(RUNS[case].count(), 3, "{order:?}");
    }
    assert_eq!(model::stats().unshared, ORDERS.len() as u64);
}

#[test]
fn makers_that_fail_leave_the_instance_to_those_that_do_not() {
    static RUNS: [Runs; 3] = [const { Runs::new() }; 3];
    #[singleton(wait = "1h")]
    async fn model(fails: usize) -> Result<u32, String> {
        RUNS[fails].awaited().await
    }
    for (fails, runs) in RUNS.iter().enumerate() {
        let call = || Task::new(model(fails));
        let mut scene = Scene::set(runs, call, Task::new(model::refresh(fails)));
        runs.end(fails, End::Fails);
        assert_eq!(scene.makers[fails].poll(), Poll::Ready(Err("told to fail".into())));
        assert!(scene.waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
        let left = if fails == 0 { 1 } else { 0 };
        runs.end(left, End::Returns(7));
        let made = ready(scene.makers[left].poll());
        for waiter in &mut scene.waiters {
            assert!(Arc::ptr_eq(&ready(waiter.poll()), &made));
        }
        assert_eq!((*made, runs.count()), (7, 3));
    }
}

#[test]
fn an_instance_of_a_call_that_was_cleared_is_its_callers_alone() {
    static RUNS: Runs = Runs::new();
    #[singleton(wait = "1h")]
    async fn model(version: usize) -> Result<u32, String> {
        let _ = version;
        RUNS.awaited().await
    }
    let [mut old, mut new] = [(); 2].map(|()| Task::new(model(1)));
    assert!(old.poll().is_pending());
    model::clear();
    RUNS.end(0, End::Returns(0));
    let old = ready(old.poll());
    assert_eq!((*old, model::get(1)), (0, None));
    assert!(new.poll().is_pending());
    RUNS.end(1, End::Returns(1));
    assert_eq!(*ready(new.poll()), 1);
}
