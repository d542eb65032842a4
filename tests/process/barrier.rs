//! When the system is asked for its barrier, and what becomes of memory where it refuses.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;

use memo::{memo, singleton};

use crate::{alone, growth};

/// Of linux/membarrier.h: what there is, and the barrier itself.
const QUERY: libc::c_int = 0;
const EXPEDITED: libc::c_int = 1 << 3;

fn membarrier(command: libc::c_int) -> libc::c_long {
    // SAFETY: it takes integers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
}

/// Whether the system has a barrier at all, without which there is nothing to be seen here.
fn has_barrier() -> bool {
    let commands = membarrier(QUERY);
    commands > 0 && commands & libc::c_long::from(EXPEDITED) != 0
}

/// Whether the process has registered for it.
fn is_registered() -> bool {
    membarrier(EXPEDITED) == 0
}

/// Has the system refuse the barrier to all threads, as a sandbox does.
fn forbid() {
    use libc::{sock_filter, BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
    let statement = |code: u32, k: u32| sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let is_not = |k: u32| sock_filter { jf: 1, ..statement(BPF_JMP | BPF_JEQ | BPF_K, k) };
    let mut filter = [
        statement(BPF_LD | BPF_W | BPF_ABS, 0),
        is_not(libc::SYS_membarrier as u32),
        statement(BPF_RET | BPF_K, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        statement(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
    // SAFETY: the program is a whole one, and outlives the calls.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::syscall(libc::SYS_seccomp, mode, flags, &program), 0);
    }
    assert!(!is_registered());
}

/// Holds a hundred results of a kilobyte.
#[memo(max_entries = 100)]
fn kilobyte(key: u64) -> String {
    format!("{key:0>1000}")
}

static RELEASED: AtomicUsize = AtomicUsize::new(0);

#[singleton(on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
fn resource(key: u64) -> u64 {
    key
}

static REPORTS: AtomicUsize = AtomicUsize::new(0);

/// Counts them from now on; how many there are to be, once the barrier is refused.
fn count_reports() -> usize {
    memo::set_reporter(|error| {
        assert_eq!(error.function(), "memo", "{error}");
        REPORTS.fetch_add(1, SeqCst);
    });
    usize::from(has_barrier())
}

fn wait_for_releases(releases: usize) {
    while RELEASED.load(SeqCst) < releases {
        thread::yield_now();
    }
}

alone! {
    fn a_process_registers_for_the_barrier_when_something_is_to_be_freed_and_not_before() {
        if !has_barrier() {
            return;
        }
        for key in 0..100 {
            kilobyte(key);
            kilobyte(key);
        }
        assert!(!is_registered());
        for key in 100..1_000 {
            kilobyte(key);
        }
        assert!(is_registered());
        let growth = growth(|| (0..10_000).for_each(|key| drop(kilobyte(key))));
        assert!(growth < 1 << 20, "{growth} bytes");
    }
}

alone! {
    fn what_one_clear_gives_up_is_freed_at_once_though_nothing_was_freed_before() {
        for key in 0..100 {
            kilobyte(key);
        }
        let growth = growth(kilobyte::clear);
        assert!(growth < -100_000, "{growth} bytes");
        assert_eq!(is_registered(), has_barrier());
    }
}

alone! {
    fn a_process_that_may_not_use_the_barrier_any_more_frees_all_the_same() {
        let reports = count_reports();
        let calls = || (0..10_000).for_each(|key| drop(kilobyte(key)));
        let allowed = growth(calls);
        resource(1);
        forbid();
        let forbidden = growth(calls);
        assert!(forbidden < 1 << 20, "{allowed} bytes before, {forbidden} since");
        resource::clear();
        wait_for_releases(1);
        assert_eq!(REPORTS.load(SeqCst), reports);
    }
}

alone! {
    fn what_other_threads_may_look_at_is_freed_without_the_barrier_too() {
        let reports = count_reports();
        let calls = |from: u64| (from..from + 10_000).for_each(|key| drop(kilobyte(key)));
        calls(0);
        resource(1);
        let (is_over, (tell, told)) = (AtomicBool::new(false), mpsc::channel::<()>());
        thread::scope(|scope| {
            let (called, calls_made) = mpsc::channel();
            scope.spawn(move || {
                // It looked once, and is asleep ever since.
                kilobyte(0);
                called.send(()).unwrap();
                let _ = told.recv();
            });
            calls_made.recv().unwrap();
            scope.spawn(|| {
                while !is_over.load(SeqCst) {
                    (0..100).for_each(|key| assert_eq!(kilobyte(key).len(), 1000));
                }
            });
            forbid();
            let growth = growth(|| (1..5).for_each(|round| calls(round << 32)));
            assert!(growth < 32 << 20, "{growth} bytes");
            resource::clear();
            wait_for_releases(1);
            is_over.store(true, SeqCst);
            drop(tell);
        });
        assert_eq!(REPORTS.load(SeqCst), reports);
    }
}

alone! {
    fn a_process_that_never_might_use_the_barrier_is_not_told() {
        forbid();
        assert_eq!(count_reports(), 0);
        let growth = growth(|| (0..10_000).for_each(|key| drop(kilobyte(key))));
        assert!(growth < 1 << 20, "{growth} bytes");
        assert_eq!(REPORTS.load(SeqCst), 0);
    }
}
