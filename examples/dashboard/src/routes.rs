//! What the app answers: pages with calls of cached functions, and what these caches did.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Instant;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query};
use axum::http::{header, StatusCode};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{middleware, Router};

use crate::data::{get_page, square, Answer, Ran};
use crate::failure::Failure;
use crate::guard::guard;
use crate::live::live;
use crate::pool::{pool, rows_in_all};
use crate::shell::{Place, Rows, Shell};

/// The fields of a form, as text: what is wrong with one is said in a sentence. Each query is some.
type Fields = Query<HashMap<String, String>>;

/// The end of a path. One that is no text is an error of ours as well, and not axum's own.
type What = Result<Path<String>, PathRejection>;

pub fn routes() -> Router {
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", get(show_page))
        .route("/square", get(show_square))
        .route("/explain", get(explain))
        .route("/clear/{what}", post(clear))
        .route("/cleared/{what}", get(cleared))
        .route("/live", get(live))
        .route("/metrics", get(metrics))
        .route("/page.css", asset("text/css; charset=utf-8", include_str!("../page/page.css")))
        .route("/page.js", asset(script, include_str!("../page/page.js")))
        .route("/icon.svg", asset("image/svg+xml", include_str!("../page/icon.svg")))
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "there is no such page here") })
        // For the routes above it: it is not given to later ones.
        .method_not_allowed_fallback(|| async {
            let text = "this address takes another method, and `Allow` says which";
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, text)
        })
        .layer(middleware::from_fn(guard))
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

async fn show_page(Query(fields): Fields) -> Result<Html<String>, Failure> {
    let place = place(&fields)?;
    let (pool, ran, begin) = (pool().await?, Ran::default(), Instant::now());
    let rows = get_page(&pool, &ran, place.page_size, place.page).await?;
    let rows = Rows { place, of: rows_in_all(), answer: Answer::new(rows, begin, &ran) };
    Ok(Shell { rows: Some(rows), ..Shell::default() }.render())
}

async fn show_square(Query(fields): Fields) -> Result<Html<String>, Failure> {
    let x = number(&fields, "x", 12, i32::MIN..=i32::MAX)?;
    let (ran, begin) = (Ran::default(), Instant::now());
    let value = square(&ran, x).await;
    let square = Some((x, Answer::new(value, begin, &ran)));
    Ok(Shell { square, ..Shell::default() }.render())
}

async fn explain(Query(fields): Fields) -> Result<Html<String>, Failure> {
    let place = place(&fields)?;
    let explanation = get_page::explain(place.page_size, place.page);
    Ok(Shell { explanation: Some((place, explanation)), ..Shell::default() }.render())
}

async fn clear(what: What) -> Result<Redirect, Failure> {
    let Path(what) = what.map_err(|_| nothing_to_clear())?;
    match what.as_str() {
        "square" => square::clear(),
        "pages" => get_page::clear(),
        "all" => memo::clear_all(),
        _ => return Err(nothing_to_clear()),
    }
    // To a page that calls nothing: what is cleared stays so until somebody asks for it.
    Ok(Redirect::to(&format!("/cleared/{what}")))
}

async fn cleared(what: What) -> Result<Html<String>, Failure> {
    let Path(what) = what.map_err(|_| nothing_to_clear())?;
    let message = match what.as_str() {
        "square" => "`square` was cleared: its next calls compute again.",
        "pages" => "`get_page` was cleared: pages are asked of the database again.",
        "all" => "All memo functions were cleared. The pool stays, as it is a singleton.",
        _ => return Err(nothing_to_clear()),
    };
    Ok(Shell { message: Some(message), ..Shell::default() }.render())
}

fn nothing_to_clear() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "what can be cleared is `square`, `pages` or `all`")
}

/// What Prometheus or its like asks for.
async fn metrics() -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], memo::openmetrics())
}

fn place(fields: &HashMap<String, String>) -> Result<Place, Failure> {
    let page_size = number(fields, "page_size", 10, 1..=100)?;
    let pages = rows_in_all().div_ceil(page_size).max(1);
    let page = number(fields, "page", 1, 1..=pages)?;
    Ok(Place { page_size, page, pages })
}

fn number<T: Copy + Display + FromStr + PartialOrd>(
    fields: &HashMap<String, String>,
    name: &str,
    default: T,
    allowed: RangeInclusive<T>,
) -> Result<T, Failure> {
    let Some(text) = fields.get(name) else { return Ok(default) };
    let number = text.trim().parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (allowed.start(), allowed.end());
        Failure::bad_request(format!(
            "`{name}` is a whole number from {least} to {most}, and not `{text:.40}`"
        ))
    })
}
