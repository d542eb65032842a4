//! Calls that wait for each other: nobody hangs, and all have the right answer.

use shuttle::future::block_on;

use super::*;

/// Calls of functions from inside each other's bodies, of which the last one calls nothing.
fn nested(memos: &[&'static Static]) {
    let Some((first, rest)) = memos.split_first() else { return point() };
    let result = run(first, 1, || {
        nested(rest);
        7
    });
    assert_eq!(result, 7);
}

/// The same in a task.
fn nested_in_task(
    outer: &'static Static,
    inner: &'static Static,
) -> impl Future<Output = Result<u64, ()>> {
    awaited(call(outer, 1), async move {
        assert_eq!(awaited(call(inner, 1), async { Ok(7) }).await, Ok(7));
        Ok(7)
    })
}

#[test]
fn two_functions_that_call_each_other_on_two_threads_end() {
    check(|functions| {
        let (a, b) = (functions.data(), functions.data());
        at_once([boxed(move || nested(&[a, b])), boxed(move || nested(&[b, a]))]);
    });
}

#[test]
fn three_functions_in_a_ring_end() {
    check(|functions| {
        let (a, b, c) = (functions.data(), functions.data(), functions.data());
        at_once([
            boxed(move || nested(&[a, b])),
            boxed(move || nested(&[b, c])),
            boxed(move || nested(&[c, a])),
        ]);
    });
}

#[test]
fn a_cycle_may_go_through_bodies_in_bodies() {
    check(|functions| {
        let (a, b, c) = (functions.data(), functions.data(), functions.data());
        at_once([
            boxed(move || nested(&[a, b, c])),
            boxed(move || nested(&[c, a])),
            boxed(move || nested(&[b, a])),
        ]);
    });
}

#[test]
fn a_task_and_a_thread_that_wait_for_each_other_end() {
    check(|functions| {
        let (a, b) = (functions.data(), functions.data());
        at_once([
            boxed(move || assert_eq!(block_on(nested_in_task(a, b)), Ok(7))),
            boxed(move || nested(&[b, a])),
            boxed(move || assert_eq!(block_on(nested_in_task(b, a)), Ok(7))),
        ]);
    });
}

#[test]
fn a_cycle_through_an_heir_is_seen() {
    check(|functions| {
        let (a, b) = (functions.data(), functions.data());
        let dropped = move || {
            let mut task = Task::new(async move {
                awaited(call(a, 1), async move {
                    let _ = awaited(call(b, 1), std::future::pending()).await;
                    std::future::pending().await
                })
                .await
            });
            let _ = task.poll();
            point();
        };
        at_once([boxed(dropped), boxed(move || nested(&[a, b])), boxed(move || nested(&[b, a]))]);
    });
}

#[test]
fn a_cycle_through_who_relieves_is_seen() {
    check(|functions| {
        let a = functions.function(false, |memo| memo.wait(|| std::time::Duration::ZERO));
        let b = functions.data();
        at_once([
            boxed(move || nested(&[a, b])),
            boxed(move || nested(&[a, b])),
            boxed(move || nested(&[b, a])),
        ]);
    });
}
