//! Tasks of their own: what the call that began one, those who wait and the task do to each other.

use std::future::poll_fn;
use std::sync::Mutex;

use shuttle::future::block_on;

use super::*;
use crate::background::spawner::{set_spawner, BoxFuture};
use shuttle::thread::JoinHandle;

/// What becomes of a task: it is polled so often, and dropped if it is not over then.
type Polls = usize;

/// The threads that tasks are polled by, to be waited for.
type Threads = Arc<Mutex<Vec<JoinHandle<()>>>>;

fn spawning(polls: Polls) -> Threads {
    let threads = Threads::default();
    let spawned = Arc::clone(&threads);
    set_spawner(move |mut task: BoxFuture| {
        let thread = boxed(move || {
            for _ in 0..polls {
                point();
                if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
            point();
            drop(task);
        });
        spawned.lock().expect("nobody panics").push(spawn(thread));
    });
    threads
}

fn wait_for(threads: &Threads) {
    loop {
        let next = threads.lock().expect("nobody panics").pop();
        let Some(thread) = next else { return };
        thread.join().expect("what panics is caught");
    }
}

/// Yields once, and returns 7.
async fn seven() -> Result<u64, ()> {
    let mut is_second = false;
    let yielded = poll_fn(|context: &mut Context<'_>| {
        point();
        if std::mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    yielded.await;
    Ok(7)
}

async fn detached(memo: &'static Static) -> Result<u64, ()> {
    match call(memo, 1).missed() {
        Ok(result) => result,
        Err(miss) => miss.run_detached(seven).await,
    }
}

#[test]
fn a_task_that_is_dropped_before_or_in_its_body_is_nobodys_loss() {
    for polls in 0..2 {
        check(move |functions| {
            let memo = functions.data();
            let threads = spawning(polls);
            at_once([
                boxed(move || assert_eq!(block_on(detached(memo)), Ok(7))),
                boxed(move || assert_eq!(block_on(awaited(call(memo, 1), seven())), Ok(7))),
            ]);
            wait_for(&threads);
            assert_eq!(run(memo, 1, || unreachable!("it is stored")), 7);
            assert_eq!((memo.stats().misses, memo.stats().unshared), (1, 0));
        });
    }
}

#[test]
fn a_call_that_gives_up_undoes_nothing_unless_its_task_is_dropped() {
    for polls in [1, 2] {
        check(move |functions| {
            let memo = functions.data();
            let threads = spawning(polls);
            let gives_up = move || {
                let mut call = Task::new(detached(memo));
                let _ = call.poll();
                point();
            };
            at_once([boxed(gives_up), boxed(move || assert_eq!(block_on(detached(memo)), Ok(7)))]);
            wait_for(&threads);
            assert_eq!(run(memo, 1, || unreachable!("it is stored")), 7);
            assert!(polls == 1 || memo.stats().misses == 1);
        });
    }
}

#[test]
fn what_is_cleared_while_a_task_computes_it_is_not_stored() {
    check(|functions| {
        let memo = functions.data();
        let threads = spawning(2);
        let first = move || {
            let mut call = Task::new(detached(memo));
            let is_begun = call.poll().is_pending();
            memo.clear();
            is_begun
        };
        at_once([
            boxed(move || {
                let _ = first();
            }),
            boxed(move || assert_eq!(block_on(detached(memo)), Ok(7))),
        ]);
        wait_for(&threads);
    });
}
