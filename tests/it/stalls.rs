//! A leader whose future was woken and is not polled keeps nobody waiting for long: not for the
//! five seconds of a bound, but for some fifty milliseconds.

use std::future::{poll_fn, Future};
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use memo::{memo, singleton};

use crate::schedule::{block_on, End, Gate, Runs, Task};

/// Well within this a stalled leader is noticed; its bound alone would take five.
const SOON: Duration = Duration::from_secs(1);

#[track_caller]
fn soon<T>(future: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let output = block_on(future);
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    output
}

/// A future that yields to others so often.
async fn yielding(times: u32) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_leader_that_a_task_keeps_while_it_asks_again_is_relieved_soon() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    async fn block(number: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        2 * number
    }
    // As in a `select!` whose other branch was ready, and whose arm asks for the same.
    let select = async {
        let mut kept = pin!(block(3));
        let first = poll_fn(|context| match kept.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        });
        assert_eq!(first.await, None);
        GATE.open();
        let value = block(3).await;
        assert_eq!(kept.await, value);
        value
    };
    assert_eq!(soon(select), 6);
    assert_eq!((RUNS.load(SeqCst), block::stats().unshared), (2, 1));
}

#[test]
fn a_leader_that_is_forgotten_is_relieved_soon() {
    static GATE: Gate = Gate::new();
    #[memo]
    async fn block(number: u32) -> u32 {
        GATE.pass().await;
        2 * number
    }
    #[singleton]
    async fn resource(number: u32) -> u32 {
        GATE.pass().await;
        3 * number
    }
    let (mut leader, mut maker) = (Task::new(block(1)), Task::new(resource(1)));
    assert!(leader.poll().is_pending() && maker.poll().is_pending());
    mem::forget((leader, maker));
    GATE.open();
    assert_eq!(soon(block(1)), 2);
    // Though the bound of a singleton's waits is a minute.
    assert_eq!(*soon(resource(1)), 3);
}

#[test]
fn a_leader_that_is_woken_while_others_wait_and_not_polled_is_relieved_soon() {
    static GATE: Gate = Gate::new();
    #[memo]
    async fn block(number: u32) -> u32 {
        GATE.pass().await;
        2 * number
    }
    let mut leader = Task::new(block(1));
    assert!(leader.poll().is_pending());
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| block_on(block(1)))).collect();
        // Polled whenever it is woken, it is not stalled, however long it takes.
        let (start, mut longest) = (Instant::now(), Duration::ZERO);
        while start.elapsed() < 4 * Duration::from_millis(50) {
            let woken = Instant::now();
            GATE.shake();
            assert!(leader.is_woken() && leader.poll().is_pending());
            longest = longest.max(woken.elapsed());
            thread::yield_now();
        }
        // Unless the machine was so busy that this thread was.
        assert!(block::stats().misses == 1 || longest > Duration::from_millis(30), "{longest:?}");
        let start = Instant::now();
        GATE.open();
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap() == 2));
        assert!(start.elapsed() < SOON);
    });
    assert_eq!(leader.poll(), Poll::Ready(2));
    let stats = block::stats();
    assert!((1..=3).contains(&stats.unshared) && stats.misses == 1 + stats.unshared, "{stats:?}");
}

#[test]
fn an_heir_that_is_woken_and_not_polled_keeps_nobody_waiting() {
    static RUNS: Runs = Runs::new();
    #[memo]
    async fn held(key: u32) -> Result<u32, String> {
        let _ = key;
        RUNS.awaited().await
    }
    let [mut leader, mut heir, mut second] = [(); 3].map(|()| Task::new(held(1)));
    assert!(leader.poll().is_pending() && heir.poll().is_pending() && second.poll().is_pending());
    drop(leader);
    assert!(heir.is_woken());
    // The next one leads, and is not polled either, once it is woken.
    thread::scope(|scope| {
        let last = scope.spawn(|| soon(held(1)));
        RUNS.wait_for(2);
        RUNS.end(1, End::Returns(1));
        // Either `last` is the heir and returns, or `second` was: nobody polls that.
        assert_eq!(last.join().unwrap(), Ok(1));
    });
    assert_eq!((heir.poll(), second.poll()), (Poll::Ready(Ok(1)), Poll::Ready(Ok(1))));
}

#[test]
fn an_heir_that_leads_and_is_not_polled_is_relieved_as_any_leader() {
    static GATE: Gate = Gate::new();
    #[memo]
    async fn block(number: u32) -> u32 {
        GATE.pass().await;
        2 * number
    }
    let [mut leader, mut heir] = [(); 2].map(|()| Task::new(block(1)));
    assert!(leader.poll().is_pending() && heir.poll().is_pending());
    drop(leader);
    assert!(heir.poll().is_pending());
    assert_eq!(block::stats().misses, 2);
    GATE.open();
    assert_eq!(soon(block(1)), 2);
    assert_eq!((heir.poll(), block::stats().unshared), (Poll::Ready(2), 1));
}

#[test]
fn who_was_held_up_by_one_holds_up_nobody_at_the_next() {
    const KEYS: u32 = 8;
    static GATE: Gate = Gate::new();
    #[memo]
    async fn block(number: u32) -> u32 {
        GATE.pass().await;
        2 * number
    }
    #[memo]
    async fn walk(from: u32) -> u32 {
        let mut sum = 0;
        for number in from..KEYS {
            sum += block(number).await;
        }
        sum
    }
    let mut kept: Vec<_> = (0..KEYS).map(|number| Task::new(block(number))).collect();
    for leader in &mut kept {
        assert!(leader.poll().is_pending());
    }
    GATE.open();
    thread::scope(|scope| {
        let start = Instant::now();
        // Each comes by all that are stalled, the later ones behind the first.
        let walks: Vec<_> = (0..4).map(|from| scope.spawn(move || block_on(walk(from)))).collect();
        for (from, walk) in (0..).zip(walks) {
            assert_eq!(walk.join().unwrap(), (from..KEYS).map(|number| 2 * number).sum::<u32>());
        }
        // All were woken at once, so that the stalls do not even add up.
        assert!(start.elapsed() < 2 * SOON, "{:?}", start.elapsed());
    });
    let unshared = block::stats().unshared as u32;
    assert!((KEYS..2 * KEYS).contains(&unshared), "{unshared}");
    assert_eq!(walk::stats().unshared, 0);
}

/// A call that a stream makes ahead of its consumer.
enum Ahead {
    Running(Task<usize>),
    Done(usize),
}

/// The first of a buffer's results, as `buffered` gives it: what is behind it is polled meanwhile.
async fn next(buffer: &mut [Ahead]) -> usize {
    poll_fn(|context| {
        for ahead in buffer.iter_mut() {
            if let Ahead::Running(task) = ahead {
                if let Poll::Ready(value) = pin!(task).poll(context) {
                    *ahead = Ahead::Done(value);
                }
            }
        }
        match buffer[0] {
            Ahead::Done(value) => Poll::Ready(value),
            Ahead::Running(_) => Poll::Pending,
        }
    })
    .await
}

#[test]
fn a_stream_that_reads_ahead_is_not_held_up_for_long_at_any_item() {
    const ITEMS: usize = 6;
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    async fn block(number: usize) -> usize {
        RUNS.fetch_add(1, SeqCst);
        yielding(5).await;
        2 * number
    }
    let ahead = |number| Ahead::Running(Task::new(block(number)));
    let walk = async {
        let mut buffer: Vec<_> = (0..3).map(ahead).collect();
        for number in 0..ITEMS {
            assert_eq!(next(&mut buffer).await, 2 * number);
            buffer.remove(0);
            buffer.push(ahead(number + 3));
            // Nothing in the buffer is polled while the loop's body asks for what is in it.
            assert_eq!(block(number + 1).await, 2 * (number + 1));
        }
    };
    let start = Instant::now();
    block_on(walk);
    assert!(start.elapsed() < 2 * SOON, "{:?}", start.elapsed());
    let unshared = block::stats().unshared as usize;
    assert!((1..=ITEMS).contains(&unshared), "{unshared}");
    assert_eq!(RUNS.load(SeqCst) as u64, block::stats().misses);
}

#[test]
fn fifty_tasks_behind_one_that_is_slowly_polled_run_the_body_five_times_at_most() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    async fn slow(key: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        yielding(20).await;
        key
    }
    // A runtime that is so busy with other things that each task has its turn every 60 ms, the
    // leader last.
    let mut tasks: Vec<_> = (0..51).map(|_| Task::new(slow(7))).collect();
    tasks.iter_mut().rev().for_each(|task| assert!(task.poll().is_pending()));
    let start = Instant::now();
    while !tasks.is_empty() {
        thread::sleep(Duration::from_millis(60));
        tasks.retain_mut(|task| !task.is_woken() || task.poll().is_pending());
    }
    let runs = RUNS.load(SeqCst);
    assert!(runs <= 5, "{runs} runs");
    // It took the leader's twenty turns and no more, however many came in between.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(slow::stats().unshared as usize, runs - 1);
}
