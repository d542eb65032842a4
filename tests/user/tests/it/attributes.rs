//! `#[tracing::instrument]` on either side of the attribute.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use memo::{memo, singleton};
use tracing::span::{Attributes, Id, Record};
use tracing::{instrument, Event, Metadata, Subscriber};

/// Counts the spans that are opened.
#[derive(Clone, Default)]
struct Spans(Arc<AtomicU64>);

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        // Another package of the workspace may have memo's own spans compiled in.
        if attributes.metadata().name().starts_with("memo.") {
            return Id::from_u64(u64::MAX);
        }
        Id::from_u64(1 + self.0.fetch_add(1, Relaxed))
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn spans_of(calls: impl FnOnce()) -> u64 {
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), calls);
    spans.0.load(Relaxed)
}

#[test]
fn above_memo_there_is_a_span_for_each_run() {
    #[instrument]
    #[memo]
    fn sync(x: u32) -> Result<u32, String> {
        Ok(x)
    }
    #[instrument(skip(_out), ret)]
    #[memo]
    async fn later(text: &str, _out: &mut String) -> usize {
        text.len()
    }
    #[instrument]
    #[singleton]
    fn pool(url: &str) -> String {
        url.into()
    }
    assert_eq!(spans_of(|| assert_eq!([sync(1), sync(1), sync(2)], [Ok(1), Ok(1), Ok(2)])), 2);
    assert_eq!(spans_of(|| assert!(Arc::ptr_eq(&pool("a"), &pool("a")))), 1);
    let awaited =
        async || (later("a", &mut String::new()).await, later("a", &mut String::new()).await);
    assert_eq!(spans_of(|| assert_eq!(tokio_test::block_on(awaited()), (1, 1))), 1);
}

#[test]
fn below_memo_there_is_a_span_for_each_call() {
    #[memo]
    #[instrument(err)]
    fn sync(x: u32) -> Result<u32, String> {
        Ok(x)
    }
    #[memo]
    #[instrument(skip_all)]
    async fn later(text: &str, _out: &mut String) -> usize {
        text.len()
    }
    #[singleton]
    #[instrument]
    fn pool(url: &str) -> String {
        url.into()
    }
    assert_eq!(spans_of(|| assert_eq!([sync(1), sync(1), sync(2)], [Ok(1), Ok(1), Ok(2)])), 3);
    let awaited =
        async || (later("a", &mut String::new()).await, later("a", &mut String::new()).await);
    assert_eq!(spans_of(|| assert_eq!(tokio_test::block_on(awaited()), (1, 1))), 2);
    assert_eq!(spans_of(|| assert!(Arc::ptr_eq(&pool("a"), &pool("a")))), 2);
}
