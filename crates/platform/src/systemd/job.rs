//! Queues a job and waits for its result; and a scope of their own for processes that must not end with the agent
//! (systemd.scope(5), org.freedesktop.systemd1(5)).

use super::calls::{BusAddress, Calls, DESTINATION, MANAGER, MANAGER_PATH};
use super::error::SystemdError;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::wire::DynamicType;
use zbus::{MatchRule, MessageStream, OwnedObjectPath, Variant};

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

/// A unit's properties in `StartTransientUnit`.
type Properties<'a> = Vec<(&'a str, Variant<'a>)>;
/// Units to be made along with it: none.
type Auxiliary<'a> = Vec<(&'a str, Properties<'a>)>;

/// Has systemd put the processes `pids` into a new scope `name`, and waits until they are in it. The scope goes by itself once
/// nothing runs in it. Others may be put in by whoever asked for it (`Delegate`), up to `tasks_max` processes and threads.
pub async fn start_scope(
    bus: &BusAddress,
    name: &str,
    description: &str,
    pids: &[u32],
    tasks_max: u32,
) -> Result<(), SystemdError> {
    let connection = bus.connect().await?;
    let calls = Calls { connection: &connection, unit: name };
    let properties: Properties<'_> = vec![
        ("Description", Variant::from(description)),
        ("PIDs", Variant::from(pids.to_vec())),
        ("Delegate", Variant::from(true)),
        ("TasksMax", Variant::from(u64::from(tasks_max))),
        ("CollectMode", Variant::from("inactive-or-failed")),
    ];
    let body = (name, "fail", properties, Auxiliary::new());
    match run(&calls, "StartTransientUnit", &body, &Progress::default()).await?.as_str() {
        "done" => Ok(()),
        result => Err(SystemdError::Failed(format!("the scope {name} was not started: {result}"))),
    }
}

/// How long a unit is looked at: a program that cannot work usually ends within this, and systemd restarts it after 100 ms.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

const ASKED: u8 = 1;
const RUNS: u8 = 2;

/// Set while an operation goes on, read when it was given up.
#[derive(Debug)]
pub struct Progress {
    reached: AtomicU8,
    settle: Duration,
}

impl Default for Progress {
    fn default() -> Self {
        Self { reached: AtomicU8::new(0), settle: SETTLE }
    }
}

impl Progress {
    /// Of an operation that has so much time: a short one looks at the unit for a shorter while.
    pub fn within(remaining: Duration) -> Self {
        Self { settle: SETTLE.min(remaining / 4), ..Self::default() }
    }

    /// How long the unit is looked at after its job.
    pub(super) const fn settle(&self) -> Duration {
        self.settle
    }

    /// systemd is being asked to change something.
    pub(super) fn asked(&self) {
        self.reached.fetch_max(ASKED, Ordering::Relaxed);
    }

    /// systemd has taken the job.
    pub(super) fn runs(&self) {
        self.reached.fetch_max(RUNS, Ordering::Relaxed);
    }

    /// What is true of an operation that was given up here.
    pub fn told(&self) -> &'static str {
        match self.reached.load(Ordering::Relaxed) {
            RUNS => "systemd continues with the request",
            ASKED => "systemd received the request, but has not confirmed it",
            _ => "systemd had not yet received a request to change anything",
        }
    }
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
