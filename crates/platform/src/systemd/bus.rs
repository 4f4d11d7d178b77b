//! The way to systemd: the system bus.
//!
//! Not systemd's own socket (/run/systemd/private): it sends every signal to each client, asked for or not, in a form that
//! the D-Bus library refuses (a well-known name as sender).

use super::error::SystemdError;
use std::time::Duration;
use zbus::Connection;
use zbus::conn::Builder;

/// How long one call may take. systemd answers in milliseconds unless the machine is starved.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(25);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which bus systemd is reached on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BusAddress {
    /// The machine's.
    #[default]
    System,
    /// Another, by its D-Bus address.
    At(String),
}

impl BusAddress {
    /// Connects; needs a tokio runtime.
    pub(super) async fn connect(&self) -> Result<Connection, SystemdError> {
        let builder = match self {
            Self::System => Builder::system(),
            Self::At(address) => Builder::address(address.as_str()),
        };
        let built = tokio::time::timeout(CONNECT_TIMEOUT, builder.method_timeout(CALL_TIMEOUT).build()).await;
        let unreachable = |why: String| {
            SystemdError::Unreachable(format!("no system bus ({why}); is dbus installed and running?"))
        };
        match built {
            Ok(built) => built.map_err(|e| unreachable(e.to_string())),
            Err(_) => Err(unreachable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
        }
    }
}
