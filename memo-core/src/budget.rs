//! How many bytes all functions together may hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::registry::MEMOS;

static USED: AtomicUsize = AtomicUsize::new(0);
static MAX: AtomicUsize = AtomicUsize::new(NONE);
const NONE: usize = usize::MAX;

/// Bounds what all memo functions together hold: so many bytes of stored keys and values.
///
/// The least valuable entries of all functions go first. The bound holds at every moment, from the
/// return of this function on; a result that is larger is returned and not stored. `u64::MAX`
/// lifts it.
///
/// ```
/// memo::set_max_bytes(64 << 20);
/// # memo::set_max_bytes(u64::MAX);
/// ```
pub fn set_max_bytes(bytes: u64) {
    MAX.store(usize::try_from(bytes).unwrap_or(NONE), Ordering::SeqCst);
    make_room();
}

pub(crate) fn is_set() -> bool {
    MAX.load(Ordering::Relaxed) != NONE
}

/// Takes bytes for an entry that is about to be stored, evicting others if there is no room. False
/// if it is more than there may ever be.
///
/// No cache's lock is held: that of any may be taken.
pub(crate) fn reserve(bytes: usize) -> bool {
    if bytes > MAX.load(Ordering::Relaxed) {
        return false;
    }
    // SeqCst: of two that reserve at once, or one that sets the bound meanwhile, the later one sees
    // the sum of both, and makes room for it.
    USED.fetch_add(bytes, Ordering::SeqCst);
    if is_set() {
        make_room();
    }
    true
}

/// Gives back the bytes of an entry that is stored no more, or was not stored after all.
pub(crate) fn give_back(bytes: usize) {
    USED.fetch_sub(bytes, Ordering::SeqCst);
}

fn make_room() {
    while USED.load(Ordering::SeqCst) > MAX.load(Ordering::SeqCst) {
        let oldest = MEMOS
            .all()
            .into_iter()
            .filter_map(|function| Some((function.oldest_stamp()?, function)))
            .min_by_key(|(stamp, _)| *stamp);
        match oldest {
            Some((_, function)) => function.evict(),
            // What is left is reserved, by others that will store it or give it back.
            None => return,
        }
    }
}
