//! Counts what is allocated, and checks that it is given back as it was taken.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::verdict::wrong;

struct Checking;

#[global_allocator]
static CHECKING: Checking = Checking;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MISMATCHES: AtomicU64 = AtomicU64::new(0);

/// What precedes each allocation: its size and alignment.
const HEAD: usize = 2 * size_of::<usize>();

/// The layout of an allocation with its head before it, and where it begins in there.
fn with_head(layout: Layout) -> (Layout, usize) {
    let at = HEAD.next_multiple_of(layout.align());
    match Layout::from_size_align(layout.size() + at, layout.align().max(align_of::<usize>())) {
        Ok(whole) => (whole, at),
        Err(_) => panic!("larger than the address space"),
    }
}

// SAFETY: the system's allocator gives a place that is `at` bytes longer, of which the last `HEAD`
// before the caller's are written here; `at` is a multiple of the alignment.
unsafe impl GlobalAlloc for Checking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (whole, at) = with_head(layout);
        // SAFETY: as above; the head is aligned, as it ends where something aligned begins, and its
        // own size is a multiple of a word's.
        unsafe {
            let start = System.alloc(whole);
            if start.is_null() {
                return start;
            }
            let place = start.add(at);
            place.sub(HEAD).cast::<[usize; 2]>().write_unaligned([layout.size(), layout.align()]);
            HELD.fetch_add(layout.size(), Relaxed);
            place
        }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `alloc` wrote a head before it; what is given back is what that says, as the
        // caller's layout is what is checked.
        unsafe {
            let [size, align] = place.sub(HEAD).cast::<[usize; 2]>().read_unaligned();
            if (size, align) != (layout.size(), layout.align()) {
                MISMATCHES.fetch_add(1, Relaxed);
            }
            HELD.fetch_sub(size, Relaxed);
            let (whole, at) = with_head(Layout::from_size_align_unchecked(size, align));
            System.dealloc(place.sub(at), whole);
        }
    }
}

/// What is held once it does not become less any more: threads of memo's own end a while after their
/// work.
pub(crate) fn held() -> usize {
    let mut least = HELD.load(Relaxed);
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(1200) {
        thread::sleep(Duration::from_millis(20));
        let now = HELD.load(Relaxed);
        if now < least {
            (least, since) = (now, Instant::now());
        }
    }
    least
}

/// What was held after each phase must not grow from the first on, and nothing have gone astray.
pub(crate) fn check(held: &[usize]) {
    const SLACK: usize = 1 << 20;
    if held.iter().any(|then| *then > held[0] + SLACK) {
        wrong(&format!("more and more is held: {held:?}"));
    }
    if MISMATCHES.load(Relaxed) > 0 {
        wrong("something was freed with another layout than it was allocated with");
    }
}
