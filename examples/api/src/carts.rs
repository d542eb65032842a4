//! Carts, one a user: what is cached of them ends with the user's login.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Request, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use memo::{memo, Session};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

#[derive(Debug, Serialize, Deserialize)]
pub struct Cart {
    pub items: Vec<String>,
    pub total: u64,
}

/// Who is logged in, by the token in the cookie of theirs.
#[derive(Clone, Debug, Default)]
struct Logins(Arc<Mutex<HashMap<String, Login>>>);

#[derive(Clone, Debug, Default)]
struct Login {
    session: Session,
    /// Stands for a table of the database.
    items: Arc<Mutex<Vec<String>>>,
}

pub fn routes() -> Router {
    let logins = Logins::default();
    let carts = Router::new()
        .route("/cart", get(show))
        .route("/cart/{item}", post(add))
        .layer(middleware::from_fn_with_state(logins.clone(), in_session));
    Router::new()
        .route("/logins/{token}", post(login).delete(logout))
        .with_state(logins)
        .merge(carts)
}

/// Each answer to a user is made in the user's session.
async fn in_session(State(logins): State<Logins>, mut request: Request, next: Next) -> Response {
    let login = token(request.headers()).and_then(|token| logins.lock().get(token).cloned());
    let Some(login) = login else {
        return (StatusCode::UNAUTHORIZED, "log in first").into_response();
    };
    let session = login.session.clone();
    request.extensions_mut().insert(login);
    session.wrap(next.run(request)).await
}

/// What a cart costs takes a while to find out. It takes no argument that says whose it is: that is the
/// session's.
#[memo(scope = "session", ttl = "10m")]
async fn cart(_login: &Login) -> Cart {
    tokio::task::yield_now().await;
    let items = lock(&_login.items).clone();
    let total = items.iter().map(|item| 100 * item.len() as u64).sum();
    Cart { items, total }
}

async fn show(Extension(login): Extension<Login>) -> Json<Cart> {
    Json(cart(&login).await)
}

async fn add(Extension(login): Extension<Login>, Path(item): Path<String>) -> StatusCode {
    lock(&login.items).push(item);
    // Of this user's alone.
    cart::clear();
    StatusCode::NO_CONTENT
}

async fn login(State(logins): State<Logins>, Path(token): Path<String>) -> StatusCode {
    logins.lock().entry(token).or_default();
    StatusCode::NO_CONTENT
}

/// The last clone of the session goes, and what is cached in it: after the answers under way.
async fn logout(
    State(logins): State<Logins>,
    Path(token): Path<String>,
) -> Result<StatusCode, Failure> {
    match logins.lock().remove(&token) {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(Failure::not_found("nobody is logged in by that token")),
    }
}

/// The value of the cookie `token`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix("token="))
}

impl Logins {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Login>> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::body::{self, Body};
    use tower::ServiceExt;

    use super::*;

    async fn ask(service: &Router, request: &str, token: &str) -> (u16, String) {
        let (method, path) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::COOKIE, format!("a=b; token={token}"));
        let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_user_has_a_cart_which_is_cached_until_the_logout() {
        memo::isolated_async(async {
            let service = routes();
            assert_eq!(ask(&service, "GET /cart", "ada").await.0, 401);
            for user in ["ada", "bob"] {
                ask(&service, &format!("POST /logins/{user}"), "").await;
                ask(&service, &format!("POST /cart/{user}s-book"), user).await;
            }
            for _ in 0..3 {
                assert!(ask(&service, "GET /cart", "ada").await.1.contains("adas-book"));
                assert!(ask(&service, "GET /cart", "bob").await.1.contains("bobs-book"));
            }
            let stats = cart::stats();
            assert_eq!((stats.misses, stats.hits, stats.entries), (2, 4, 2));
            assert_eq!(ask(&service, "DELETE /logins/ada", "").await.0, 204);
            assert_eq!((cart::stats().misses, cart::stats().entries), (2, 1));
            assert_eq!(ask(&service, "GET /cart", "ada").await.0, 401);
            assert!(ask(&service, "GET /cart", "bob").await.1.contains("bobs-book"));
        })
        .await;
    }
}
