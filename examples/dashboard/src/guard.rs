//! Who may ask, and what a browser may do with the answers.
//!
//! That nobody but this machine is listened to does not keep out the pages of others: they are in the
//! same browser. Three things do.
//!
//! - A page whose name its owner lets point to this machine (DNS rebinding) sends that name as `Host`.
//!   Names other than [`NAMES`] are refused; an address cannot be made to point elsewhere.
//! - A form or script of another page that posts here says so, by `Origin` and `Sec-Fetch-Site`. So does
//!   an image, a script or a frame that others have from here: they may link to [`FRONT`], and no more.
//! - Answers forbid scripts and styles of others, frames around them, and copies of them.
//!
//! Over plain http, browsers send `Sec-Fetch-…` to this machine alone. To another they send `Origin` with
//! a POST, and nothing with a GET that is sure to tell whose page it is from.

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;

/// What this server is called, beside its addresses. Behind a proxy these are the names that the proxy
/// answers to, and passes on as `Host`.
const NAMES: &[&str] = &["localhost"];

/// What others may link to. Whoever links chooses the query, and with it which bodies run and which
/// entries make room for theirs: only a page that is the same for everybody may be here, and without one.
const FRONT: &str = "/";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`, with which browsers hide the origin of this page's own forms as well.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Wraps all routes.
pub async fn guard(request: Request, next: Next) -> Response {
    let mut answer = match admit(&request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn admit(request: &Request) -> Result<(), Failure> {
    let headers = request.headers();
    let host = only(headers, &header::HOST).filter(|host| is_own(host));
    // A request line may name a host as well, and then that is whom it is for.
    let is_for_us = request.uri().authority().is_none_or(|named| is_own(named.as_str()));
    let Some(host) = host.filter(|_| is_for_us) else {
        let names = NAMES.join("`, `");
        let text = format!("this server answers to `{names}` and to addresses, not to other names");
        return Err(Failure::new(StatusCode::MISDIRECTED_REQUEST, text));
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_welcome = if is_read {
        is_same_site(headers) || is_link(request)
    } else {
        is_same_site(headers) && is_same_origin(headers, host)
    };
    if is_welcome {
        Ok(())
    } else {
        let text = "only this server's own page may ask for that";
        Err(Failure::new(StatusCode::FORBIDDEN, text))
    }
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_own(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    NAMES.iter().any(|name| host.eq_ignore_ascii_case(name))
        || address.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a tab is to show the front page. A frame navigates as well, and may be hidden: the policy in the
/// answer keeps the answer out of it, but the body of the function has run by then.
fn is_link(request: &Request) -> bool {
    let headers = request.headers();
    only(headers, &SEC_FETCH_MODE) == Some("navigate")
        && only(headers, &SEC_FETCH_DEST) == Some("document")
        && request.uri().path() == FRONT
        && request.uri().query().is_none()
}

// Programs that are no browsers send none of these headers, and are no danger: nobody lures them.

fn is_same_site(headers: &HeaderMap) -> bool {
    !headers.contains_key(SEC_FETCH_SITE)
        || matches!(only(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"))
}

/// With `https`, the page is behind a proxy, which this server knows nothing of: either scheme is right.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(scheme, named)| {
        matches!(scheme, "http" | "https") && named.eq_ignore_ascii_case(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_own_and_other_names_are_not() {
        for own in ["localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]:3000", "192.168.1.5"] {
            assert!(is_own(own), "{own}");
        }
        let others = ["", "evil.example", "localhost.evil.example:3000", "127.0.0.1.evil.example"];
        for other in others.into_iter().chain(["localhost@evil.example", "local host", "[::1"]) {
            assert!(!is_own(other), "{other}");
        }
    }

    #[test]
    fn an_origin_has_the_name_that_was_asked_by_either_scheme() {
        let host = "localhost:3000";
        let is_same = |origin: &'static str| {
            let headers = [(header::ORIGIN, HeaderValue::from_static(origin))];
            is_same_origin(&headers.into_iter().collect(), host)
        };
        assert!(is_same_origin(&HeaderMap::new(), host));
        for own in ["http://localhost:3000", "https://localhost:3000", "http://LOCALHOST:3000"] {
            assert!(is_same(own), "{own}");
        }
        let others = ["null", "", "localhost:3000", "http://localhost", "http://localhost:3001"];
        for other in others.into_iter().chain(["file://localhost:3000", "https://evil.example"]) {
            assert!(!is_same(other), "{other}");
        }
    }
}
