//! What the service answers: each handler is a call of a cached function.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{header, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use crate::carts;
use crate::failure::Failure;
use crate::history::{self, Archive, History};
use crate::rates::{self, Bank, Rate};
use crate::tokens::{self, IdentityProvider, Token};
use crate::users::{self, User};

/// The servers behind this one.
#[derive(Clone, Debug, Default)]
struct Backends {
    provider: Arc<IdentityProvider>,
    bank: Arc<Bank>,
    archive: Arc<Archive>,
}

#[derive(Debug, Deserialize)]
struct Options {
    #[serde(default)]
    fresh: bool,
}

pub fn routes() -> Router {
    Router::new()
        .route("/tokens/{client}", get(token))
        .route("/rates/{currency}", get(rate))
        .route("/history/{currency}", get(history))
        .route("/users/{id}", get(user).put(save))
        .route("/bank/{state}", post(bank))
        .route("/stats", get(|| async { memo::report().to_string() }))
        .route("/metrics", get(metrics))
        .with_state(Backends::default())
        .merge(carts::routes())
}

async fn token(
    State(backends): State<Backends>,
    Path(client): Path<String>,
) -> Result<Json<Token>, Failure> {
    tokens::token(&backends.provider, &client).await.map(Json)
}

async fn rate(
    State(backends): State<Backends>,
    Path(currency): Path<String>,
) -> Result<Json<Rate>, Failure> {
    rates::rate(&backends.bank, &currency).await.map(Json)
}

async fn history(
    State(backends): State<Backends>,
    Path(currency): Path<String>,
) -> Result<Json<History>, Failure> {
    history::history(&backends.archive, &currency).await.map(Json)
}

async fn user(Path(id): Path<i64>, Query(options): Query<Options>) -> Result<Json<User>, Failure> {
    let user = users::user(id, options.fresh).await?;
    user.map(Json).ok_or_else(|| Failure::not_found(format!("there is no user {id}")))
}

async fn save(Path(id): Path<i64>, name: String) -> Result<StatusCode, Failure> {
    users::save(id, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn bank(
    State(backends): State<Backends>,
    Path(state): Path<String>,
) -> Result<StatusCode, Failure> {
    let is_down = match state.as_str() {
        "down" => true,
        "up" => false,
        _ => return Err(Failure::not_found("a bank is `up` or `down`")),
    };
    backends.bank.set_down(is_down);
    Ok(StatusCode::NO_CONTENT)
}

/// What Prometheus or its like asks for.
async fn metrics() -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], memo::openmetrics())
}
