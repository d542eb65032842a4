//! Requests as clients send them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{to_bytes, Body};
use axum::http::{Request, StatusCode};
use service::{page, pool, router, App, Database, Pool};
use tower::ServiceExt;

/// A service of the test's own, as each has a database of its own.
struct Service {
    app: App,
    url: String,
}

impl Service {
    fn new(database: &str) -> Self {
        let url = format!("db://{database}");
        let products = Arc::new(Database { url: url.clone() });
        Self { app: App { products, patience: Duration::from_secs(60) }, url }
    }

    async fn send(&self, method: &str, path: &str, tenant: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header("x-tenant", tenant);
        let request = request.body(Body::empty()).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    }

    async fn get(&self, path: &str, tenant: &str) -> (StatusCode, String) {
        self.send("GET", path, tenant).await
    }

    async fn pool(&self) -> Arc<Pool> {
        pool(&self.url).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_at_once_ask_the_database_once() {
    let service = Arc::new(Service::new("at-once"));
    let clients = (0..16).map(|_| {
        let service = Arc::clone(&service);
        tokio::spawn(async move { service.get("/products/1", "ada").await })
    });
    for client in clients.collect::<Vec<_>>() {
        let (status, body) = client.await.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body, r#"{"id":1,"name":"ada's 1 in db://at-once"}"#);
    }
    assert_eq!(service.pool().await.queries(), 1);
}

#[tokio::test]
async fn tenants_and_databases_are_apart() {
    let (one, other) = (Service::new("one"), Service::new("other"));
    for (service, tenant) in [(&one, "ada"), (&one, "bob"), (&other, "ada")] {
        for _ in 0..2 {
            let (_, body) = service.get("/products/2", tenant).await;
            assert!(body.contains(&format!("{tenant}'s 2 in {}", service.url)), "{body}");
        }
    }
    assert_eq!((one.pool().await.queries(), other.pool().await.queries()), (2, 1));
}

#[tokio::test]
async fn what_is_missing_or_fails_is_asked_again() {
    let service = Service::new("fails");
    for _ in 0..2 {
        assert_eq!(service.get("/products/9", "ada").await.0, StatusCode::NOT_FOUND);
        let (status, body) = service.get("/products/13", "ada").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body, "the products cannot be read: the row is locked");
    }
    assert_eq!(service.pool().await.queries(), 4);
    let nowhere = Database { url: "file".into() };
    let app = App { products: Arc::new(nowhere), ..service.app };
    let (_, body) = Service { app, url: String::new() }.get("/products/1", "ada").await;
    assert_eq!(body, "`file` is no database");
}

#[tokio::test]
async fn a_request_that_gives_up_leaves_the_next_one_an_answer() {
    let mut service = Service::new("slow");
    let pool = service.pool().await;
    let occupied = pool.occupy().await;
    service.app.patience = Duration::from_millis(20);
    assert_eq!(service.get("/products/1", "ada").await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(service.get("/search?text=a", "ada").await.0, StatusCode::GATEWAY_TIMEOUT);
    drop(occupied);
    service.app.patience = Duration::from_secs(60);
    assert_eq!(service.get("/products/1", "ada").await.0, StatusCode::OK);
    assert_eq!(pool.queries(), 1);
}

#[tokio::test]
async fn a_pool_that_was_closed_is_replaced() {
    let service = Service::new("closed");
    let first = service.pool().await;
    assert!(Arc::ptr_eq(&first, &service.pool().await));
    first.close();
    assert!(!Arc::ptr_eq(&first, &service.pool().await));
}

#[tokio::test]
async fn pages_are_cached_counted_and_cleared_by_name() {
    let service = Service::new("pages");
    let ask = |page| service.get(page, "ada");
    let first = ask("/search?text=ada").await;
    assert_eq!(first.1, r#"["ada's 1 in db://pages","ada's 2 in db://pages"]"#);
    assert_eq!(ask("/search?text=ada").await, first);
    assert_eq!(ask("/search?text=ada&page=1").await.1, r#"["ada's 3 in db://pages"]"#);
    assert_eq!(service.pool().await.queries(), 4);
    for _ in 0..2 {
        assert_eq!(ask("/products/1/label").await.1, "<ada's 1 in db://pages>");
    }
    assert_eq!(service.pool().await.queries(), 5);

    let (_, statistics) = ask("/statistics").await;
    assert!(statistics.contains(r#""name":"service::page""#), "{statistics}");
    assert!(page::stats().hits > 0);
    let clear = |name| async move {
        Service::new("pages").send("POST", &format!("/clear/{name}"), "").await.0
    };
    assert_eq!(clear("service::page").await, StatusCode::NO_CONTENT);
    assert_eq!(page::stats().entries, 0);
    assert_eq!(clear("service::nothing").await, StatusCode::NOT_FOUND);
}
