//! Queues a job and waits for its result.

use super::calls::{Calls, DESTINATION, MANAGER, MANAGER_PATH};
use super::error::SystemdError;
use super::progress::Progress;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use zbus::OwnedObjectPath;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::wire::DynamicType;
use zbus::{MatchRule, MessageStream};

/// What `JobRemoved` says: the job's number and object, the unit, the result.
type Removed = (u32, OwnedObjectPath, String, String);

/// Signals that wait while nobody reads them. A full queue stops the whole connection, and a call's own reply with it; zbus's 64
/// is less than a change of many units brings.
pub(super) const QUEUED: Option<NonZeroUsize> = NonZeroUsize::new(4096);

/// Calls `method` (`StartUnit` and the like), which returns a job, and waits for it; its result, `done` where all is well.
pub(super) async fn run<B>(
    calls: &Calls<'_>,
    method: &str,
    body: &B,
    progress: &Progress,
) -> Result<String, SystemdError>
where
    B: serde::Serialize + DynamicType + Sync,
{
    // Listening comes first: a quick job is gone before its number is known.
    let mut signals = listen(calls).await?;
    progress.asked();
    let job: OwnedObjectPath = calls.ask(method, body).await?;
    progress.runs();
    loop {
        let (_, removed, _, result) = next(&mut signals).await?;
        if removed == job {
            return Ok(result);
        }
    }
}

async fn listen(calls: &Calls<'_>) -> Result<MessageStream, SystemdError> {
    let failed = |e: zbus::Error| SystemdError::of_call(calls.unit, &e);
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface(MANAGER)
        .member("JobRemoved")
        .path(MANAGER_PATH);
    // By its unique name: others on the bus may send signals that look the same.
    let rule = rule.sender(owner(calls).await?).build().map_err(failed)?;
    MessageStream::for_match_rule(rule, calls.connection, QUEUED).await.map_err(failed)
}

pub(super) async fn owner(calls: &Calls<'_>) -> Result<String, SystemdError> {
    let bus = Some("org.freedesktop.DBus");
    let call = calls.connection.call_method(bus, "/org/freedesktop/DBus", bus, "GetNameOwner", &DESTINATION);
    let reply = call.await.map_err(|e| SystemdError::of_call(calls.unit, &e))?;
    reply.body().deserialize().map_err(|e| SystemdError::Failed(e.to_string()))
}

async fn next(signals: &mut MessageStream) -> Result<Removed, SystemdError> {
    let gone = || SystemdError::Unreachable("the connection ended while a job ran".into());
    let message = poll_fn(|context| Pin::new(&mut *signals).poll_next(context)).await.ok_or_else(gone)?;
    let message = message.map_err(|e| SystemdError::of_call("", &e))?;
    message.body().deserialize().map_err(|e| SystemdError::Failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::own_manager::OwnManager;
    use std::time::Duration;

    #[tokio::test]
    async fn a_hundred_jobs_that_end_before_anybody_listens_do_not_stop_the_connection() {
        let unit = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/true\n";
        let Some(own) = OwnManager::start(&[("quick.service", unit)]) else { return };
        own.named().await;
        let connection = own.on_bus().connect().await.unwrap();
        let calls = Calls { connection: &connection, unit: "quick.service" };
        let _signals = listen(&calls).await.unwrap();
        let all = async {
            for _ in 0..100 {
                let body = ("quick.service", "replace");
                run(&calls, "StartUnit", &body, &Progress::default()).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("a call stalled");
    }
}
