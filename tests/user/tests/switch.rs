//! Memo functions turned off, from outside a process and from inside.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Arc;

use memo::{memo, singleton};

/// What the program prints with this value in its environment.
fn printed(disable: Option<&str>) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_user"));
    program.env_remove("MEMO_DISABLE");
    if let Some(value) = disable {
        program.env("MEMO_DISABLE", value);
    }
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const ON: &str = "\
runs [1, 1, 1], inserted Some(9)
2 hits, 1 misses, 1 entries
one pool: true
1 hits of the pool
";

const OFF: &str = "\
runs [1, 2, 3], inserted None
0 hits, 0 misses, 0 entries
one pool: true
1 hits of the pool
";

#[test]
fn a_variable_of_the_environment_turns_memo_functions_off() {
    assert_eq!(printed(Some("1")), OFF);
    assert_eq!(printed(Some("true")), OFF);
}

#[test]
fn without_the_variable_or_with_an_empty_one_or_zero_they_are_on() {
    assert_eq!(printed(None), ON);
    assert_eq!(printed(Some("")), ON);
    assert_eq!(printed(Some("0")), ON);
}

// The only test here that has memo functions of its own: the switch is the whole process's.
#[test]
fn turned_off_they_run_and_turned_on_they_know_what_they_knew() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn run() -> u32 {
        1 + RUNS.fetch_add(1, Relaxed)
    }
    #[memo]
    async fn later() -> u32 {
        run()
    }
    #[singleton]
    fn pool() -> String {
        "db".into()
    }
    assert_eq!((run(), run()), (1, 1));
    let pool_before = pool();

    memo::set_enabled(false);
    assert_eq!((run(), run(), run::refresh()), (2, 3, 4));
    assert_eq!(tokio_test::block_on(async { (later().await, later().await) }), (5, 6));
    run::insert(9);
    assert_eq!(run::get(), Some(1));
    assert!(Arc::ptr_eq(&pool_before, &pool()));
    let stats = run::stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));

    memo::set_enabled(true);
    assert_eq!((run(), RUNS.load(Relaxed)), (1, 6));
    run::clear();
    assert_eq!((run(), run()), (7, 7));
}
