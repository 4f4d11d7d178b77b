//! A guest's wire over HTTP, for clients that cannot reach `wire.sock`: `Upgrade: infini-wire`.

use super::super::hub::{Hub, refusal};
use super::super::wire;
use super::reply::{JSON, body, problem, status};
use super::{Body, From};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::rc::Rc;

/// The protocol's name: the guest's wire, as `wire.sock` has it after its first line.
const PROTOCOL: &str = "infini-wire";

/// `GET /v1/vms/{vm}/wire`: a place at the machine, and from then on its wire.
pub(super) fn answer(hub: &Rc<Hub>, from: &From, vm: &str, request: Request<Incoming>) -> Response<Body> {
    let Some(actor) = from.actor() else {
        let error = "the wire is for the Unix socket and for certificates";
        return problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error);
    };
    if request.headers().get(UPGRADE).is_none_or(|name| name != PROTOCOL) {
        let error = format!("ask for this with `Upgrade: {PROTOCOL}`");
        let mut response = problem(StatusCode::UPGRADE_REQUIRED, "UNSUPPORTED", &error);
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
        return response;
    }
    let seat = match hub.attach(vm, actor) {
        Ok(seat) => seat,
        Err(rejection) => return body(status(rejection.code), JSON, refusal(rejection) + "\n"),
    };
    tokio::task::spawn_local(async move {
        match hyper::upgrade::on(request).await {
            Ok(upgraded) => {
                let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
                wire::serve_seat(&seat, wire::Lines::new(reader), writer).await;
            }
            Err(error) => log::debug!("a client changed its mind about the wire: {error}"),
        }
    });
    let mut response = Response::new(Empty::new().boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
    response
}
