//! A beginning and an end for tests that choose their schedules.

use super::*;

/// Frees the records of all threads, which are gone, so that every schedule begins with none, and
/// goes the same way.
pub(crate) fn forget_all() {
    let mut records = RECORDS.lock();
    assert_eq!(records.free.len(), records.all.len(), "a thread did not give its record back");
    records.free.clear();
    for record in records.all.drain(..) {
        assert_eq!(record.pinned.unscheduled().load(Ordering::Relaxed), UNPINNED);
        let len = record.hits_len.unscheduled().load(Ordering::Relaxed);
        if let Some(hits) = NonNull::new(record.hits.unscheduled().load(Ordering::Relaxed)) {
            let hits = ptr::slice_from_raw_parts_mut(hits.as_ptr(), len);
            // SAFETY: leaked in `grow` as a box of so many counters, and its thread is gone.
            drop(unsafe { Box::from_raw(hits) });
        }
        // SAFETY: leaked in `enlist`; no thread has it, and nothing else is left that names it.
        drop(unsafe { Box::from_raw(ptr::from_ref(record).cast_mut()) });
    }
}

/// Makes so many records, of which none is used: what threads share is made before they begin.
#[cfg(memo_loom)]
pub(crate) fn prepare(records: usize) {
    EPOCH.load(Ordering::Relaxed);
    fence(Ordering::SeqCst);
    for _ in 0..records {
        let (record, _) = enlist();
        record.pinned.load(Ordering::Relaxed);
        record.holds.prepare();
    }
    FENCED_RECORD.set(None);
    let mut records = RECORDS.lock();
    records.free = records.all.clone();
}
