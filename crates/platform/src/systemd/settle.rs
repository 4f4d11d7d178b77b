//! Looking at a unit for a moment after its job: what a program does as soon as it was started is no part of the job.

use super::after::After;
use super::calls::Calls;
use super::error::SystemdError;
use super::job::{self, QUEUED};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream};

/// How long a unit is looked at: a program that cannot work usually ends within this, and systemd restarts it after 100 ms.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// What the unit at `path` is after at most `time`; earlier where nothing more is to be expected.
pub(super) async fn look(calls: &Calls<'_>, path: &str, time: Duration) -> Result<After, SystemdError> {
    let until = Instant::now() + time;
    let Ok(mut changes) = listen(calls, path).await else { return calls.after(path).await };
    loop {
        let after = calls.after(path).await?;
        if !after.may_change() {
            return Ok(after);
        }
        let change = poll_fn(|context| Pin::new(&mut changes).poll_next(context));
        match timeout_at(until, change).await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(SystemdError::Unreachable("the connection ended".into())),
            Err(_) => return calls.after(path).await,
        }
    }
}

/// systemd tells changes only to those who asked for them; that ends with the connection.
async fn listen(calls: &Calls<'_>, path: &str) -> Result<MessageStream, SystemdError> {
    let failed = |e: zbus::Error| SystemdError::of_call(calls.unit, &e);
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .path(path)
        .sender(job::owner(calls).await?);
    let rule = rule.build().map_err(failed)?;
    let stream = MessageStream::for_match_rule(rule, calls.connection, QUEUED).await.map_err(failed)?;
    calls.manager("Subscribe", &()).await?;
    Ok(stream)
}
