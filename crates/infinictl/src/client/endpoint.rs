//! Where the guest's end of the wire is, and the way from there to a running connection.

use super::ends::{self, Incoming, Outlet};
use super::error::ClientError;
use super::options::Options;
use super::shared::Shared;
use super::tasks::{self, MAX_QUEUED_WRITES, Outgoing};
use super::{Client, attach, bulk, first_ping, local};
use crate::hub::{Api, Https};
use crate::sys::{self, CHANNEL, Master, Reader, Slave, Writer};
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::sealed::HostEnd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::{fmt, io};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};

/// How to reach a guest.
#[derive(Debug)]
pub enum Endpoint {
    /// QEMU's or libvirt's character device: its Unix socket, or on Windows its named pipe.
    Channel(PathBuf),
    /// A machine of a host's infinihub, through its `wire.sock`.
    Hub {
        /// The path of `wire.sock`.
        socket: PathBuf,
        /// The machine's name there.
        vm: String,
    },
    /// A machine of a hub elsewhere.
    Https {
        /// The hub.
        hub: Https,
        /// The machine's name there.
        vm: String,
    },
    /// A machine's vsock port, on which its agent listens (`device_path = "vsock:PORT"`).
    Vsock {
        /// The machine's number on this host; 1 is this very machine, where its kernel has a loopback.
        cid: u32,
        /// The port.
        port: u32,
    },
    /// An agent of our own, started on a new pseudo-terminal and ended with the client.
    Local(local::LocalAgent),
    /// The master of a pseudo-terminal whose slave somebody holds open in raw mode; on Windows a pipe's server end.
    Pty(Master),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(path) => write!(f, "{CHANNEL} {}", path.display()),
            Self::Hub { socket, vm } => write!(f, "infinihub's {vm} ({})", socket.display()),
            Self::Https { hub, vm } => write!(f, "infinihub's {vm} ({hub})"),
            Self::Vsock { cid, port } => write!(f, "vsock port {port} of CID {cid}"),
            Self::Local(_) => f.write_str("a local agent"),
            Self::Pty(_) => f.write_str("a pseudo-terminal"),
        }
    }
}

/// A local agent under supervision.
pub(super) struct Agent {
    pub(super) pid: u32,
    stop: Option<oneshot::Sender<()>>,
    supervisor: JoinHandle<()>,
    _slave: Slave,
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
        Self::connect_as(endpoint, Options::default()).await
    }

    /// Connects to a guest that has a `shared_secret`: every message is signed with it, but not what `send_raw` sends.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_signed(endpoint: Endpoint, secret: &str) -> Result<Self, ClientError> {
        let secret = Some(secret.to_owned());
        Self::connect_as(endpoint, Options { secret, ..Options::default() }).await
    }

    /// Connects to a guest that has `controller_keys`: every message is sealed to it, and only sealed answers are believed. What
    /// `send_raw` sends is not sealed.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_sealed(endpoint: Endpoint, end: HostEnd) -> Result<Self, ClientError> {
        let seal = Some(Box::new(end));
        Self::connect_as(endpoint, Options { seal, ..Options::default() }).await
    }

    /// Connects, and speaks as `options` say.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_as(endpoint: Endpoint, options: Options) -> Result<Self, ClientError> {
        let label = endpoint.to_string();
        let failed = |error: io::Error| ClientError::NoConnection {
            endpoint: label.clone(),
            reason: error.to_string(),
        };
        match endpoint {
            Endpoint::Channel(path) => {
                let wire = sys::connect(&path).await.map_err(failed)?;
                Self::start_with_bulk(label.clone(), options, wire).await.map_err(failed)
            }
            Endpoint::Vsock { cid, port } => {
                let wire = sys::connect_vsock(cid, port).await.map_err(failed)?;
                Self::start_with_bulk(label.clone(), options, wire).await.map_err(failed)
            }
            Endpoint::Hub { socket, vm } => {
                let (mut reader, mut writer) = sys::connect(&socket).await.map_err(failed)?;
                attach::attach(&mut reader, &mut writer, &vm).await.map_err(failed)?;
                Ok(Self::start(label.clone(), options, ends::of_system((reader, writer))))
            }
            Endpoint::Https { hub, vm } => {
                let wire = Api::https(hub).wire(&vm).await;
                let wire = wire.map_err(|error| failed(io::Error::other(error)))?;
                Ok(Self::start(label.clone(), options, ends::of_hub(wire)))
            }
            Endpoint::Pty(master) => {
                let wire = sys::split(master).map_err(failed)?;
                Self::start_with_bulk(label.clone(), options, wire).await.map_err(failed)
            }
            Endpoint::Local(agent) => Self::start_local(label.clone(), options, &agent).await,
        }
    }

    /// With a bulk port beside it, where there is one.
    async fn start_with_bulk(label: String, options: Options, wire: (Reader, Writer)) -> io::Result<Self> {
        let port = match &options.bulk {
            Some(bulk) => bulk::connect(bulk).await?,
            None => None,
        };
        let mut client = Self::start(label, options, ends::of_system(wire));
        if let Some(port) = port {
            let reading = bulk::read_loop(port, client.outgoing.downgrade(), Arc::clone(&client.shared));
            client.tasks.push(tokio::spawn(reading).abort_handle());
        }
        Ok(client)
    }

    async fn start_local(
        label: String,
        options: Options,
        agent: &local::LocalAgent,
    ) -> Result<Self, ClientError> {
        let failed = |error: io::Error| ClientError::NoConnection {
            endpoint: label.clone(),
            reason: error.to_string(),
        };
        let pair = sys::open_pair().map_err(failed)?;
        let running = local::start(agent, &pair.path).map_err(failed)?;
        let ends = sys::split(pair.master).map_err(failed)?;
        let mut client = Self::start(label.clone(), options, ends::of_system(ends));
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

    fn start(label: String, options: Options, (reader, writer): (Incoming, Outlet)) -> Self {
        let compress = options.compress;
        let shared = Arc::new(Shared::new(label, options));
        let (outgoing, queue) = mpsc::channel(MAX_QUEUED_WRITES);
        let mut bytes = b"\n".to_vec();
        if compress {
            bytes.extend(shared.encode(&HostMessage::Hello { id: None, accept: Vec::new() }));
        }
        let _room = outgoing.try_send(Outgoing { bytes, written: None });
        let tasks: Vec<AbortHandle> = vec![
            tokio::spawn(tasks::write_loop(writer, queue, Arc::clone(&shared))).abort_handle(),
            tokio::spawn(tasks::read_loop(reader, outgoing.downgrade(), Arc::clone(&shared))).abort_handle(),
        ];
        let id_prefix = format!("ctl-{:016x}", fastrand::u64(..));
        let (next_id, next_ping) = (AtomicU64::new(1), AtomicU64::new(first_ping()));
        Self { shared, outgoing, tasks, agent: None, id_prefix, next_id, next_ping }
    }
}

fn supervise(mut running: local::Running, slave: Slave, shared: Arc<Shared>) -> Agent {
    let (stop, stopped) = oneshot::channel();
    let pid = running.child.id().unwrap_or_default();
    let supervisor = tokio::spawn(async move {
        let ended = match local::supervise(&mut running.child, stopped).await {
            Ok(status) => format!("the agent ended ({status})"),
            Err(error) => format!("lost contact with the agent: {error}"),
        };
        let words = running.last_words().await.map(|words| format!(", with the message: {words}"));
        shared.end(ended + &words.unwrap_or_default());
    });
    Agent { pid, stop: Some(stop), supervisor, _slave: slave }
}
