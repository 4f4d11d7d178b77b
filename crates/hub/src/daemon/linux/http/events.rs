//! What happened: as a list, or as server-sent events for as long as somebody reads.

use super::super::hub::Hub;
use super::reply::{body, parameter, problem};
use super::{Body, sse, view};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use std::rc::Rc;

/// Events of one answer.
const MAX_AT_ONCE: usize = 1000;
/// Parts of an answer that wait for their reader.
const MAX_UNREAD: usize = 16;

/// Events after `after=N` of the query, or after the header `Last-Event-ID`.
pub(super) fn answer(hub: &Rc<Hub>, request: &Request<Incoming>) -> Response<Body> {
    let after = match after(request) {
        Ok(after) => after,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error),
    };
    if !sse::is_wanted(request) {
        return body(StatusCode::OK, "application/json", list(hub, after.unwrap_or(0)).to_string() + "\n");
    }
    let (sender, response) = sse::begin(MAX_UNREAD);
    // Who names no number wants what happens from now on.
    let after = after.unwrap_or_else(|| hub.look(|fleet| fleet.events.last_seq()));
    tokio::task::spawn_local(send_all(Rc::clone(hub), sender, after));
    response
}

fn after(request: &Request<Incoming>) -> Result<Option<u64>, String> {
    let header =
        request.headers().get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(text) = header.or_else(|| parameter(request.uri().query().unwrap_or_default(), "after")) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| format!("`after` must be the number of an event, not {text:?}"))
}

fn list(hub: &Rc<Hub>, after: u64) -> Value {
    hub.look(|fleet| {
        let events: Vec<_> = fleet.events.after(after).take(MAX_AT_ONCE).map(view::event).collect();
        json!({ "events": events, "forgotten": fleet.events.forgotten_after(after), "last_seq": fleet.events.last_seq() })
    })
}

async fn send_all(hub: Rc<Hub>, mut sender: sse::Sender, mut after: u64) {
    loop {
        // Taken before the look, so that what happens between the two is not missed.
        let happened = hub.happened.notified();
        let (text, last) = hub.look(|fleet| text(fleet.events.after(after).take(MAX_AT_ONCE), after));
        if text.is_empty() {
            let waited = tokio::time::timeout(sse::COMMENT_EVERY, happened).await;
            if waited.is_err() && sender.send_data(Bytes::from_static(sse::COMMENT)).await.is_err() {
                return;
            }
            continue;
        }
        after = last;
        if sender.send_data(text.into()).await.is_err() {
            return;
        }
    }
}

fn text<'a>(events: impl Iterator<Item = &'a infiniservice_hub_core::Event>, after: u64) -> (String, u64) {
    use std::fmt::Write as _;
    let (mut text, mut last) = (String::new(), after);
    for event in events {
        let (kind, data) = (event.kind.name(), view::event(event));
        let _infallible = write!(text, "id: {}\nevent: {kind}\ndata: {data}\n\n", event.seq);
        last = event.seq;
    }
    (text, last)
}
