//! How much memory a target takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

/// More than any target may take: what would take all there is ends here, and says of what.
const LIMIT: isize = 1 << 30;

thread_local! {
    static INPUT: Cell<(*const u8, usize)> = const { Cell::new((std::ptr::null(), 0)) };
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends may free what it has no place left to count.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
        if now.get() > LIMIT {
            give_up();
        }
    });
}

/// Ends the process, as an allocator must not panic. Nothing in here allocates.
#[cold]
fn give_up() -> ! {
    let (start, len) = INPUT.get();
    eprint!("a target takes more than {LIMIT} bytes, with the input (in hexadecimal) ");
    if !start.is_null() {
        // SAFETY: `run_with` has set it, and has the input borrowed.
        let input = unsafe { std::slice::from_raw_parts(start, len) };
        input.iter().for_each(|byte| eprint!("{byte:02x}"));
    }
    eprintln!();
    std::process::abort()
}

/// Does something with an input, which is what is said of a target that takes too much.
pub fn run_with(input: &[u8], what: impl FnOnce(&[u8]) -> u64) -> u64 {
    INPUT.set((input.as_ptr(), input.len()));
    let result = what(input);
    INPUT.set((std::ptr::null(), 0));
    result
}

// SAFETY: all is the system's allocator, and counted beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller says.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as the caller says.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What this does, and how many bytes it had at the most beyond those of before, on this thread.
pub fn peak_of<R>(what: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let result = what();
    (result, usize::try_from(PEAK.get() - before).unwrap_or(0))
}
