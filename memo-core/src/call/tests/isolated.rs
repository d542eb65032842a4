//! What isolated blocks leave behind them: doubles, for the next block, and not before its time.

use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::call::isolated::isolated;

/// Blocks of other tests would take what these have left.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address of the function where this thread is.
fn here(memo: &'static Static) -> usize {
    std::ptr::from_ref(memo.here()).addr()
}

#[test]
fn blocks_one_after_another_use_the_same_doubles_and_find_them_empty() {
    static MEMO: Static = Static::new(Memo::new("doubled"));
    let _alone = alone();
    run(&MEMO, 1, || 7);
    let doubles = [(); 5].map(|()| {
        isolated(|| {
            assert_eq!((run(&MEMO, 1, || 8), run(&MEMO, 1, || 9)), (8, 8));
            let stats = MEMO.stats();
            assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
            here(&MEMO)
        })
    });
    assert!(doubles.iter().all(|double| *double == doubles[0] && *double != here(&MEMO)));
    assert_eq!(run(&MEMO, 1, || 9), 7);
}

#[test]
fn blocks_in_each_other_have_a_double_each() {
    static MEMO: Static = Static::new(Memo::new("nested"));
    let _alone = alone();
    let (outer, inner) = isolated(|| {
        let inner = isolated(|| here(&MEMO));
        (here(&MEMO), inner)
    });
    assert!(outer != inner && outer != here(&MEMO) && inner != here(&MEMO));
}

#[test]
fn a_double_is_not_used_again_while_a_call_of_its_block_is_under_way() {
    static MEMO: Static = Static::new(Memo::new("escaped").asynchronous());
    let _alone = alone();
    let begin = || {
        let mut task = Task::new(async { awaited(call(&MEMO, 1), pending()).await });
        assert!(task.poll().is_pending());
        (task, here(&MEMO))
    };
    let (task, first) = isolated(begin);
    let (other, second) = isolated(begin);
    assert_ne!(first, second);
    drop(task);
    let third = isolated(|| here(&MEMO));
    assert_eq!(third, first);
    drop(other);
    let doubles = [(); 2].map(|()| isolated(|| here(&MEMO)));
    assert!(doubles.iter().all(|double| [first, second].contains(double)));
}
