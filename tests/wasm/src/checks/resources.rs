use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::Arc;

use memo::singleton;

struct Session {
    number: u32,
}

pub(super) fn callers_share_one_instance() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    #[singleton(max_entries = 2)]
    fn session(url: &str) -> Session {
        let _ = url;
        Session { number: MADE.fetch_add(1, SeqCst) }
    }
    let (first, again, other) = (session("a"), session("a"), session("b"));
    assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
    assert_eq!((first.number, other.number), (0, 1));
    session::clear();
    assert_eq!((session("a").number, first.number), (2, 0));
    singleton::clear_all();
    assert_eq!(session("a").number, 3);
}

pub(super) fn a_resource_is_released_by_the_next_miss_after_its_last_holder() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    #[singleton(on_release = |_| { RELEASED.fetch_add(1, SeqCst); })]
    fn resource(number: u32) -> Session {
        Session { number }
    }
    drop(resource(1));
    resource::clear();
    assert_eq!(RELEASED.load(SeqCst), 1);
    let held = resource(2);
    resource::clear();
    resource(3);
    assert_eq!((RELEASED.load(SeqCst), held.number), (1, 2));
    drop(held);
    // Where there are threads, it is one of theirs that comes by.
    while RELEASED.load(SeqCst) < 2 && !cfg!(target_family = "wasm") {
        std::thread::yield_now();
    }
    resource(4);
    assert_eq!(RELEASED.load(SeqCst), 2);
}
