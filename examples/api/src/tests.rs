//! The whole service in one future, inside `memo::isolated_async`: each test begins with empty caches
//! and has a clock of its own, so that none waits and none sees another.

use std::time::Duration;

use axum::body::{self, Body};
use axum::http::{Request, StatusCode};
use axum::Router;
use serde_json::Value;
use tower::ServiceExt;

use crate::routes::routes;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Returns the body of an answer, `Null` if it is none of JSON, and its status.
async fn ask(service: &Router, request: &str, text: &str) -> (StatusCode, Value) {
    let (method, path) = request.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(text.to_owned())).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn get(service: &Router, path: &str) -> Value {
    let (status, body) = ask(service, &format!("GET {path}"), "").await;
    assert_eq!(status, StatusCode::OK, "{path}");
    body
}

async fn status(service: &Router, request: &str) -> u16 {
    ask(service, request, "").await.0.as_u16()
}

#[tokio::test]
async fn a_token_is_kept_until_a_tenth_before_its_end() {
    memo::isolated_async(async {
        let service = routes();
        let web = get(&service, "/tokens/web").await;
        let guest = get(&service, "/tokens/guest").await;
        memo::advance(53 * SECOND);
        assert_eq!(get(&service, "/tokens/guest").await, guest);
        memo::advance(SECOND);
        assert_ne!(get(&service, "/tokens/guest").await, guest);
        assert_eq!(get(&service, "/tokens/web").await, web);
        memo::advance(54 * MINUTE);
        assert_ne!(get(&service, "/tokens/web").await, web);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_is_refused_is_asked_about_again() {
    memo::isolated_async(async {
        let service = routes();
        for _ in 0..2 {
            assert_eq!(status(&service, "GET /tokens/nobody").await, 404);
        }
        assert_eq!(crate::tokens::token::stats().misses, 2);
    })
    .await;
}

#[tokio::test]
async fn a_rate_is_asked_for_again_within_its_jitter() {
    memo::isolated_async(async {
        let service = routes();
        let first = get(&service, "/rates/USD").await;
        memo::advance(49 * SECOND);
        assert_eq!(get(&service, "/rates/USD").await, first);
        memo::advance(11 * SECOND);
        assert_ne!(get(&service, "/rates/USD").await, first);
    })
    .await;
}

#[tokio::test]
async fn an_old_rate_answers_for_a_day_while_the_bank_is_down() {
    memo::isolated_async(async {
        let service = routes();
        let first = get(&service, "/rates/USD").await;
        assert_eq!(status(&service, "POST /bank/down").await, 204);
        memo::advance(2 * MINUTE);
        assert_eq!(get(&service, "/rates/USD").await, first);
        assert_eq!(crate::rates::rate::stats().stale, 1);
        assert_eq!(status(&service, "GET /rates/GBP").await, 503);

        assert_eq!(status(&service, "POST /bank/up").await, 204);
        let second = get(&service, "/rates/USD").await;
        assert_ne!(second, first);

        assert_eq!(status(&service, "POST /bank/down").await, 204);
        memo::advance(24 * 60 * MINUTE);
        assert_eq!(get(&service, "/rates/USD").await, second);
        memo::advance(MINUTE);
        assert_eq!(status(&service, "GET /rates/USD").await, 503);
    })
    .await;
}

#[tokio::test]
async fn those_who_wait_for_a_bank_that_is_down_share_its_failure() {
    memo::isolated_async(async {
        let service = routes();
        assert_eq!(status(&service, "POST /bank/down").await, 204);
        let one = status(&service, "GET /rates/USD");
        let other = status(&service, "GET /rates/USD");
        assert_eq!(tokio::join!(one, other), (503, 503));
        assert_eq!(crate::rates::rate::stats().misses, 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_kept_for_less_long_than_somebody() {
    memo::isolated_async(async {
        let service = routes();
        assert_eq!(get(&service, "/users/1").await["name"], "Ada");
        assert_eq!(status(&service, "GET /users/4").await, 404);
        assert!(crate::users::user::contains(4));
        memo::advance(5 * SECOND);
        assert!(!crate::users::user::contains(4));
        assert!(crate::users::user::contains(1));
        memo::advance(10 * MINUTE);
        assert!(!crate::users::user::contains(1));
    })
    .await;
}

#[tokio::test]
async fn a_fresh_user_is_not_the_cached_one() {
    memo::isolated_async(async {
        let service = routes();
        get(&service, "/users/2").await;
        let rename = |connection: &rusqlite::Connection| {
            connection.execute("UPDATE users SET name = 'Margaret' WHERE id = 2", [])
        };
        crate::pool::pool().await.unwrap().run(rename).await.unwrap();
        assert_eq!(get(&service, "/users/2").await["name"], "Grace");
        assert_eq!(get(&service, "/users/2?fresh=true").await["name"], "Margaret");
        assert_eq!(get(&service, "/users/2").await["name"], "Grace");
    })
    .await;
}

#[tokio::test]
async fn a_user_who_is_saved_is_found() {
    memo::isolated_async(async {
        let service = routes();
        assert_eq!(status(&service, "GET /users/4").await, 404);
        assert_eq!(ask(&service, "PUT /users/4", "Barbara").await.0, 204);
        assert_eq!(get(&service, "/users/4").await["name"], "Barbara");
    })
    .await;
}

#[tokio::test]
async fn the_archive_is_asked_once_though_all_give_up_at_first() {
    let service = routes();
    while status(&service, "GET /history/GBP").await != 200 {}
    assert_eq!(get(&service, "/history/GBP").await["answer"], 1);
}
