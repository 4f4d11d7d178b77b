//! Queues a job and waits for its result.

use super::calls::{DESTINATION, MANAGER, MANAGER_PATH};
use super::control::Operation;
use super::error::SystemdError;
use std::future::poll_fn;
use std::pin::Pin;
use zbus::OwnedObjectPath;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream};

/// What `JobRemoved` says: the job's number and object, the unit, the result.
type Removed = (u32, OwnedObjectPath, String, String);

/// Calls `method` (`StartUnit` and the like, mode `replace`) and waits for the job; its result, `done` where all is well.
pub(super) async fn run(operation: &Operation<'_>, method: &str) -> Result<String, SystemdError> {
    // Listening comes first: a quick job is gone before its number is known.
    let mut signals = listen(operation).await?;
    let job: OwnedObjectPath = operation.calls().ask(method, &(operation.unit.as_str(), "replace")).await?;
    loop {
        let (_, removed, _, result) = next(&mut signals).await?;
        if removed == job {
            return Ok(result);
        }
    }
}

async fn listen(operation: &Operation<'_>) -> Result<MessageStream, SystemdError> {
    let failed = |e: zbus::Error| SystemdError::of_call(operation.unit.as_str(), &e);
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface(MANAGER)
        .member("JobRemoved")
        .path(MANAGER_PATH);
    // By its unique name: others on the bus may send signals that look the same.
    let rule = rule.sender(owner(operation).await?).build().map_err(failed)?;
    MessageStream::for_match_rule(rule, operation.connection, None).await.map_err(failed)
}

async fn owner(operation: &Operation<'_>) -> Result<String, SystemdError> {
    let bus = Some("org.freedesktop.DBus");
    let call =
        operation.connection.call_method(bus, "/org/freedesktop/DBus", bus, "GetNameOwner", &DESTINATION);
    let reply = call.await.map_err(|e| SystemdError::of_call(operation.unit.as_str(), &e))?;
    reply.body().deserialize().map_err(|e| SystemdError::Failed(e.to_string()))
}

async fn next(signals: &mut MessageStream) -> Result<Removed, SystemdError> {
    let gone = || SystemdError::Unreachable("the connection ended while a job ran".into());
    let message = poll_fn(|context| Pin::new(&mut *signals).poll_next(context)).await.ok_or_else(gone)?;
    let message = message.map_err(|e| SystemdError::of_call("", &e))?;
    message.body().deserialize().map_err(|e| SystemdError::Failed(e.to_string()))
}
