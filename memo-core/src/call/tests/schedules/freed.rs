//! What is freed is overwritten at once, so that who reads it finds out.

use std::alloc::{GlobalAlloc, Layout, System};

/// No address, no length that anything has, and no tag of a slot.
const FREED: u8 = 0xDD;

struct Overwriting;

#[global_allocator]
static ALLOCATOR: Overwriting = Overwriting;

// SAFETY: what is allocated is the system's; it is written to before it is given back.
unsafe impl GlobalAlloc for Overwriting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller says, it is an allocation of that size, which nobody uses any more.
        unsafe {
            pointer.write_bytes(FREED, layout.size());
            System.dealloc(pointer, layout);
        }
    }
}
