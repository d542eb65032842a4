//! The end of a resource: `on_release`, when the last `Arc` goes.
//!
//! An `Arc<T>` cannot tell anyone that it is the last one. So what leaves a cache while others
//! still hold it is kept by a thread of its own, which looks from time to time whether they do. It
//! runs only while something is waited for. Where no thread can be started, calls that miss look.

use std::sync::atomic::{fence, AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::function::event::{self, EventKind};
use crate::function::session;
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::platform::sync::{thread, Condvar, Mutex, MutexGuard};
use crate::platform::unwind::catch;

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
    function: &'static str,
}

impl<X: ?Sized + Send + Sync + 'static> Hold<X> {
    pub(crate) fn new(resource: Arc<X>, hook: Option<fn(&X)>, function: &'static str) -> Self {
        let watch = |last| watch(Box::new(last));
        let release = hook.map(|hook| Release { hook, watch, function });
        Self { resource: Some(resource), release }
    }
}

impl<X: ?Sized> Hold<X> {
    #[cfg_attr(not(debug_assertions), inline(always))]
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
        let last = Last { resource, hook: release.hook, function: release.function };
        if last.is_last(1) {
            last.release();
        } else {
            (release.watch)(last);
        }
    }
}

/// What is left of a hold, when others may hold the resource still.
struct Last<X: ?Sized> {
    resource: Arc<X>,
    hook: fn(&X),
    function: &'static str,
}

impl<X: ?Sized> Last<X> {
    fn is_last(&self, holds: usize) -> bool {
        Arc::strong_count(&self.resource) == holds
    }

    /// A `Weak` can still bring the resource back; the user who keeps one knows.
    fn release(self) {
        // The count is a relaxed load; what the others did before they let go is seen from here on.
        fence(Ordering::Acquire);
        // ThreadSanitizer does not see fences. To upgrade acquires as well.
        drop(Arc::downgrade(&self.resource).upgrade());
        let nowhere = session::nowhere();
        (self.hook)(&self.resource);
        drop(nowhere);
        if event::is_observed() {
            event::tell(self.function, None, EventKind::Released);
        }
    }
}

/// A resource that is kept until nobody else holds it.
pub(crate) trait Unreleased: Send {
    /// What the unreleased holds of one resource have in common.
    fn address(&self) -> usize;
    /// Whether `holds` unreleased ones are all that hold it.
    fn is_last(&self, holds: usize) -> bool;
    fn release(self: Box<Self>);
}

impl<X: ?Sized + Send + Sync> Unreleased for Last<X> {
    fn address(&self) -> usize {
        Arc::as_ptr(&self.resource).addr()
    }

    fn is_last(&self, holds: usize) -> bool {
        Last::is_last(self, holds)
    }

    fn release(self: Box<Self>) {
        Last::release(*self);
    }
}

/// Resources that a cache gave up, which a slow reader may still look at.
pub(crate) trait Leftovers: Sync {
    /// Frees what no reader keeps from being freed; whether that was all.
    fn free(&self) -> bool;
}

struct Watch {
    unreleased: Vec<Box<dyn Unreleased>>,
    leftovers: Vec<&'static dyn Leftovers>,
    /// Those that are being freed outside the lock, and may not be free after it.
    examined: Vec<&'static dyn Leftovers>,
    is_running: bool,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    unreleased: Vec::new(),
    leftovers: Vec::new(),
    examined: Vec::new(),
    is_running: false,
});
static CHANGED: Condvar = Condvar::new();

/// How often the thread looks: soon after something came, ever less often after that.
const MIN_INTERVAL: Duration = Duration::from_micros(500);
const MAX_INTERVAL: Duration = Duration::from_millis(20);

fn watch(unreleased: Box<dyn Unreleased>) {
    watch_more(|watch| watch.unreleased.push(unreleased));
}

pub(crate) fn watch_leftovers(leftovers: &'static dyn Leftovers) {
    watch_more(|watch| {
        if !watch.leftovers.iter().any(|known| std::ptr::addr_eq(*known, leftovers)) {
            watch.leftovers.push(leftovers);
        }
    });
}

fn watch_more(add: impl FnOnce(&mut Watch)) {
    let mut watch = WATCH.lock();
    add(&mut watch);
    if watch.is_running {
        CHANGED.notify_one();
        return;
    }
    watch.is_running = thread::Builder::new().name("memo-release".into()).spawn(look_after).is_ok();
    if !watch.is_running {
        // Without a thread it is for whoever comes by: at the next end of a hold, or miss.
        IS_LEFT.store(true, Ordering::Relaxed);
        drop(watch);
        look_once();
    }
}

/// Something is kept that no thread looks after.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// Releases what nobody holds any more, if no thread does. Outside locks.
#[inline]
pub(crate) fn tend() {
    // Relaxed: it says whether to look; what is found is read under the lock.
    if IS_LEFT.load(Ordering::Relaxed) {
        look_once();
    }
}

#[cold]
fn look_once() {
    let mut watch = WATCH.lock();
    let mut is_left = false;
    if !watch.is_running {
        watch = look(watch);
        is_left = !watch.is_done();
    }
    // Under the lock, under which others set it.
    IS_LEFT.store(is_left, Ordering::Relaxed);
}

/// In a child of `fork` the thread is not there; the next resource that is kept starts another.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let mut watch = WATCH.lock();
    Box::new(move |side| {
        if side == Side::Child {
            watch.is_running = false;
            let mut examined = std::mem::take(&mut watch.examined);
            watch.leftovers.append(&mut examined);
        }
    })
}

fn look_after() {
    let mut pause = MIN_INTERVAL;
    let mut watch = WATCH.lock();
    loop {
        watch = look(watch);
        if watch.is_done() {
            watch.is_running = false;
            return;
        }
        let is_quiet;
        (watch, is_quiet) = CHANGED.wait_for(watch, pause);
        pause = if is_quiet { (pause * 2).min(MAX_INTERVAL) } else { MIN_INTERVAL };
    }
}

impl Watch {
    fn is_done(&self) -> bool {
        self.unreleased.is_empty() && self.leftovers.is_empty()
    }
}

/// Releases what nobody holds any more.
fn look(mut watch: MutexGuard<'static, Watch>) -> MutexGuard<'static, Watch> {
    let last = take_last(&mut watch.unreleased);
    let mut leftovers = std::mem::take(&mut watch.leftovers);
    if last.is_empty() && leftovers.is_empty() {
        return watch;
    }
    watch.examined.clone_from(&leftovers);
    drop(watch);
    release(last);
    leftovers.retain(|leftovers| !leftovers.free());
    let mut watch = WATCH.lock();
    watch.examined.clear();
    watch.leftovers.append(&mut leftovers);
    watch
}

/// The holds of one resource.
type Holds = Vec<Box<dyn Unreleased>>;

/// Takes out what nobody else holds. What stays is never anywhere else: a child of `fork` has it.
fn take_last(unreleased: &mut Holds) -> Vec<Holds> {
    unreleased.sort_by_key(|one| one.address());
    let mut all = std::mem::take(unreleased).into_iter().peekable();
    let mut last = Vec::new();
    while let Some(one) = all.next() {
        // A resource may have been stored under several keys; it is released once.
        let address = one.address();
        let mut same = vec![one];
        while let Some(other) = all.next_if(|other| other.address() == address) {
            same.push(other);
        }
        if same[0].is_last(same.len()) {
            last.push(same);
        } else {
            unreleased.append(&mut same);
        }
    }
    last
}

/// Releases resources. Outside the lock, as this is the user's code, down to the drop.
fn release(last: Vec<Holds>) {
    for mut same in last {
        // A panic costs its own only.
        let _ = catch(|| {
            let one = same.pop();
            drop(same);
            if let Some(one) = one {
                one.release();
            }
        });
    }
}
