//! Answers as they go out, and queries as they come in.

use super::Body;
use super::shapes::Problem;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, Response, StatusCode};
use infiniservice_protocol::ErrorCode;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// Longest body of a request: the longest line of the wire.
const MAX_BODY_BYTES: usize = 1 << 20;
/// How long it may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(60);
pub(super) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// A request's body.
pub(super) async fn read(request: Request<Incoming>) -> Result<Value, String> {
    let body = timeout(BODY_WITHIN, Limited::new(request.into_body(), MAX_BODY_BYTES).collect()).await;
    let body = body.map_err(|_late| format!("the body did not come within {} s", BODY_WITHIN.as_secs()))?;
    let bytes = body.map_err(|error| format!("the body cannot be read: {error}"))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| format!("the body is not JSON: {error}"))
}

/// A parameter of a query, decoded.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(&value.replace('+', " ")))
}

/// Percent-encoding undone; a sign that stands for no byte stays as it is.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// No such address.
pub(crate) fn nothing() -> Response<Body> {
    problem(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing at this address")
}

/// Nothing is changed at this address.
pub(crate) fn only_read() -> Response<Body> {
    let error = "this address can only be read";
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", error);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

/// An error of the API, in the wire's own form.
pub(crate) fn problem(status: StatusCode, code: &str, error: &str) -> Response<Body> {
    wrong(status, &Problem { kind: "error", error, error_code: code, details: None })
}

/// The same, with more of it for programs.
pub(super) fn wrong(status: StatusCode, problem: &Problem<'_>) -> Response<Body> {
    // Infallible: every key is a text, and nothing here serialises by hand.
    body(status, JSON, serde_json::to_string(problem).unwrap_or_default() + "\n")
}

/// A JSON document.
pub(super) fn document(value: &impl Serialize) -> Response<Body> {
    match serde_json::to_string(value) {
        Ok(text) => body(StatusCode::OK, JSON, text + "\n"),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", &error.to_string()),
    }
}

/// The status of a refusal.
pub(super) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorCode::DuplicateId => StatusCode::CONFLICT,
        ErrorCode::QueueFull => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// An answer.
pub(crate) fn body(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A browser is not to take guests' words for anything else than what they are said to be.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_query_are_decoded() {
        assert_eq!(decoded("web%2D017%zz%"), "web-017%zz%");
        assert_eq!(parameter("a=1&selector=os%3Ddebian+x", "selector").as_deref(), Some("os=debian x"));
    }
}
