//! Jobs over HTTP: started, shown and cancelled.

use super::super::hub::Hub;
use super::super::peer::Actor;
use super::reply::{JSON, body, document, nothing, parameter, problem, read, wrong};
use super::shapes::Problem;
use super::{Body, From};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use infiniservice_hub_core::job::{self, Job, NotTaken};
use infiniservice_hub_core::policy::{OWN, OWNER};
use serde_json::json;
use std::rc::Rc;

/// `POST /v1/jobs`: answered once the job cannot be lost.
pub(super) async fn start(hub: &Rc<Hub>, from: &From, request: Request<Incoming>) -> Response<Body> {
    let Some(actor) = from.actor() else { return not_here() };
    let wanted = match read(request).await {
        Ok(value) => serde_json::from_value::<job::Request>(value),
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_JSON", &error),
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error.to_string()),
    };
    match hub.start_job(actor, wanted).await {
        Ok(id) => shown(hub, &id, StatusCode::ACCEPTED),
        Err(not_taken) => refused(not_taken),
    }
}

fn refused(not_taken: NotTaken) -> Response<Body> {
    match not_taken {
        NotTaken::Wrong(job::Wrong { field, error }) => {
            let details = Some(json!({ "field": field }));
            let problem = Problem { kind: "error", error: &error, error_code: "INVALID_PARAMETER", details };
            wrong(StatusCode::BAD_REQUEST, &problem)
        }
        NotTaken::Exists => {
            let error = "another job has this id";
            problem(StatusCode::CONFLICT, "DUPLICATE_ID", error)
        }
        NotTaken::NotAllowed(error) => problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", &error),
        NotTaken::Unavailable(error) => problem(StatusCode::SERVICE_UNAVAILABLE, "QUEUE_FULL", &error),
    }
}

/// `GET /v1/jobs`, and `GET /v1/jobs/{id}`, with `results=true` also the guests' answers. Those are for root,
/// the hub's own user and who started the job.
pub(super) fn get(hub: &Rc<Hub>, from: &From, parts: &[&str], request: &Request<Incoming>) -> Response<Body> {
    let Some(actor) = from.actor() else { return not_here() };
    match parts {
        [] => list(hub),
        [id] => {
            let wanted = parameter(request.uri().query().unwrap_or_default(), "results");
            let results = wanted.is_some_and(|text| text == "true");
            if results && !may_see_all(hub, actor, id) {
                return not_yours(&own_alone("see the answers of"));
            }
            one(hub, id, results)
        }
        _ => nothing(),
    }
}

fn may_see_all(hub: &Rc<Hub>, actor: &Actor, id: &str) -> bool {
    let name = actor.who.name();
    let own = || hub.look_at_jobs(|planner| planner.job(id).is_some_and(|job| job.accepted.actor == name));
    actor.who.is_owner || own()
}

fn own_alone(what: &str) -> String {
    format!("only root, the hub's own user and who started a job may {what} it")
}

fn not_yours(error: &str) -> Response<Body> {
    problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error)
}

/// The newest first, without their machines.
fn list(hub: &Rc<Hub>) -> Response<Body> {
    hub.look_at_jobs(|planner| {
        let mut jobs: Vec<&Job> = planner.jobs().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.accepted.at, job.id().to_owned())));
        document(&jobs.into_iter().map(Job::listed).collect::<Vec<_>>())
    })
}

fn one(hub: &Rc<Hub>, id: &str, results: bool) -> Response<Body> {
    hub.look_at_jobs(|planner| match planner.job(id) {
        Some(job) => document(&job.whole(results)),
        None => unknown(id),
    })
}

/// `POST /v1/jobs/{id}/cancel`: by root, the hub's own user, or who started the job.
pub(super) fn cancel(hub: &Rc<Hub>, from: &From, id: &str) -> Response<Body> {
    let Some(actor) = from.actor() else { return not_here() };
    if !may_see_all(hub, actor, id) {
        let error = own_alone("cancel");
        hub.cancel_refused(actor, id, &error);
        return not_yours(&error);
    }
    let rule = if actor.who.is_owner { OWNER } else { OWN };
    if hub.cancel_job(actor, id, rule) { shown(hub, id, StatusCode::ACCEPTED) } else { unknown(id) }
}

fn shown(hub: &Rc<Hub>, id: &str, status: StatusCode) -> Response<Body> {
    hub.look_at_jobs(|planner| match planner.job(id) {
        Some(job) => body(status, JSON, json!(job.summary()).to_string() + "\n"),
        None => unknown(id),
    })
}

fn unknown(id: &str) -> Response<Body> {
    problem(StatusCode::NOT_FOUND, "NOT_FOUND", &format!("this hub knows no job {id:.80?}"))
}

fn not_here() -> Response<Body> {
    problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", "jobs are for the Unix socket and for certificates")
}
