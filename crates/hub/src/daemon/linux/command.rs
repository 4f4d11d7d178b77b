//! One command of the HTTP API: sent as a client of its own, and waited for.

use super::hub::Hub;
use super::peer::Actor;
use super::seat::Seat;
use infiniservice_hub_core::request::{self, Request};
use infiniservice_protocol::{ErrorCode, Rejection};
use serde_json::{Value, json};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer is waited for where the caller does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(120);
/// The longest that it is waited for.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(7200);

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The message or the machine is wrong.
    Refused(Rejection),
    /// It did not come in time; the guest may still work on it.
    Late {
        /// By this id a client of `wire.sock` may still get it.
        id: String,
    },
    /// The connection to the guest ended before.
    Lost(String),
}

/// Sends a message, with an id where it has none, and waits for its answer.
pub(super) async fn ask(
    hub: &Rc<Hub>,
    actor: &Actor,
    vm: &str,
    mut message: Value,
    wait: Option<Duration>,
) -> Result<String, NoAnswer> {
    let fields = message.as_object_mut().ok_or_else(|| refused("the body must be a JSON object"))?;
    let id = fields.entry("id").or_insert_with(|| json!(format!("api-{:016x}", fastrand::u64(..))));
    let id = id.as_str().map(str::to_owned).ok_or_else(|| refused("`id` must be a text"))?;
    let line = message.to_string();
    // A body of many small values takes much more than its line, and the guest may take its time.
    drop(message);
    let request = request::read(&line).map_err(NoAnswer::Refused)?;
    if !matches!(request, Request::Command(_)) {
        return Err(refused("only messages that are answered by their `id` can be sent here"));
    }
    let seat = hub.attach(vm, actor).map_err(NoAnswer::Refused)?;
    seat.offer(line, Ok(request));
    let wait = wait.unwrap_or(DEFAULT_WAIT).min(MAX_WAIT);
    timeout(wait, answer(&seat, &id)).await.unwrap_or(Err(NoAnswer::Late { id }))
}

fn refused(error: &str) -> NoAnswer {
    NoAnswer::Refused(Rejection::new(ErrorCode::InvalidMessage, error))
}

async fn answer(seat: &Seat, id: &str) -> Result<String, NoAnswer> {
    loop {
        let item = seat.inbox.next().await.map_err(NoAnswer::Lost)?;
        if item.for_all {
            continue;
        }
        if answers(&item.line, id) {
            return Ok(item.line.to_string());
        }
    }
}

/// Whether a line is the one that ends the waiting; `output` lines and those of a batch's commands come before it.
fn answers(line: &str, id: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let own = ["id", "request_id"].iter().any(|name| line.get(name).and_then(Value::as_str) == Some(id));
    own && line.get("type").and_then(Value::as_str) != Some("output")
}
