//! Who may ask, and what a browser may do with the answers.
//!
//! That nobody but this machine is listened to does not keep out the pages of others: they are in the
//! same browser. Three things do.
//!
//! - A page whose name its owner lets point to this machine (DNS rebinding) sends that name as `Host`.
//!   Names other than `localhost` are refused; an address cannot be made to point elsewhere.
//! - A form or script of another page that posts here says so, by `Origin` and `Sec-Fetch-Site`. So does
//!   an image or script that others have from here: they may link to this page, and no more.
//! - Answers forbid scripts and styles of others, frames around them, and copies of them.

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

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
        let text = "this server answers to `localhost` and to addresses, not to other names";
        return Err(Failure::new(StatusCode::MISDIRECTED_REQUEST, text));
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_welcome = if is_read {
        is_same_site(headers) || only(headers, &SEC_FETCH_MODE) == Some("navigate")
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
    host.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

// Programs that are no browsers send none of these headers, and are no danger: nobody lures them.

fn is_same_site(headers: &HeaderMap) -> bool {
    !headers.contains_key(SEC_FETCH_SITE)
        || matches!(only(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"))
}

fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    !headers.contains_key(header::ORIGIN)
        || only(headers, &header::ORIGIN)
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host))
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
}
