//! The handlers.

use std::convert::Infallible;

use anyhow::Context;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use memo::memo;
use serde::Serialize;
use tokio::time::timeout;

use crate::{page, App, Product, Search};

pub fn router(app: App) -> Router {
    Router::new()
        .route("/products/{id}", get(product))
        .route("/products/{id}/label", get(label))
        .route("/search", get(search))
        .route("/statistics", get(statistics))
        .route("/clear/{function}", post(clear))
        .with_state(app)
}

/// Whose request it is, by its header.
#[derive(Serialize)]
struct Tenant(String);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("x-tenant").and_then(|value| value.to_str().ok());
        Ok(Self(header.unwrap_or("nobody").to_owned()))
    }
}

/// Whatever went wrong, as a response.
struct AppError(anyhow::Error);

type AppResult<T> = Result<T, AppError>;

impl<E: Into<anyhow::Error>> From<E> for AppError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let is_late = self.0.is::<tokio::time::error::Elapsed>();
        let status =
            if is_late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::INTERNAL_SERVER_ERROR };
        (status, format!("{:#}", self.0)).into_response()
    }
}

#[tracing::instrument(skip_all)]
async fn product(
    State(app): State<App>,
    tenant: Tenant,
    Path(id): Path<u32>,
) -> AppResult<Result<Json<Product>, StatusCode>> {
    let found = timeout(app.patience, app.products.product(&tenant.0, id)).await??;
    Ok(found.map(Json).ok_or(StatusCode::NOT_FOUND))
}

/// A handler may itself be cached, where its key is said.
#[memo(key = (_app.products.url(), &_tenant.0, id), ttl = "1h")]
async fn label(State(_app): State<App>, _tenant: Tenant, Path(id): Path<u32>) -> AppResult<String> {
    let product = _app.products.product(&_tenant.0, id).await?;
    Ok(format!("<{}>", product.context("there is no such product")?.name))
}

async fn search(
    State(app): State<App>,
    tenant: Tenant,
    Query(search): Query<Search>,
) -> AppResult<Json<Vec<String>>> {
    let page = page(&*app.products, &tenant.0, &search);
    Ok(Json(timeout(app.patience, page).await??))
}

async fn statistics() -> Json<memo::Report> {
    Json(memo::report())
}

async fn clear(Path(function): Path<String>) -> StatusCode {
    if memo::clear(&function) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}
