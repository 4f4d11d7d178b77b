//! Whether an engine is there, as who uses it may follow it.

use tokio::sync::watch;

/// How a connection stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether it is there.
    pub connected: bool,
    /// How often it was made, the first time included.
    pub connections: u64,
    /// What the server or the client told last that was wrong, since the connection was made.
    pub error: Option<String>,
}

/// Where it is told.
#[derive(Debug)]
pub(crate) struct Told(watch::Sender<Status>);

impl Told {
    /// A connection that is being made.
    pub(crate) fn new() -> (Self, watch::Receiver<Status>) {
        let (sender, receiver) = watch::channel(Status::default());
        (Self(sender), receiver)
    }

    /// Something happened to it.
    pub(crate) fn event(&self, event: &async_nats::Event) {
        use async_nats::Event;
        self.0.send_modify(|status| match event {
            Event::Connected => {
                let connections = status.connections + 1;
                *status = Status { connected: true, connections, error: None };
            }
            Event::Disconnected | Event::Closed => status.connected = false,
            Event::ServerError(error) => status.error = Some(error.to_string()),
            Event::ClientError(error) => status.error = Some(error.to_string()),
            Event::SlowConsumer(_) => {
                status.error = Some("messages were lost: they came faster than they were read".to_owned());
            }
            _ => {}
        });
    }

    /// It is there, and always will be.
    pub(crate) fn connected() -> watch::Receiver<Status> {
        watch::channel(Status { connected: true, connections: 1, error: None }).1
    }
}
