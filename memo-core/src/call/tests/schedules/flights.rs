//! Who computes, who waits, and who goes on where a leader leaves.

use std::sync::atomic::AtomicU64;
use std::sync::Mutex;
use std::time::Duration;

use shuttle::future::block_on;

use super::*;
use crate::call::errors::{on_err, ErrShared, OnErr};
use crate::call::Hooks;
use crate::platform::sync::thread::{catch, panics};

/// A call in a task, which waits as long as it must.
fn run_in_task(
    memo: &'static Static,
    body: impl Future<Output = Result<u64, ()>>,
) -> Result<u64, ()> {
    block_on(awaited(call(memo, 1), body))
}

/// A call whose future is polled, and dropped if it was not ready.
fn poll_and_drop(memo: &'static Static) {
    let mut task = Task::new(async move { awaited(call(memo, 1), std::future::pending()).await });
    let _ = task.poll();
    point();
}

async fn seven() -> Result<u64, ()> {
    point();
    Ok(7)
}

fn seven_at_once() -> Result<u64, ()> {
    point();
    Ok(7)
}

/// The option of a function whose waiters relieve at once. Who asks for it takes a while, for which
/// others wait.
pub(super) fn no_wait() -> Duration {
    point();
    Duration::ZERO
}

#[test]
fn callers_of_one_key_compute_it_once_and_have_all_the_answer() {
    check(|functions| {
        let memo = functions.data();
        at_once((0..3).map(|_| {
            boxed(move || {
                let result = run(memo, 1, || {
                    point();
                    7
                });
                assert_eq!(result, 7);
            })
        }));
        let stats = memo.stats();
        assert_eq!((stats.misses, stats.hits, stats.unshared), (1, 2, 0));
    });
}

#[test]
fn threads_and_tasks_share_one_computation() {
    check(|functions| {
        let memo = functions.data();
        at_once([
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
        assert_eq!((memo.stats().misses, memo.stats().hits), (1, 2));
    });
}

#[test]
fn where_a_leader_panics_others_compute_for_themselves() {
    check(|functions| {
        let memo = functions.data();
        let panicking = move || {
            let result = catch(|| {
                run(memo, 1, || {
                    point();
                    panics()
                })
            });
            assert!(matches!(result, None | Some(7)));
        };
        at_once([
            boxed(panicking),
            boxed(move || {
                assert_eq!(run(memo, 1, || 7), 7);
            }),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
        assert_eq!(run(memo, 1, || unreachable!("it is stored")), 7);
    });
}

#[test]
fn an_error_is_nobody_elses() {
    check(|functions| {
        let memo = functions.data();
        let failing = move || {
            let result = call(memo, 1).run(|| {
                point();
                Err(())
            });
            assert!(matches!(result, Err(()) | Ok(7)));
        };
        at_once([
            boxed(failing),
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
    });
}

/// The option `share_err`.
fn sharing(memo: &'static Static) -> Call<Result<u64, ()>, OnErr<Bytes<OkOnly>, ErrShared>> {
    enter(memo, on_err(Bytes(OkOnly), ErrShared), (&1_u64, ()))
}

fn fail_at_once() -> Result<u64, ()> {
    point();
    Err(())
}

#[test]
fn an_error_that_is_shared_is_had_by_all_who_wait_and_nobody_computes_beside_them() {
    check(|functions| {
        let memo = functions.data();
        let in_task = move || match sharing(memo).missed() {
            Ok(result) => result,
            Err(miss) => {
                let body = async { fail_at_once() };
                block_on(async { miss.run_async(pin!(Some(body)).as_mut()).await })
            }
        };
        at_once([
            boxed(move || assert_eq!(sharing(memo).run(fail_at_once), Err(()))),
            boxed(move || assert_eq!(sharing(memo).run(fail_at_once), Err(()))),
            boxed(move || assert_eq!(in_task(), Err(()))),
        ]);
        let stats = memo.stats();
        assert_eq!((stats.misses + stats.hits, stats.unshared, stats.entries), (3, 0, 0));
    });
}

#[test]
fn an_error_that_is_shared_is_not_had_by_who_came_after_a_clear() {
    check(|functions| {
        let memo = functions.data();
        let cleared = Arc::new(AtomicBool::new(false));
        let is_cleared = Arc::clone(&cleared);
        // Before the clear it fails, and after it does not.
        let body = move || {
            let failed = !is_cleared.load(Ordering::SeqCst);
            point();
            if failed {
                Err(())
            } else {
                Ok(7)
            }
        };
        let leading = body.clone();
        at_once([
            boxed(move || assert!(matches!(sharing(memo).run(leading), Err(()) | Ok(7)))),
            boxed(move || {
                cleared.store(true, Ordering::SeqCst);
                memo.clear();
                assert_eq!(sharing(memo).run(body), Ok(7));
            }),
        ]);
    });
}

#[test]
fn a_thread_and_a_task_that_wait_go_on_where_a_leaders_future_is_dropped() {
    check(|functions| {
        let memo = functions.data();
        at_once([
            boxed(move || poll_and_drop(memo)),
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
        assert_eq!(run(memo, 1, || unreachable!("it is stored")), 7);
    });
}

#[test]
fn an_heir_that_is_dropped_leaves_it_to_the_next_who_computes_for_all() {
    check(|functions| {
        let memo = functions.data();
        let runs = Arc::new(AtomicU64::new(0));
        let caller = || {
            let runs = Arc::clone(&runs);
            boxed(move || {
                let result = call(memo, 1).run(|| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    seven_at_once()
                });
                assert_eq!(result, Ok(7));
            })
        };
        let dropped = || boxed(move || poll_and_drop(memo));
        at_once([dropped(), dropped(), caller(), caller()]);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn calls_that_are_all_dropped_leave_nothing() {
    check(|functions| {
        let memo = functions.data();
        at_once((0..3).map(|_| boxed(move || poll_and_drop(memo))));
        assert_eq!(run(memo, 1, || 7), 7);
    });
}

#[test]
fn an_heir_that_panics_leaves_it_to_the_next() {
    check(|functions| {
        let memo = functions.data();
        let panicking = move || {
            let _ = catch(|| run(memo, 1, || panics()));
        };
        at_once([
            boxed(move || poll_and_drop(memo)),
            boxed(panicking),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
    });
}

#[test]
fn a_leader_that_is_woken_by_another_thread_goes_on() {
    check(|functions| {
        let memo = functions.data();
        // What the body waits for: whether it is there, and who is to be told.
        let state = Arc::new(Mutex::new((false, None::<Waker>)));
        let body = {
            let state = Arc::clone(&state);
            std::future::poll_fn(move |context| {
                let mut state = state.lock().unwrap();
                if state.0 {
                    return Poll::Ready(Ok(7));
                }
                state.1 = Some(context.waker().clone());
                Poll::Pending
            })
        };
        at_once([
            boxed(move || assert_eq!(run_in_task(memo, body), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
            boxed(move || {
                point();
                let waker = {
                    let mut state = state.lock().unwrap();
                    state.0 = true;
                    state.1.take()
                };
                if let Some(waker) = waker {
                    waker.wake();
                }
            }),
        ]);
    });
}

#[test]
fn who_relieves_a_leader_answers_all_or_is_answered() {
    check(|functions| {
        let memo = functions.function(false, |memo| memo.wait(no_wait));
        at_once([
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
            boxed(move || assert_eq!(run_in_task(memo, seven()), Ok(7))),
        ]);
        assert_eq!(run(memo, 1, || unreachable!("it is stored")), 7);
    });
}

#[test]
fn who_relieves_a_leader_may_be_dropped_or_panic_or_be_cleared() {
    check(|functions| {
        let memo = functions.function(false, |memo| memo.wait(no_wait));
        let panicking = move || {
            let _ = catch(|| {
                run(memo, 1, || {
                    point();
                    panics()
                })
            });
        };
        at_once([
            boxed(move || poll_and_drop(memo)),
            boxed(panicking),
            boxed(move || memo.clear()),
            boxed(move || assert_eq!(call(memo, 1).run(seven_at_once), Ok(7))),
        ]);
    });
}

#[test]
fn of_a_resource_there_is_one_for_all_though_two_make_it() {
    check(|functions| {
        let memo = functions.function(true, |memo| memo.wait(no_wait));
        let (sender, receiver) = std::sync::mpsc::channel();
        at_once((0..3_u64).map(|number| {
            let sender = sender.clone();
            boxed(move || {
                let resource = enter(memo, Hooks::<u64>::new(), ()).run(|| {
                    point();
                    Arc::new(number)
                });
                sender.send(resource).unwrap();
            })
        }));
        drop(sender);
        let resources: Vec<_> = receiver.iter().collect();
        assert!(resources.iter().all(|resource| Arc::ptr_eq(resource, &resources[0])));
    });
}
