//! Server-sent events: an answer that does not end.

use super::Body;
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::time::Duration;

/// A comment is sent so often, so that a reader that has gone is noticed.
pub(super) const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// The comment.
pub(super) const COMMENT: &[u8] = b": nothing new\n\n";

/// What is sent goes in here.
pub(super) type Sender = http_body_util::channel::Sender<Bytes, Infallible>;

/// Whether a request asks for them.
pub(super) fn is_wanted(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// An answer, of which at most this many parts wait for their reader.
pub(super) fn begin(max_unread: usize) -> (Sender, Response<Body>) {
    let (sender, receiver) = Channel::<Bytes, Infallible>::new(max_unread);
    let mut response = Response::new(receiver.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (sender, response)
}
