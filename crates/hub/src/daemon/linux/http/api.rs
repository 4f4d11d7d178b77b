//! Which address answers what.

use super::super::command::{self, MAX_WAIT, NoAnswer};
use super::super::hub::{Hub, refusal};
use super::host::misdirected;
use super::reply::{
    JSON, TEXT, body, decoded, document, nothing, only_read, parameter, problem, read, status,
};
use super::{Body, From, events, hub as own, jobs, metrics, page, table, view, wire};
use hyper::body::Incoming;
use hyper::header::ORIGIN;
use hyper::{Method, Request, Response, StatusCode};
use std::rc::Rc;
use std::time::Duration;

/// What the API has, for programs.
const DESCRIPTION: &str = include_str!("../../../../../../docs/openapi.json");

/// Answers a request.
pub(super) async fn answer(hub: &Rc<Hub>, from: &From, request: Request<Incoming>) -> Response<Body> {
    if let (From::Network, Some(refusal)) = (from, misdirected(&request)) {
        return refusal;
    }
    if let Some(Err(error)) = from.actor().map(|actor| hub.check_reader(actor)) {
        return problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", &error);
    }
    if request.method() != Method::GET && request.headers().contains_key(ORIGIN) {
        // Nor may one have a browser, which holds somebody's certificate, change something for it.
        let error = "a page in a browser may only read";
        return problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error);
    }
    let path = request.uri().path().to_owned();
    let parts: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (request.method(), parts.as_slice()) {
        (&Method::POST, ["v1", "vms", vm, "commands"]) => post_command(hub, from, vm, request).await,
        (&Method::POST, ["v1", "reload"]) => own::reload(hub, from),
        (&Method::POST, ["v1", "jobs"]) => jobs::start(hub, from, request).await,
        (&Method::POST, ["v1", "jobs", id, "cancel"]) => jobs::cancel(hub, from, id),
        (&Method::GET, ["v1", "vms", vm, "wire"]) => wire::answer(hub, from, vm, request),
        (&Method::GET, ["v1", "jobs", rest @ ..]) => jobs::get(hub, from, rest, &request),
        (&Method::GET, parts) => get(hub, parts, &request),
        _ => only_read(),
    }
}

fn get(hub: &Rc<Hub>, parts: &[&str], request: &Request<Incoming>) -> Response<Body> {
    match parts {
        ["healthz"] => body(StatusCode::OK, TEXT, "ok\n"),
        ["metrics"] => metrics::answer(&**hub, request.uri().query().unwrap_or_default()),
        ["v1", "hub"] => own::get(hub),
        ["v1", "openapi.json"] => body(StatusCode::OK, JSON, DESCRIPTION),
        ["v1", "vms"] => table::answer(hub, request),
        ["v1", "vms", vm] => {
            found(hub.look(|fleet| fleet.get(vm).map(|entry| document(&view::one(vm, entry)))), vm)
        }
        ["v1", "vms", vm, "lists", list] => list_of(hub, vm, list),
        ["v1", "events"] => events::answer(hub, request),
        [file] if page::file(file).is_some() => page::answer(file),
        _ => nothing(),
    }
}

fn found(response: Option<Response<Body>>, vm: &str) -> Response<Body> {
    let error = || problem(StatusCode::NOT_FOUND, "NOT_FOUND", &format!("this hub knows no machine {vm:?}"));
    response.unwrap_or_else(error)
}

fn list_of(hub: &Rc<Hub>, vm: &str, list: &str) -> Response<Body> {
    let Some(at) = view::LISTS.iter().position(|name| *name == list) else {
        let error = format!("there is no list {list:?}; there are {}", view::LISTS.join(", "));
        return problem(StatusCode::NOT_FOUND, "NOT_FOUND", &error);
    };
    let texts = hub.look(|fleet| Some(fleet.get(vm)?.machine.sample()?.lists.texts()));
    match texts {
        None => found(None, vm),
        Some(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", &error),
        Some(Ok(texts)) => {
            let text = texts.into_iter().nth(at).filter(|text| !text.is_empty());
            body(StatusCode::OK, JSON, text.unwrap_or_else(|| "[]".to_owned()))
        }
    }
}

async fn post_command(hub: &Rc<Hub>, from: &From, vm: &str, request: Request<Incoming>) -> Response<Body> {
    let Some(actor) = from.actor() else {
        let error = "commands are for the Unix socket and for certificates";
        return problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error);
    };
    let wait = match wait(request.uri().query().unwrap_or_default()) {
        Ok(wait) => wait,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error),
    };
    let message = match read(request).await {
        Ok(message) => message,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_JSON", &error),
    };
    match command::ask(hub, actor, vm, message, wait).await {
        Ok(answer) => body(StatusCode::OK, JSON, answer + "\n"),
        Err(NoAnswer::Refused(rejection)) => {
            let status = status(rejection.code);
            body(status, JSON, refusal(rejection) + "\n")
        }
        Err(NoAnswer::Late { id }) => {
            let error = format!("the guest has not answered {id:?} yet; it may still be working on it");
            problem(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT", &error)
        }
        Err(NoAnswer::Lost(reason)) => problem(
            StatusCode::BAD_GATEWAY,
            "CANCELLED",
            &format!("the guest was lost before it answered: {reason}"),
        ),
    }
}

/// `wait=SECONDS` of a query.
fn wait(query: &str) -> Result<Option<Duration>, String> {
    let wrong = || format!("`wait` must be a number of seconds from 1 to {}", MAX_WAIT.as_secs());
    let Some(text) = parameter(query, "wait") else { return Ok(None) };
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_WAIT.as_secs()).contains(seconds));
    seconds.map(Duration::from_secs).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_has_its_range() {
        assert_eq!(wait("wait=5"), Ok(Some(Duration::from_secs(5))));
        assert!(wait("wait=0").unwrap_err().contains("from 1 to 7200"));
    }
}
