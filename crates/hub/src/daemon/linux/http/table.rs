//! The table of machines: as a list, or as server-sent events for as long as somebody reads.

use super::super::clock;
use super::super::hub::Hub;
use super::reply::{document, parameter, problem};
use super::{Body, sse, view};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use infiniservice_hub_core::fleet::Entry;
use infiniservice_hub_core::selector::Selector;
use std::rc::Rc;
use tokio::time::Instant;

/// All machines, or as a list those that `select=…` means.
pub(super) fn answer(hub: &Rc<Hub>, request: &Request<Incoming>) -> Response<Body> {
    let select = parameter(request.uri().query().unwrap_or_default(), "select");
    if !sse::is_wanted(request) {
        return list(hub, select.as_deref().unwrap_or("all"));
    }
    if select.is_some() {
        let error = "`select` is for the list: a stream of events has all machines";
        return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", error);
    }
    let (sender, response) = sse::begin(1);
    tokio::task::spawn_local(send_all(Rc::clone(hub), sender));
    response
}

fn list(hub: &Rc<Hub>, select: &str) -> Response<Body> {
    match select.parse::<Selector>() {
        Ok(selector) => hub.look(|fleet| document(&view::selected(fleet, &selector))),
        Err(error) => problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error.to_string()),
    }
}

async fn send_all(hub: Rc<Hub>, mut sender: sse::Sender) {
    let (mut number, mut sent) = (0, Instant::now());
    loop {
        let (text, due) = {
            let mut board = hub.board.borrow_mut();
            let at = clock::now();
            let render = |name: &str, entry: &Entry| {
                // Infallible: every key is a text, and nothing here serialises by hand.
                serde_json::to_string(&view::short(at, name, entry)).unwrap_or_default()
            };
            hub.look(|fleet| board.refresh(at, fleet, render));
            let (now, text) = board.since(number);
            number = now;
            (text, board.due())
        };
        let silent = sent.elapsed() >= sse::COMMENT_EVERY;
        if let Some(text) = text.or_else(|| silent.then(|| Bytes::from_static(sse::COMMENT))) {
            sent = Instant::now();
            if sender.send_data(text).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(due.saturating_sub(clock::now().mono)).await;
    }
}
