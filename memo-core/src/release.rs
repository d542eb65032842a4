//! The end of a resource: `on_release`, when the last `Arc` goes.
//!
//! An `Arc<T>` cannot tell anyone that it is the last one. So what leaves a cache while others
//! still hold it is kept by a thread of its own, which looks from time to time whether they do. It
//! runs only while something is waited for.

use std::sync::atomic::{fence, Ordering};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A cache's hold on a resource. When it ends, the resource is released, now or later.
pub(crate) struct Hold<X: ?Sized> {
    /// Taken by the drop.
    resource: Option<Arc<X>>,
    release: Option<Release<X>>,
}

/// What the user wants done at a resource's end, and how to wait for it.
struct Release<X: ?Sized> {
    hook: fn(&X),
    watch: fn(Last<X>),
}

impl<X: ?Sized + Send + Sync + 'static> Hold<X> {
    pub(crate) fn new(resource: Arc<X>, hook: Option<fn(&X)>) -> Self {
        let release = hook.map(|hook| Release { hook, watch });
        Self { resource: Some(resource), release }
    }
}

impl<X: ?Sized> Hold<X> {
    #[inline(always)]
    pub(crate) fn resource(&self) -> &Arc<X> {
        match &self.resource {
            Some(resource) => resource,
            None => unreachable!("only the drop takes it"),
        }
    }
}

impl<X: ?Sized> Drop for Hold<X> {
    fn drop(&mut self) {
        let (Some(resource), Some(release)) = (self.resource.take(), &self.release) else { return };
        let last = Last { resource, hook: release.hook };
        if !last.try_release() {
            (release.watch)(last);
        }
    }
}

/// What is left of a hold, when others may hold the resource still.
struct Last<X: ?Sized> {
    resource: Arc<X>,
    hook: fn(&X),
}

impl<X: ?Sized> Last<X> {
    fn try_release(&self) -> bool {
        let is_last = Arc::strong_count(&self.resource) == 1;
        if is_last {
            // The count is a relaxed load; what the others did before they let go is seen here.
            fence(Ordering::Acquire);
            (self.hook)(&self.resource);
        }
        is_last
    }
}

/// Something that can be released once nobody else holds it.
trait Lingering: Send {
    fn try_release(&self) -> bool;
}

impl<X: ?Sized + Send + Sync> Lingering for Last<X> {
    fn try_release(&self) -> bool {
        Last::try_release(self)
    }
}

struct Watch {
    lingering: Vec<Box<dyn Lingering>>,
    is_running: bool,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { lingering: Vec::new(), is_running: false });
static NEWS: Condvar = Condvar::new();

/// How often the thread looks: soon after something came, ever less often after that.
const SOONEST: Duration = Duration::from_micros(500);
const LATEST: Duration = Duration::from_millis(20);

fn watch<X: ?Sized + Send + Sync + 'static>(last: Last<X>) {
    let mut watch = WATCH.lock();
    watch.lingering.push(Box::new(last));
    if watch.is_running {
        NEWS.notify_one();
        return;
    }
    // Without a thread, the next one that leaves a cache tries again.
    watch.is_running =
        std::thread::Builder::new().name("memo-release".into()).spawn(look_after).is_ok();
}

fn look_after() {
    let mut pause = SOONEST;
    loop {
        let mut lingering = std::mem::take(&mut WATCH.lock().lingering);
        // Outside the lock, as releasing runs the user's code; a panic there costs its own only.
        lingering.retain(|one| {
            let attempt = std::panic::AssertUnwindSafe(|| !one.try_release());
            std::panic::catch_unwind(attempt).unwrap_or(false)
        });
        let mut watch = WATCH.lock();
        watch.lingering.append(&mut lingering);
        if watch.lingering.is_empty() {
            watch.is_running = false;
            return;
        }
        let is_quiet = NEWS.wait_for(&mut watch, pause).timed_out();
        pause = if is_quiet { (pause * 2).min(LATEST) } else { SOONEST };
    }
}
