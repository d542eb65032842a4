//! The spans of the feature `tracing`, as a subscriber sees them.

#[path = "support/removing.rs"]
mod removing;

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::{mpsc, Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use memo::memo;
use memo::store::DiskStore;
use removing::remove;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// What became of spans, and where each thread is.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    spans: Vec<Span>,
    inside: HashMap<thread::ThreadId, Vec<u64>>,
}

#[derive(Clone, Debug, Default)]
struct Span {
    name: &'static str,
    fields: HashMap<&'static str, String>,
    /// The span in which it began.
    parent: Option<usize>,
    follows: Vec<usize>,
    entered: u64,
    exited: u64,
    is_closed: bool,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut seen = self.0.lock().unwrap();
        let inside = seen.inside.get(&thread::current().id());
        let parent = inside.and_then(|inside| inside.last()).map(|id| *id as usize - 1);
        let mut span = Span { name: attributes.metadata().name(), parent, ..Span::default() };
        attributes.record(&mut span);
        seen.spans.push(span);
        Id::from_u64(seen.spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        let follows = follows.into_u64() as usize - 1;
        self.0.lock().unwrap().spans[span.into_u64() as usize - 1].follows.push(follows);
    }

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, id: &Id) {
        let mut seen = self.0.lock().unwrap();
        seen.spans[id.into_u64() as usize - 1].entered += 1;
        seen.inside.entry(thread::current().id()).or_default().push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let mut seen = self.0.lock().unwrap();
        seen.spans[id.into_u64() as usize - 1].exited += 1;
        let left = seen.inside.get_mut(&thread::current().id()).and_then(Vec::pop);
        assert_eq!(left, Some(id.into_u64()), "left in another order");
    }

    fn try_close(&self, id: Id) -> bool {
        // Each is cloned by whoever is inside; the last word is that of the end of the test.
        self.0.lock().unwrap().spans[id.into_u64() as usize - 1].is_closed = true;
        true
    }
}

impl Spans {
    /// What is seen of these calls, each span left as often as it was entered.
    fn of(calls: impl FnOnce(&Self)) -> Vec<Span> {
        let spans = Self::default();
        tracing::subscriber::with_default(spans.clone(), || calls(&spans));
        let seen = std::mem::take(&mut *spans.0.lock().unwrap());
        assert!(seen.inside.values().all(Vec::is_empty), "a thread is in a span still");
        for span in &seen.spans {
            assert_eq!(span.entered, span.exited, "{span:?}");
            assert!(span.is_closed, "{span:?}");
        }
        seen.spans
    }
}

fn function(span: &Span) -> &str {
    span.fields["function"].trim_matches('"').rsplit("::").next().unwrap()
}

#[test]
fn a_computation_is_a_span_and_those_inside_are_inside_it() {
    #[memo]
    fn inner(x: u64) -> u64 {
        x
    }
    #[memo]
    fn outer(x: u64) -> u64 {
        inner(x) + inner(x + 1)
    }
    let spans = Spans::of(|_| {
        outer(1);
        outer(1);
    });
    let told: Vec<_> = spans.iter().map(|span| (span.name, function(span), span.parent)).collect();
    assert_eq!(
        told,
        [
            ("memo.compute", "outer", None),
            ("memo.compute", "inner", Some(0)),
            ("memo.compute", "inner", Some(0)),
        ]
    );
    let [first, second, third] = [0, 1, 2].map(|at: usize| &spans[at].fields);
    assert_eq!(first["key"].len(), 16);
    assert_ne!(second["key"], third["key"]);
    assert_eq!(first["why"], "Never");
}

#[test]
fn a_task_is_in_its_span_whenever_it_is_polled() {
    #[memo]
    async fn inner(x: u64) -> u64 {
        pause().await;
        x
    }
    #[memo]
    async fn outer(x: u64) -> u64 {
        pause().await;
        inner(x).await
    }
    /// Pending once.
    async fn pause() {
        let mut is_first = true;
        std::future::poll_fn(move |_| match std::mem::take(&mut is_first) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }
    let spans = Spans::of(|spans| {
        let mut task = pin!(outer(1));
        let mut context = Context::from_waker(Waker::noop());
        while task.as_mut().poll(&mut context).is_pending() {
            assert!(spans.0.lock().unwrap().inside.values().all(Vec::is_empty));
        }
    });
    let told: Vec<_> = spans.iter().map(|span| (function(span), span.parent)).collect();
    assert_eq!(told, [("outer", None), ("inner", Some(0))]);
    assert!(spans[0].entered >= 3, "{spans:?}");
}

#[test]
fn a_wait_follows_from_the_computation_that_is_waited_for() {
    #[memo]
    fn slow(x: u64, _begun: mpsc::Sender<()>, _go_on: Arc<Mutex<mpsc::Receiver<()>>>) -> u64 {
        _begun.send(()).unwrap();
        _go_on.lock().unwrap().recv().unwrap();
        x
    }
    let (begun, has_begun) = mpsc::channel();
    let (let_go, go_on) = mpsc::channel();
    let go_on = Arc::new(Mutex::new(go_on));
    let spans = Spans::of(|spans| {
        thread::scope(|scope| {
            let call = || {
                let (spans, begun, go_on) = (spans.clone(), begun.clone(), Arc::clone(&go_on));
                move || {
                    tracing::subscriber::with_default(spans, || slow(1, begun, go_on));
                }
            };
            scope.spawn(call());
            has_begun.recv().unwrap();
            scope.spawn(call());
            while !spans.0.lock().unwrap().spans.iter().any(|span| span.name == "memo.wait") {
                thread::yield_now();
            }
            let_go.send(()).unwrap();
        });
    });
    let wait = spans.iter().find(|span| span.name == "memo.wait").unwrap();
    let [follows] = wait.follows[..] else { panic!("{wait:?}") };
    assert_eq!((spans[follows].name, function(&spans[follows])), ("memo.compute", "slow"));
    assert_eq!(spans[follows].fields["key"], wait.fields["key"]);
}

#[test]
fn a_panic_ends_its_span_and_a_store_is_asked_in_one() {
    fn store() -> DiskStore {
        DiskStore::open(std::env::temp_dir().join(format!("memo-traces-{}", std::process::id())))
    }
    #[memo(store = store())]
    fn stored(x: u64) -> u64 {
        assert_ne!(x, 1, "as it was told");
        x
    }
    let spans = Spans::of(|_| {
        assert!(std::panic::catch_unwind(|| stored(1)).is_err());
        stored(2);
    });
    let names = |name| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(names("memo.compute"), 2);
    assert!(names("memo.store") >= 3, "{spans:?}");
    let compute = spans.iter().rfind(|span| span.name == "memo.compute").unwrap();
    assert_eq!(compute.entered, 1);
    remove(&std::env::temp_dir().join(format!("memo-traces-{}", std::process::id())));
}
