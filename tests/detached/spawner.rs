//! A spawner that keeps what it is given in a queue, which a test polls by hand.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::sync::Once;
use std::thread;

use crate::schedule::{block_on, Task};

/// What becomes of a task that is spawned on this thread.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Queued,
    Dropped,
    Forgotten,
    RunInline,
    Threads,
    Panicking,
}

thread_local! {
    static WAY: Cell<Way> = const { Cell::new(Way::Queued) };
    static QUEUE: RefCell<VecDeque<Task<()>>> = const { RefCell::new(VecDeque::new()) };
}

/// Sets the spawner of the process, and what it does with the tasks of this test.
pub(crate) fn set(way: Way) {
    static SET: Once = Once::new();
    WAY.set(way);
    SET.call_once(|| {
        memo::set_spawner(|task| match WAY.get() {
            Way::Queued => QUEUE.with_borrow_mut(|queue| queue.push_back(Task::new(task))),
            Way::Dropped => drop(task),
            Way::Forgotten => mem::forget(task),
            Way::RunInline => block_on(task),
            Way::Threads => drop(thread::spawn(|| block_on(task))),
            Way::Panicking => panic!("the spawner panics"),
        });
    });
}

/// The task that was spawned first on this thread, and was not taken.
pub(crate) fn take() -> Task<()> {
    let task = QUEUE.with_borrow_mut(VecDeque::pop_front);
    task.expect("a task was spawned")
}

pub(crate) fn queued() -> usize {
    QUEUE.with_borrow(VecDeque::len)
}

/// Polls the queued tasks, each as often as it is woken, until none of them goes on.
pub(crate) fn run_queued() {
    let mut tasks: Vec<Task<()>> = Vec::new();
    loop {
        while queued() > 0 {
            let mut task = take();
            if task.poll().is_pending() {
                tasks.push(task);
            }
        }
        let Some(at) = tasks.iter().position(Task::is_woken) else { break };
        if tasks[at].poll().is_ready() {
            drop(tasks.swap_remove(at));
        }
    }
    QUEUE.with_borrow_mut(|queue| queue.extend(tasks));
}
