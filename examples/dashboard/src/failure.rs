//! The one error of all handlers, and the answer where no handler is: a page with a sentence.

use std::fmt;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::html::{fill, sentence};

/// `Clone`, so that calls that wait for each other can share one.
#[derive(Clone, Debug)]
pub struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub fn internal(error: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let page = include_str!("../page/failure.html");
        let page = fill(page, &[("failure", &sentence(&self.text))]);
        (self.status, Html(page)).into_response()
    }
}
