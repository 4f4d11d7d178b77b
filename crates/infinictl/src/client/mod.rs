//! The client: one connection to one guest.
//!
//! A task reads and a task writes; requests find their answers by id, whatever comes between. Guests are not trusted:
//! memory is bounded, and whatever they send is at worst counted as malformed.

mod attach;
mod bulk;
mod endpoint;
mod ends;
mod error;
mod event;
mod local;
mod options;
mod pending;
mod protection;
mod shared;
mod streams;
mod tasks;

pub use crate::sys::Master;
#[cfg(unix)]
pub use crate::sys::pty;
pub use endpoint::Endpoint;
pub use error::{ClientError, Heard};
pub use event::{Content, Event, Subscription};
pub use local::{AgentLog, LocalAgent};
pub use options::{Bulk, Options};
pub use shared::LinkStats;
pub use tasks::MAX_GUEST_LINE_BYTES;

use infiniservice_protocol::guest::{GuestMessage, Hello};
use infiniservice_protocol::host::SafeCommand;
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{Action, ErrorCode, HostMessage, Response};
pub(crate) use pending::FIRST_PING;
use pending::Key;
use serde_json::Value;
use shared::Shared;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

/// How long an answer may follow a refusal that names no request.
const REFUSAL_GRACE: Duration = Duration::from_millis(500);

/// A connection to a guest. Dropping it closes the connection and kills an agent that it started.
pub struct Client {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<tasks::Outgoing>,
    tasks: Vec<AbortHandle>,
    agent: Option<endpoint::Agent>,
    id_prefix: String,
    next_id: AtomicU64,
    next_ping: AtomicU64,
}

impl Client {
    /// Sends a message and waits for its answer, whatever it is; the event has the line as it came.
    ///
    /// # Errors
    /// `TimedOut` after `wait`, `Refused` when the guest refuses a line meanwhile without saying which and no answer
    /// follows, `Closed` when the connection ends before, `WrongAnswer` for a message without an answer.
    pub async fn call(&self, message: &HostMessage, wait: Duration) -> Result<Arc<Event>, ClientError> {
        let what = describe(message);
        let key = Key::of_request(message).ok_or_else(|| ClientError::WrongAnswer { what: what.clone() })?;
        let before = self.shared.stats();
        let answer = self.shared.wait(key)?;
        let refused = refusal(self.shared.refused.subscribe());
        let exchange = async {
            self.send(self.shared.encode(message), None).await?;
            tokio::select! {
                biased;
                answer = answer => answer.map_err(|_ended| self.shared.closed()),
                (code, error) = refused => {
                    Err(ClientError::Refused { what: what.clone(), code: Some(code), error })
                }
            }
        };
        let exchanged = tokio::time::timeout(wait, exchange).await;
        exchanged.unwrap_or_else(|_late| {
            let endpoint = self.shared.endpoint().to_owned();
            let heard = Box::new(self.shared.heard_since(&before));
            Err(ClientError::TimedOut { endpoint, what, after: wait, heard })
        })
    }

    /// Runs a safe command and waits for its response, which may be a failure. The guest gives the command its action's
    /// default time.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn request(&self, action: &Action, wait: Duration) -> Result<Response, ClientError> {
        let message = self.command(action, None);
        match self.call(&message, wait).await?.message() {
            Some(GuestMessage::Response(response)) => Ok(response.clone()),
            _ => Err(ClientError::WrongAnswer { what: describe(&message) }),
        }
    }

    /// Has the guest collect its metrics now.
    ///
    /// # Errors
    /// As [`Client::call`]; `Refused` when the guest answers with a failure.
    pub async fn metrics(&self, wait: Duration) -> Result<SystemMetrics, ClientError> {
        let event = self.metrics_event(wait).await?;
        match event.message() {
            Some(GuestMessage::SystemMetrics(metrics)) => Ok(metrics.clone()),
            _ => Err(ClientError::WrongAnswer { what: "Metrics".into() }),
        }
    }

    /// As [`Client::metrics`], with the line as it came.
    ///
    /// # Errors
    /// As [`Client::metrics`].
    pub async fn metrics_event(&self, wait: Duration) -> Result<Arc<Event>, ClientError> {
        let event = self.call(&HostMessage::Metrics { id: Some(self.new_id()) }, wait).await?;
        match event.message() {
            Some(GuestMessage::Response(response)) => Err(ClientError::refused("Metrics", response)),
            _ => Ok(event),
        }
    }

    /// Asks who the agent is and what it can do.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn hello(&self, wait: Duration) -> Result<Hello, ClientError> {
        match self.call(&HostMessage::Hello { id: None, accept: Vec::new() }, wait).await?.message() {
            Some(GuestMessage::Hello(hello)) => Ok(hello.clone()),
            _ => Err(ClientError::WrongAnswer { what: "Hello".into() }),
        }
    }

    /// The time from a ping's first byte to its answer's last, as this host sees it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn ping(&self, wait: Duration) -> Result<Duration, ClientError> {
        let sequence_number = self.next_ping.fetch_add(1, Ordering::Relaxed);
        let begin = Instant::now();
        let answer = self.call(&HostMessage::KeepAliveRequest { sequence_number }, wait).await;
        let round_trip = answer.map(|event| event.received.duration_since(begin));
        self.shared.count(|stats| stats.pinged(round_trip.as_ref().ok().copied()));
        round_trip
    }

    /// Writes bytes as they are, and waits until the guest's side has taken them. May be half a line, or noise.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn send_raw(&self, bytes: impl Into<Vec<u8>>) -> Result<(), ClientError> {
        let (sender, written) = oneshot::channel();
        self.send(bytes.into(), Some(sender)).await?;
        written.await.map_err(|_ended| self.shared.closed())
    }

    /// All lines of the guest from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription { inbox: self.shared.subscribe() }
    }

    /// Stops or takes up reading: a guest whose host does not read is pushed back upon. For tests.
    pub fn set_reading(&self, reading: bool) {
        self.shared.reading.send_replace(reading);
    }

    /// Stops or takes up answering heartbeats, as every host must. For tests.
    pub fn set_answering_heartbeats(&self, answering: bool) {
        self.shared.set_silent(!answering);
    }

    /// What was seen of the link so far.
    pub fn stats(&self) -> LinkStats {
        self.shared.stats()
    }

    /// Where the connection leads, for people.
    pub fn endpoint(&self) -> &str {
        self.shared.endpoint()
    }

    /// Returns when the connection has ended, with the reason.
    pub async fn closed(&self) -> ClientError {
        let mut ended = self.shared.ended.subscribe();
        let _reason = ended.wait_for(Option::is_some).await;
        self.shared.closed()
    }

    /// The process of a local agent.
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(|agent| agent.pid)
    }

    /// Closes the connection; a local agent gets SIGTERM and up to three seconds to end in order.
    pub async fn close(mut self) {
        if let Some(agent) = self.agent.take() {
            agent.stop().await;
        }
    }

    /// An id that no other request has.
    pub fn new_id(&self) -> String {
        format!("{}-{}", self.id_prefix, self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// A safe command with an id of its own. `timeout` is what the guest gives it, rounded up to seconds; its action's
    /// default when absent.
    pub fn command(&self, action: &Action, timeout: Option<Duration>) -> HostMessage {
        let mut params = match serde_json::to_value(action) {
            Ok(Value::Object(params)) => params,
            _ => serde_json::Map::new(),
        };
        let action = params.remove("action").and_then(|name| name.as_str().map(str::to_owned));
        HostMessage::SafeCommand(SafeCommand {
            id: self.new_id(),
            action: action.unwrap_or_default(),
            params,
            timeout: timeout.map(|t| t.as_secs() + u64::from(t.subsec_nanos() > 0)),
            progress: false,
        })
    }

    async fn send(&self, bytes: Vec<u8>, written: Option<oneshot::Sender<()>>) -> Result<(), ClientError> {
        let outgoing = tasks::Outgoing { bytes, written };
        self.outgoing.send(outgoing).await.map_err(|_ended| self.shared.closed())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Returns when the guest has refused a line without saying whose, and the answer had its time to come: what was refused
/// may be a predecessor's line.
async fn refusal(mut refused: watch::Receiver<Option<(ErrorCode, String)>>) -> (ErrorCode, String) {
    loop {
        if refused.changed().await.is_err() {
            return std::future::pending().await;
        }
        tokio::time::sleep(REFUSAL_GRACE).await;
        if let Some(refused) = refused.borrow_and_update().clone() {
            return refused;
        }
    }
}

/// A request's name in errors.
fn describe(message: &HostMessage) -> String {
    match message.untraced() {
        HostMessage::Traced(_) => "a request".into(),
        HostMessage::Metrics { .. } => "Metrics".into(),
        HostMessage::SafeCommand(command) => command.action.clone(),
        HostMessage::UnsafeCommand(_) => "UnsafeCommand".into(),
        HostMessage::KeepAliveRequest { .. } => "a ping".into(),
        HostMessage::KeepAliveResponse { .. } => "a heartbeat's answer".into(),
        HostMessage::Hello { .. } => "Hello".into(),
        HostMessage::ZReset => "ZReset".into(),
        HostMessage::Cancel { .. } => "Cancel".into(),
        HostMessage::Batch(_) => "Batch".into(),
        HostMessage::Subscribe(_) => "Subscribe".into(),
        HostMessage::Unsubscribe(_) => "Unsubscribe".into(),
    }
}

/// The first number of this connection's pings; stale answers to a predecessor's are told apart.
fn first_ping() -> u64 {
    FIRST_PING + (fastrand::u64(..) >> 16)
}
