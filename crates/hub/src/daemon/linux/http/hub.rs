//! The hub itself: its figures, and its settings read again.

use super::super::hub::Hub;
use super::super::reload;
use super::reply::{document, problem};
use super::{Body, From};
use hyper::{Response, StatusCode};
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

/// How the hub is.
pub(super) fn get(hub: &Hub) -> Response<Body> {
    let mut own = hub.look(|fleet| fleet.own.clone());
    hub.connects.tell(&mut own);
    document(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "restarts_survived": own.restarts_survived,
        "connections": own.connections,
        "connections_max": own.connections_max,
        "connections_kept": own.connections_kept,
        "connects_waiting": own.connects_waiting,
        "connects_refused": own.connects_refused,
        "descriptors_stored": hub.store.len(),
        "settings": {
            "taken": rfc3339_millis(UNIX_EPOCH + Duration::from_millis(own.last_reload.taken_ms)),
            "error": own.last_reload.error,
        },
    }))
}

/// Reads the settings again, for those who may change something.
pub(super) fn reload(hub: &Hub, from: &From) -> Response<Body> {
    let allowed = match from {
        From::Local(actor) => actor.may_change,
        From::Network => false,
    };
    if !allowed {
        let error = "the settings are read again for root and the hub's own user, over the Unix socket";
        return problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error);
    }
    match reload::reload(hub) {
        Ok(reloaded) => {
            let reason = |(name, why): &(&str, &str)| json!({ "setting": name, "reason": why });
            let waiting: Vec<_> = reloaded.waiting.iter().map(reason).collect();
            document(&json!({ "changed": reloaded.changed, "waiting": waiting }))
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_PARAMETER", &error),
    }
}
