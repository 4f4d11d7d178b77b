//! The hub itself: its figures, and its settings read again.

use super::super::clock;
use super::super::hub::Hub;
use super::super::permit::permit_reload;
use super::super::reload;
use super::reply::{document, problem};
use super::shapes::{Engine, LastReload, Own, Reloaded, Waiting};
use super::{Body, From};
use hyper::{Response, StatusCode};
use infiniservice_hub_core::audit::Record;
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::time::{Duration, UNIX_EPOCH};

/// How the hub is.
pub(super) fn get(hub: &Hub) -> Response<Body> {
    let mut own = hub.look(|fleet| fleet.own.clone());
    hub.connects.tell(&mut own);
    let taken = UNIX_EPOCH + Duration::from_millis(own.last_reload.taken_ms);
    document(&Own {
        version: env!("CARGO_PKG_VERSION"),
        restarts_survived: own.restarts_survived,
        connections: own.connections,
        connections_max: own.connections_max,
        connections_kept: own.connections_kept,
        connects_waiting: own.connects_waiting,
        connects_refused: own.connects_refused,
        descriptors_stored: hub.store.len(),
        settings: LastReload { taken: rfc3339_millis(taken), error: own.last_reload.error.as_deref() },
        engine: own.engine.as_ref().map(|engine| Engine {
            connected: engine.connected,
            error: engine.error.as_deref(),
            is_coordinator: engine.is_coordinator,
            commands: engine.commands,
            refused: engine.refused,
            results: engine.results,
            results_waiting: engine.results_waiting,
        }),
    })
}

/// Reads the settings again, for root and the hub's own user.
pub(super) fn reload(hub: &Hub, from: &From) -> Response<Body> {
    let Some(actor) = from.actor() else {
        return refused("the settings are read again over the Unix socket");
    };
    let permit = permit_reload(actor);
    let record = Record::reload(clock::now(), actor.to_string(), &permit);
    hub.state.borrow_mut().trail.record(record);
    if let Err(error) = permit {
        return refused(&error);
    }
    match reload::reload(hub) {
        Ok(reloaded) => {
            let waiting = reloaded.waiting.iter().map(|&(setting, reason)| Waiting { setting, reason });
            document(&Reloaded { changed: &reloaded.changed, waiting: waiting.collect() })
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_PARAMETER", &error),
    }
}

fn refused(error: &str) -> Response<Body> {
    problem(StatusCode::FORBIDDEN, "PERMISSION_DENIED", error)
}
