//! What runs tasks: the user's spawner, or the runtime of tokio in which a call is made.
//!
//! It is foreign code. It may panic, drop a future at once, run it before it returns, or keep it and
//! never run it; whoever spawns is prepared for each.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::Mutex;
use crate::platform::unwind::catch;

/// A future that [`set_spawner`] is handed.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

type Given = Arc<dyn Fn(BoxFuture) + Send + Sync>;

static GIVEN: Mutex<Option<Given>> = Mutex::new(None);

/// Sets what runs tasks: the computations of functions with `detached`, and the refreshes of async
/// functions with `refresh = "background"`.
///
/// The spawner is called with a future, and has it polled to its end, as a runtime's `spawn` does. It
/// replaces the spawner that was set before, and is asked before the feature `tokio`, which needs none:
/// it finds the runtime in which the call is made.
///
/// There is none by default. Without one, and without a runtime of tokio, a detached call runs as if it
/// were not detached, and an async function does not refresh; either is reported to the
/// [reporter](crate::set_reporter) once a function. Nothing hangs where a spawner panics, drops the
/// future or never polls it: then the call computes itself.
///
/// # Examples
///
/// ```
/// // One thread for each task; an executor's `spawn` in practice.
/// memo::set_spawner(|mut task| {
///     std::thread::spawn(move || {
/// #       struct Unpark(std::thread::Thread);
/// #       impl std::task::Wake for Unpark {
/// #           fn wake(self: std::sync::Arc<Self>) { self.0.unpark(); }
/// #       }
/// #       let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
///         // …
/// #       let mut context = std::task::Context::from_waker(&waker);
/// #       while task.as_mut().poll(&mut context).is_pending() {
/// #           std::thread::park();
/// #       }
///     });
/// });
/// ```
pub fn set_spawner(spawner: impl Fn(BoxFuture) + Send + Sync + 'static) {
    let before = GIVEN.lock().replace(Arc::new(spawner));
    // What it holds is the user's.
    let _ = catch(|| drop(before));
}

/// What runs a task of the call at hand.
pub(crate) enum Spawner {
    Given(Given),
    #[cfg(feature = "tokio")]
    Tokio(tokio::runtime::Handle),
}

/// What there is to run tasks, if there is anything.
pub(crate) fn find() -> Option<Spawner> {
    let given = GIVEN.lock().clone();
    if let Some(given) = given {
        return Some(Spawner::Given(given));
    }
    #[cfg(feature = "tokio")]
    return tokio::runtime::Handle::try_current().ok().map(Spawner::Tokio);
    #[cfg(not(feature = "tokio"))]
    None
}

impl Spawner {
    /// Hands a task over. What becomes of it is told by its drop, if it is not run.
    pub(crate) fn spawn(self, task: BoxFuture) {
        let _ = catch(|| match &self {
            Self::Given(given) => given(task),
            #[cfg(feature = "tokio")]
            Self::Tokio(runtime) => drop(runtime.spawn(task)),
        });
        // The last of a spawner that was replaced may be dropped here: it is the user's, too.
        let _ = catch(|| drop(self));
    }
}

#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let given = GIVEN.lock();
    Box::new(move |_| drop(given))
}

/// The words for its lack, and what is done instead.
pub(crate) fn without(instead: &str) -> String {
    let runtime = if cfg!(feature = "tokio") { ", and this is no task of tokio's" } else { "" };
    format!("no spawner is set, by `memo::set_spawner`{runtime}: {instead}")
}
