//! The routes, inside `memo::isolated_async`: each test begins with empty caches, and none sees another.

use axum::body::{self, Body};
use axum::http::{header, HeaderMap, Request};
use axum::Router;
use serde_json::Value;
use tower::ServiceExt;

use crate::data::{get_page, square};
use crate::events;
use crate::routes::routes;

const HOST: &str = "localhost:3000";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// Sends a request as a program does that is no browser, with these headers beside its `Host`.
async fn ask(service: &Router, request: &str, headers: &[(&str, &str)]) -> Answer {
    let (method, path) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header(header::HOST, HOST);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn get(service: &Router, path: &str) -> String {
    let answer = ask(service, &format!("GET {path}"), &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

async fn post(service: &Router, path: &str, headers: &[(&str, &str)]) -> u16 {
    ask(service, &format!("POST {path}"), headers).await.status
}

fn is_cached(page: &str) -> bool {
    let (is_cached, is_computed) = (page.contains("from the cache"), page.contains("computed in"));
    assert_ne!(is_cached, is_computed, "{page}");
    is_cached
}

#[tokio::test]
async fn a_page_comes_from_the_cache_the_second_time() {
    memo::isolated_async(async {
        let service = routes();
        let first = get(&service, "/?page_size=3&page=2").await;
        assert!(!is_cached(&first));
        assert_eq!(first.matches("<th scope=\"row\"").count(), 3);
        assert!(is_cached(&get(&service, "/?page_size=3&page=2").await));
        assert!(!is_cached(&get(&service, "/?page_size=2&page=3").await));
        assert!(get(&service, "/?page_size=100&page=8").await.contains("of 8"));
    })
    .await;
}

#[tokio::test]
async fn one_function_is_cleared_and_the_other_is_not() {
    memo::isolated_async(async {
        let service = routes();
        for _ in 0..2 {
            get(&service, "/").await;
            assert!(get(&service, "/square?x=-12").await.contains("(-12)² = 144"));
        }
        assert_eq!(post(&service, "/clear/square", &[]).await, 303);
        assert_eq!((square::stats().entries, get_page::stats().entries), (0, 1));
        assert!(!is_cached(&get(&service, "/square?x=-12").await));
        assert!(is_cached(&get(&service, "/").await));
        assert_eq!(post(&service, "/clear/pages", &[]).await, 303);
        assert_eq!((square::stats().entries, get_page::stats().entries), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn all_are_cleared_but_the_pool() {
    memo::isolated_async(async {
        let service = routes();
        get(&service, "/").await;
        get(&service, "/square?x=2147483647").await;
        let answer = ask(&service, "POST /clear/all", &[]).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (303, &"/cleared/all".parse().unwrap())
        );
        assert!(get(&service, "/cleared/all").await.contains("All memo functions were cleared"));
        assert_eq!((square::stats().entries, get_page::stats().entries), (0, 0));
        assert_eq!(crate::pool::pool::stats().entries, 1);
        assert_eq!(post(&service, "/clear/pool", &[]).await, 404);
    })
    .await;
}

#[tokio::test]
async fn nobody_else_clears() {
    memo::isolated_async(async {
        let service = routes();
        get(&service, "/square?x=3").await;
        let refused: [&[(&str, &str)]; 9] = [
            &[("origin", "http://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://localhost:3001")],
            &[("origin", "https://localhost:3001")],
            &[("origin", "http://localhost:3000"), ("origin", "http://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        ];
        for headers in refused {
            assert_eq!(post(&service, "/clear/square", headers).await, 403, "{headers:?}");
        }
        let answer = ask(&service, "GET /clear/square", &[]).await;
        assert_eq!((answer.status, &answer.headers["allow"]), (405, &"POST".parse().unwrap()));
        assert_eq!(square::stats().entries, 1);
        let own = [("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin")];
        assert_eq!(post(&service, "/clear/square", &own).await, 303);
        assert_eq!(square::stats().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn others_may_link_here_and_no_more() {
    memo::isolated_async(async {
        let service = routes();
        let cross = ("sec-fetch-site", "cross-site");
        let navigate = ("sec-fetch-mode", "navigate");
        let image = [cross, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
        let frame = [cross, navigate, ("sec-fetch-dest", "iframe")];
        let link = [cross, navigate, ("sec-fetch-dest", "document")];
        // Another port of this machine is no stranger to browsers, and is one here.
        let neighbour = [("sec-fetch-site", "same-site"), navigate, link[2]];
        let all: [&[_]; 6] = [&image, &frame, &link, &neighbour, &[cross, navigate], &[cross]];
        for headers in all {
            for path in
                ["/square?x=3", "/square", "/?page=3", "/?", "/explain", "/live", "/metrics"]
            {
                let answer = ask(&service, &format!("GET {path}"), headers).await;
                assert_eq!(answer.status, 403, "{path} {headers:?}");
            }
            assert_eq!(post(&service, "/clear/all", headers).await, 403);
            assert_eq!(post(&service, "/", headers).await, 403);
            let is_link = headers == link || headers == neighbour;
            let expected = if is_link { 200 } else { 403 };
            assert_eq!(ask(&service, "GET /", headers).await.status, expected, "{headers:?}");
        }
        // Whoever links, the front page is one and the same.
        assert_eq!((get_page::stats().misses, square::stats().misses), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn other_names_are_not_answered() {
    memo::isolated_async(async {
        let service = routes();
        let evil = [("host", "evil.example:3000"), ("origin", "http://evil.example:3000")];
        assert_eq!(ask(&service, "GET /live", &evil).await.status, 421);
        assert_eq!(post(&service, "/clear/all", &evil).await, 421);
        assert_eq!(ask(&service, "GET http://evil.example/live", &[]).await.status, 421);
        let two = [("host", HOST), ("host", "evil.example")];
        assert_eq!(ask(&service, "GET /live", &two).await.status, 421);
        for host in ["127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(ask(&service, "GET /live", &[("host", host)]).await.status, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn each_answer_has_the_headers_of_safety() {
    memo::isolated_async(async {
        let service = routes();
        for request in ["GET /", "GET /live", "GET /nothing", "GET /clear/all", "GET /?page=x"] {
            let Answer { headers, .. } = ask(&service, request, &[]).await;
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"));
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["cache-control"], "no-store");
        }
        let page = get(&service, "/").await;
        assert!(!page.contains(" style=") && !page.contains("<script>"));
    })
    .await;
}

#[tokio::test]
async fn wrong_numbers_are_answered_with_a_sentence() {
    memo::isolated_async(async {
        let service = routes();
        for query in [
            "page=0",
            "page=-1",
            "page=73",
            "page=99999999999999999999999999",
            "page=two",
            "page=1.5",
            "page=",
            "page=%00%FF",
            "page_size=0",
            "page_size=101",
            "page_size=-5",
            "page_size=4294967296",
            "page_size=1&page=713",
            "page_size=ten&page=1",
            "page=<script>alert(1)</script>",
        ] {
            for path in ["/", "/explain"] {
                let query = query.replace('<', "%3C").replace('>', "%3E");
                let answer = ask(&service, &format!("GET {path}?{query}"), &[]).await;
                assert_eq!(answer.status, 400, "{query}");
                assert!(answer.body.contains("is a whole number from 1 to"), "{query}");
                assert!(!answer.body.contains("<script>"));
            }
        }
        for x in ["2147483648", "-2147483649", "x", "1e3"] {
            let answer = ask(&service, &format!("GET /square?x={x}"), &[]).await;
            assert_eq!(answer.status, 400, "{x}");
        }
        assert_eq!(get_page::stats().misses + square::stats().misses, 0);
    })
    .await;
}

#[tokio::test]
async fn each_error_is_a_page_with_a_sentence() {
    memo::isolated_async(async {
        let service = routes();
        for (request, status, sentence) in [
            ("GET /nothing", 404, "there is no such page here"),
            ("POST /clear/pool", 404, "what can be cleared is"),
            ("POST /clear/%ff", 404, "what can be cleared is"),
            ("GET /cleared/%ff", 404, "what can be cleared is"),
            ("GET /clear/%ff", 405, "this address takes another method"),
            ("POST /square", 405, "this address takes another method"),
            ("DELETE /page.css", 405, "this address takes another method"),
            ("GET /?page=%ff", 400, "is a whole number"),
        ] {
            let answer = ask(&service, request, &[]).await;
            assert_eq!(answer.status, status, "{request}");
            assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{request}");
            assert!(answer.body.contains("<p id=\"failure\">"), "{request}");
            assert!(answer.body.contains(sentence), "{request}: {}", answer.body);
        }
        // Each query is some fields, also one that no form sends.
        assert_eq!(ask(&service, "GET /explain?%ff&&=%&page=1", &[]).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_page_is_explained_and_not_computed() {
    memo::isolated_async(async {
        let service = routes();
        let path = "/explain?page_size=5&page=4";
        let page = get(&service, path).await;
        assert!(page.contains("computes this call: it was not computed yet"));
        assert!(page.contains("<code class=\"why\">Never</code>"));
        assert_eq!(get_page::stats().misses, 0);
        let pool = crate::pool::pool::stats();
        assert_eq!((pool.entries, pool.hits, pool.misses), (0, 0, 0));
        get(&service, "/?page_size=5&page=4").await;
        assert!(get(&service, path).await.contains("answers with what it computed"));
        post(&service, "/clear/all", &[]).await;
        assert!(get(&service, path).await.contains("its result was cleared"));
    })
    .await;
}

#[tokio::test]
async fn what_was_counted_is_told_as_data_and_as_metrics() {
    memo::isolated_async(async {
        let service = routes();
        for _ in 0..3 {
            get(&service, "/square?x=7").await;
        }
        let live: Value = serde_json::from_str(&get(&service, "/live").await).unwrap();
        assert_eq!((&live["totals"]["hits"], &live["totals"]["misses"]), (&2.into(), &1.into()));
        assert!(live["totals"]["saved"].as_f64().unwrap() > 0.4);
        assert_eq!(live["report"]["functions"][0]["stats"]["name"], "dashboard::data::square");

        let answer = ask(&service, "GET /metrics", &[]).await;
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answer.headers["content-type"], kind);
        let hits = "memo_hits_total{function=\"dashboard::data::square\",kind=\"memo\"} 2\n";
        assert!(answer.body.contains(hits) && answer.body.ends_with("# EOF\n"));
    })
    .await;
}

#[tokio::test]
async fn events_are_told_and_no_more_than_are_kept() {
    memo::isolated_async(async {
        events::watch();
        let service = routes();
        get(&service, "/?page_size=7&page=7").await;
        for _ in 0..2 * events::KEPT {
            get(&service, "/?page_size=7&page=7").await;
        }
        let live: Value = serde_json::from_str(&get(&service, "/live").await).unwrap();
        let latest = live["latest"]["events"].as_array().unwrap();
        // Other tests cause events as well: an observer is one for all.
        assert_eq!(latest.len(), events::KEPT);
        assert!(latest.iter().any(|event| event["what"] == "hit"));
    })
    .await;
}
