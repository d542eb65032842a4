//! What a hit allocates: nothing for its key, and for its value what a clone would.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memo::{memo, singleton};

struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

// SAFETY: the system's allocator does the work; counting it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The allocations of one call, once it is warm.
fn allocations<T>(mut call: impl FnMut() -> T) -> usize {
    // The first call computes, the second makes the thread's scratch space where one is needed.
    let _ = (call(), call());
    let before = ALLOCATIONS.get();
    let result = call();
    let counted = ALLOCATIONS.get() - before;
    drop(result);
    counted
}

#[derive(serde::Serialize)]
struct Query<'a> {
    table: &'a str,
    columns: Vec<String>,
    limits: HashMap<String, Option<u64>>,
}

#[test]
fn a_hit_allocates_nothing_for_its_key() {
    #[memo]
    fn number(x: u64, text: &str, bytes: &[u8], numbers: &[u64], query: &Query<'_>) -> u64 {
        x + (text.len() + bytes.len() + numbers.len() + query.columns.len()) as u64
    }
    let query = Query {
        table: "rows",
        columns: (0..10).map(|n| format!("column {n}")).collect(),
        limits: (0..10).map(|n| (format!("limit {n}"), Some(n))).collect(),
    };
    let (text, bytes, numbers) = ("text".repeat(1000), vec![1; 10_000], vec![1; 1000]);
    assert_eq!(query.table.len(), 4);
    assert_eq!(allocations(|| number(1, &text, &bytes, &numbers, &query)), 0);
}

#[test]
fn a_hit_allocates_what_its_value_needs() {
    #[memo]
    fn upper(text: &str) -> String {
        text.to_uppercase()
    }
    #[memo]
    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }
    #[memo]
    fn nothing(text: &str) -> Option<String> {
        text.strip_prefix("no ").map(str::to_owned)
    }
    assert_eq!(allocations(|| upper("some text")), 1);
    assert_eq!(allocations(|| words("four words in here")), 5);
    assert_eq!(allocations(|| nothing("at all")), 0);
}

#[test]
fn a_hit_allocates_what_a_clone_does_where_that_is_kept() {
    #[memo(clone)]
    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }
    #[memo(clone)]
    fn shared(text: &str) -> Arc<str> {
        text.into()
    }
    assert_eq!(allocations(|| words("four words in here")), 5);
    assert_eq!(allocations(|| shared("some text")), 0);
}

#[test]
fn a_singleton_hit_allocates_nothing() {
    #[singleton]
    fn shared(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }
    assert_eq!(allocations(|| shared("name")), 0);
}

#[test]
fn a_hit_allocates_nothing_for_its_time_and_for_its_condition() {
    #[memo(idle = "1h")]
    fn idle(text: &str) -> usize {
        text.len()
    }
    #[memo(ttl = |len| Duration::from_secs(*len as u64 + 60), jitter = "1s", enabled = !text.is_empty())]
    fn lived(text: &str) -> usize {
        text.len()
    }
    assert_eq!((allocations(|| idle("some text")), allocations(|| lived("some text"))), (0, 0));
}

#[test]
fn a_hit_in_a_session_allocates_nothing() {
    #[memo(scope = "session")]
    fn length(text: &str) -> usize {
        text.len()
    }
    let session = memo::Session::new();
    session.enter(|| assert_eq!(allocations(|| length("some text")), 0));
    assert_eq!(allocations(|| length("some text")), 0);
}
