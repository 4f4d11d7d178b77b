//! From an endpoint to a running connection.

use super::endpoint::{Endpoint, LocalAgent};
use super::error::ClientError;
use super::shared::Shared;
use super::stream::{self, Reader, Writer};
use super::tasks::{self, MAX_QUEUED_WRITES, Outgoing};
use super::{Client, first_ping, local, pty};
use infiniservice_protocol::envelope::Signer;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};

/// How long a socket may take to accept; a Unix socket's listener takes at once, or its queue is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A local agent under supervision.
pub(super) struct Agent {
    pub(super) pid: u32,
    stop: Option<oneshot::Sender<()>>,
    supervisor: JoinHandle<()>,
    _slave: OwnedFd,
}

impl Agent {
    /// Ends it in order.
    pub(super) async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ended_already = stop.send(());
        }
        let _supervisor_ended = (&mut self.supervisor).await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // The supervisor owns the child, which dies with it.
        self.supervisor.abort();
    }
}

impl Client {
    /// Connects. The first byte sent is a newline, so that a half line of a predecessor ends. A local agent is
    /// waited for until it first speaks.
    ///
    /// # Errors
    /// `NoConnection`, with what to check.
    pub async fn connect(endpoint: Endpoint) -> Result<Self, ClientError> {
        Self::connect_with(endpoint, None).await
    }

    /// Connects to a guest that has a `shared_secret`: every message is signed with it, but not what `send_raw` sends.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_signed(endpoint: Endpoint, secret: &str) -> Result<Self, ClientError> {
        Self::connect_with(endpoint, Some(Signer::new(secret))).await
    }

    async fn connect_with(endpoint: Endpoint, signer: Option<Signer>) -> Result<Self, ClientError> {
        let label = endpoint.to_string();
        let failed = |error: io::Error| ClientError::NoConnection {
            endpoint: label.clone(),
            reason: error.to_string(),
        };
        match endpoint {
            Endpoint::Unix(path) => {
                let (reader, writer) = connect_unix(&path).await.map_err(failed)?;
                Ok(Self::start(label.clone(), signer, reader, writer))
            }
            Endpoint::Pty(master) => {
                let (reader, writer) = stream::pty(master).map_err(failed)?;
                Ok(Self::start(label.clone(), signer, reader, writer))
            }
            Endpoint::Local(agent) => Self::start_local(label.clone(), signer, &agent).await,
        }
    }

    async fn start_local(
        label: String,
        signer: Option<Signer>,
        agent: &LocalAgent,
    ) -> Result<Self, ClientError> {
        let failed = |error: io::Error| ClientError::NoConnection {
            endpoint: label.clone(),
            reason: error.to_string(),
        };
        let pair = pty::open().map_err(failed)?;
        let running = local::start(agent, &pair).map_err(failed)?;
        let (reader, writer) = stream::pty(pair.master).map_err(failed)?;
        let mut client = Self::start(label.clone(), signer, reader, writer);
        client.agent = Some(supervise(running, pair.slave, Arc::clone(&client.shared)));
        client.wait_for_first_byte(agent.start_timeout).await?;
        Ok(client)
    }

    /// An agent that has not opened its port yet would miss nothing, but one that fails to start is told at once.
    async fn wait_for_first_byte(&self, wait: Duration) -> Result<(), ClientError> {
        let mut spoken = self.shared.spoken.subscribe();
        let ended = self.closed();
        tokio::select! {
            _spoken = spoken.wait_for(|spoken| *spoken) => Ok(()),
            () = tokio::time::sleep(wait) => Ok(()),
            error = ended => match error {
                ClientError::Closed { endpoint, reason } => Err(ClientError::NoConnection { endpoint, reason }),
                other => Err(other),
            },
        }
    }

    fn start(label: String, signer: Option<Signer>, reader: Reader, writer: Writer) -> Self {
        let shared = Arc::new(Shared::new(label, signer));
        let (outgoing, queue) = mpsc::channel(MAX_QUEUED_WRITES);
        let _room = outgoing.try_send(Outgoing { bytes: b"\n".to_vec(), written: None });
        let tasks: Vec<AbortHandle> = vec![
            tokio::spawn(tasks::write_loop(writer, queue, Arc::clone(&shared))).abort_handle(),
            tokio::spawn(tasks::read_loop(reader, outgoing.downgrade(), Arc::clone(&shared))).abort_handle(),
        ];
        let id_prefix = format!("ctl-{:016x}", fastrand::u64(..));
        let (next_id, next_ping) = (AtomicU64::new(1), AtomicU64::new(first_ping()));
        Self { shared, outgoing, tasks, agent: None, id_prefix, next_id, next_ping }
    }
}

async fn connect_unix(path: &Path) -> io::Result<(Reader, Writer)> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(path)).await;
    let result = connected.unwrap_or_else(|_late| Err(ErrorKind::TimedOut.into()));
    result.map(stream::unix).map_err(|error| io::Error::new(error.kind(), advice(&error)))
}

/// What an error of connect(2) means here.
fn advice(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such socket; is the machine running, and is this its channel's path?".into()
        }
        ErrorKind::ConnectionRefused => {
            "nobody listens on it; the machine that made it has ended, or its channel is in client mode"
                .into()
        }
        ErrorKind::PermissionDenied => {
            "permission denied; run as root, or as a user of the machine's group".into()
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            "its listen queue is full; another program holds the channel, which takes one at a time".into()
        }
        _ => error.to_string(),
    }
}

fn supervise(mut running: local::Running, slave: OwnedFd, shared: Arc<Shared>) -> Agent {
    let (stop, stopped) = oneshot::channel();
    let pid = running.child.id().unwrap_or_default();
    let supervisor = tokio::spawn(async move {
        let ended = match local::supervise(&mut running.child, stopped).await {
            Ok(status) => format!("the agent ended ({status})"),
            Err(error) => format!("the agent is lost: {error}"),
        };
        let words = running.last_words().await.map(|words| format!(", saying: {words}"));
        shared.end(ended + &words.unwrap_or_default());
    });
    Agent { pid, stop: Some(stop), supervisor, _slave: slave }
}
