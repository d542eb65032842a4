//! How deep a memoized function can call itself.

use std::cell::Cell;

use memo::memo;

thread_local!(static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) });

/// About where the stack ends now.
#[inline(never)]
fn stack_end() -> usize {
    let here = 0_u8;
    std::hint::black_box(&here) as *const u8 as usize
}

#[memo]
fn depth(n: u64) -> u64 {
    LOWEST.set(LOWEST.get().min(stack_end()));
    if n == 0 {
        0
    } else {
        1 + depth(n - 1)
    }
}

/// As large as a main thread's.
const STACK: usize = 8 * 1024 * 1024;

#[test]
#[cfg_attr(debug_assertions, ignore = "measures frames of the release profile")]
fn a_level_of_recursion_takes_no_more_than_160_bytes_of_stack() {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let top = stack_end();
        assert_eq!(depth(10_000), 10_000);
        (top - LOWEST.get()) / 10_000
    });
    let bytes = thread.unwrap().join().unwrap();
    println!("{bytes} bytes of stack a level");
    assert!(bytes <= 160, "{bytes} bytes");
}

#[test]
fn recursion_goes_a_thousand_levels_deep_without_optimization() {
    #[memo]
    fn deep(n: u64) -> u64 {
        if n == 0 {
            0
        } else {
            1 + deep(n - 1)
        }
    }
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(|| deep(1000));
    assert_eq!(thread.unwrap().join().unwrap(), 1000);
}
