//! The stores that this process has opened, and the tags that could not be cleared in them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use super::{Failure, Store, Tag, Ticket};
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::Mutex;
use crate::platform::unwind::catch;

/// A store that functions of this process use.
pub(crate) struct Known {
    pub(super) store: Arc<dyn Store>,
    /// The tags that are to be cleared there, and could not be, with a number for each time that they
    /// could not, and why; and whether there are any.
    pending: Mutex<BTreeMap<Tag, (u64, String)>>,
    has_pending: AtomicBool,
    /// Which tag was cleared last, and the moment after.
    last: Mutex<Option<(Tag, Ticket)>>,
}

/// How many clears of tags have failed.
static FAILURES: AtomicU64 = AtomicU64::new(0);

/// Every store that a function has opened, once each.
static STORES: Mutex<Vec<&'static Known>> = Mutex::new(Vec::new());

pub(super) fn enlist(store: Arc<dyn Store>) -> &'static Known {
    let mut stores = STORES.lock();
    if let Some(known) = stores.iter().find(|known| Arc::ptr_eq(&known.store, &store)) {
        return known;
    }
    // The list has it for good.
    let known = Known::unlisted(store);
    stores.push(known);
    known
}

fn all() -> Vec<&'static Known> {
    #[cfg(feature = "disk")]
    enlist(super::disk());
    STORES.lock().clone()
}

/// Clears every store that is known to this process: of functions that it has not called too.
pub(crate) fn clear_stores() {
    for known in all() {
        // Who could not be cleared is told of by the functions whose store it is.
        let _ = caught(|| known.store.clear_all());
    }
}

/// Clears a tag in the same stores.
pub(crate) fn clear_tag_in_stores(tag: &Tag) {
    for known in all() {
        // The same, of functions with tags. What cannot tell whether it has any may have this one.
        if known.has_tags().unwrap_or(true) {
            known.clear_tag(tag);
        }
    }
}

/// In a child of `fork` they go on as they were.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let stores = STORES.lock();
    let lock = |known: &&'static Known| (known.pending.lock(), known.last.lock());
    let locks: Vec<_> = stores.iter().map(lock).collect();
    Box::new(move |_| {
        drop(locks);
        drop(stores);
    })
}

/// What a store answers. A panic of it is an error of it.
pub(super) fn caught<R>(question: impl FnOnce() -> Result<R, Failure>) -> Result<R, String> {
    let asked = catch(|| question().map_err(|error| error.to_string()));
    asked.unwrap_or_else(|| Err("it panicked".into()))
}

impl Known {
    /// A store that no clear of all reaches.
    pub(super) fn unlisted(store: Arc<dyn Store>) -> &'static Self {
        Box::leak(Box::new(Self {
            store,
            pending: Mutex::new(BTreeMap::new()),
            has_pending: AtomicBool::new(false),
            last: Mutex::new(None),
        }))
    }

    /// Whether the store knows of tags; an error, if it panics.
    pub(crate) fn has_tags(&self) -> Result<bool, String> {
        caught(|| Ok(self.store.has_tags()))
    }

    /// Whether what has these tags may be taken from the store and put there: a tag that could not be
    /// cleared is tried again.
    pub(crate) fn may_use(&self, tags: &[Tag]) -> bool {
        let is_clear = |tag: &Tag| self.pending(tag).is_none() || self.clear_tag(tag);
        !self.has_pending.load(Ordering::Acquire) || tags.iter().all(is_clear)
    }

    /// Why a tag could not be cleared there.
    pub(crate) fn pending(&self, tag: &Tag) -> Option<String> {
        if !self.has_pending.load(Ordering::Acquire) {
            return None;
        }
        self.pending.lock().get(tag).map(|(_, why)| why.clone())
    }

    /// The moment after a tag was cleared, if that was the last one.
    pub(crate) fn cleared_at(&self, tag: &Tag) -> Option<Ticket> {
        let (last, ticket) = (*self.last.lock())?;
        (last == *tag).then_some(ticket)
    }

    /// Whether that could be done; if not, the tag is pending.
    fn clear_tag(&self, tag: &Tag) -> bool {
        let number = |pending: &BTreeMap<Tag, (u64, String)>| pending.get(tag).map(|it| it.0);
        let before = number(&self.pending.lock());
        let cleared = caught(|| self.store.clear_tag(tag));
        let mut pending = self.pending.lock();
        let is_cleared = cleared.is_ok();
        match cleared {
            Ok(ticket) => {
                // Unless it is to be cleared once more, as that failed since.
                if number(&pending) == before {
                    pending.remove(tag);
                }
                *self.last.lock() = Some((*tag, ticket));
            }
            Err(why) => {
                // Relaxed: only the number matters.
                pending.insert(*tag, (FAILURES.fetch_add(1, Ordering::Relaxed), why));
            }
        }
        // Release: who sees it unset also sees what was done before.
        self.has_pending.store(!pending.is_empty(), Ordering::Release);
        is_cleared
    }
}
