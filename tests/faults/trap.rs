//! Has this thread's requests to the system stopped on their way, as a file system that fails would
//! stop them, or to see what is on the disk before each of them.
//!
//! The disk store asks the system without the C library, so that nothing can be put in between by
//! linking. A filter of seccomp has the kernel raise a signal instead of doing what is asked; its
//! handler makes the same request with a mark that the filter lets through, or answers for the
//! system. A filter is its thread's, and of those that are started from it, for good.

use std::arch::asm;
use std::ffi::c_void;
use std::io;
use std::mem::{offset_of, MaybeUninit};
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

/// What the last argument of a request is that is let through; none of them has so many.
const MARK: u32 = 0x6D65_6D6F;

/// What is asked of a file system.
const ASKED: [libc::c_long; 22] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_rmdir,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_flock,
    libc::SYS_utimensat,
    libc::SYS_fsync,
];

/// Whether a request changes what is on the disk.
fn is_change(request: libc::c_long, arguments: &[i64; 5]) -> bool {
    match request {
        libc::SYS_open => arguments[1] & i64::from(libc::O_CREAT) != 0,
        libc::SYS_openat => arguments[2] & i64::from(libc::O_CREAT) != 0,
        libc::SYS_read
        | libc::SYS_fstat
        | libc::SYS_newfstatat
        | libc::SYS_statx
        | libc::SYS_getdents64
        | libc::SYS_lseek
        | libc::SYS_flock
        | libc::SYS_fsync => false,
        _ => true,
    }
}

/// In the place of an error: half of what is to be read or written is.
pub(crate) const SHORT: i32 = i32::MAX;

/// Which requests fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// An `errno`, or [`SHORT`].
    pub(crate) how: i32,
    /// How many are let through before the first one that fails.
    pub(crate) first: u64,
    /// Every so many fail from then on; only that one, if 0.
    pub(crate) every: u64,
}

/// One test at a time: what follows is of all threads with a filter.
static TURN: Mutex<()> = Mutex::new(());

// What the handler does: it may take no lock, nor allocate.
static HOW: AtomicI64 = AtomicI64::new(0);
static FIRST: AtomicU64 = AtomicU64::new(0);
static EVERY: AtomicU64 = AtomicU64::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);
static FIRED: AtomicU64 = AtomicU64::new(0);
/// For [`watch`]: how many changes were begun, and how many of them may be made.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ALLOWED: AtomicU64 = AtomicU64::new(u64::MAX);

/// Has requests of the threads with a filter fail while something is done; how many did.
pub(crate) fn with_fault(fault: Fault, act: impl FnOnce()) -> u64 {
    FIRST.store(fault.first, SeqCst);
    EVERY.store(fault.every, SeqCst);
    SEEN.store(0, SeqCst);
    FIRED.store(0, SeqCst);
    HOW.store(i64::from(fault.how), SeqCst);
    act();
    HOW.store(0, SeqCst);
    FIRED.load(SeqCst)
}

/// Runs something on a thread with a filter, and calls `look` before each change that it makes, which
/// waits meanwhile.
pub(crate) fn watch(act: impl FnOnce() + Send, mut look: impl FnMut()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    BEGUN.store(0, SeqCst);
    ALLOWED.store(0, SeqCst);
    thread::scope(|scope| {
        let acting = scope.spawn(|| {
            filter();
            act();
        });
        while !acting.is_finished() {
            let begun = BEGUN.load(SeqCst);
            if begun > ALLOWED.load(SeqCst) {
                look();
                ALLOWED.store(begun, SeqCst);
            }
            thread::yield_now();
        }
    });
    ALLOWED.store(u64::MAX, SeqCst);
}

/// Runs something on a thread with a filter.
pub(crate) fn run(act: impl FnOnce() + Send) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        scope.spawn(|| {
            filter();
            act();
        });
    });
}

/// What the system answers to a request, which is let through.
fn ask(request: libc::c_long, arguments: &[i64; 5]) -> i64 {
    let answer;
    // SAFETY: it is the request that was made, with the arguments that it was made with.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") request => answer,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") i64::from(MARK),
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// What becomes of a request.
fn answer(request: libc::c_long, mut arguments: [i64; 5]) -> i64 {
    let is_transfer = matches!(request, libc::SYS_read | libc::SYS_write);
    // What the test harness says and hears is no file system's.
    if is_transfer && arguments[0] <= 2 {
        return ask(request, &arguments);
    }
    if ALLOWED.load(SeqCst) != u64::MAX && is_change(request, &arguments) {
        let begun = BEGUN.fetch_add(1, SeqCst) + 1;
        while ALLOWED.load(SeqCst) < begun {
            std::hint::spin_loop();
            ask(libc::SYS_sched_yield, &[0; 5]);
        }
    }
    let how = HOW.load(SeqCst);
    if how == 0 {
        return ask(request, &arguments);
    }
    let (seen, first, every) = (SEEN.fetch_add(1, SeqCst), FIRST.load(SeqCst), EVERY.load(SeqCst));
    let is_one = seen == first || every > 0 && seen > first && (seen - first) % every == 0;
    if !is_one {
        return ask(request, &arguments);
    }
    FIRED.fetch_add(1, SeqCst);
    if how != i64::from(SHORT) {
        return -how;
    }
    if is_transfer {
        arguments[2] = (arguments[2] + 1) / 2;
    }
    ask(request, &arguments)
}

extern "C" fn on_trap(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands a handler with SA_SIGINFO the context of what it interrupted.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let of = |register: libc::c_int| registers[register as usize];
    let arguments = [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10, libc::REG_R8];
    let answer = answer(of(libc::REG_RAX), arguments.map(of));
    registers[libc::REG_RAX as usize] = answer;
}

/// Has this thread's requests raise the signal from now on.
fn filter() {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // SAFETY: all zeros are an action; the handler takes what SA_SIGINFO gives it.
        let handled = unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = on_trap as extern "C" fn(_, _, _) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            libc::sigaction(libc::SIGSYS, &action, ptr::null_mut())
        };
        assert_eq!(handled, 0, "{}", io::Error::last_os_error());
    });

    let load = |offset: usize| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset as u32, 0);
    let skip_if = |value: u32, skipped: usize| {
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, skipped)
    };
    let end = |action: u32| step(libc::BPF_RET | libc::BPF_K, action, 0);
    let mut program = vec![
        // The lower half of the last argument.
        load(offset_of!(libc::seccomp_data, args) + 5 * size_of::<u64>()),
        skip_if(MARK, ASKED.len() + 1),
        load(offset_of!(libc::seccomp_data, nr)),
    ];
    for (index, request) in ASKED.iter().enumerate() {
        program.push(skip_if(*request as u32, ASKED.len() - index));
    }
    program.push(end(libc::SECCOMP_RET_ALLOW));
    program.push(end(libc::SECCOMP_RET_TRAP));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program; these are this thread's settings alone.
    let filtered = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter) == 0
    };
    assert!(filtered, "{}", io::Error::last_os_error());
}

fn step(code: u32, k: u32, jt: usize) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: jt as u8, jf: 0, k }
}
