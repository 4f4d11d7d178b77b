//! The system bus, and the calls to systemd's manager that the agent makes over it (`org.freedesktop.systemd1(5)`).
//!
//! Not systemd's own socket (/run/systemd/private): it sends every signal to each client, asked for or not, in a form that
//! the D-Bus library refuses (a well-known name as sender).

use super::error::{CALL_TIMEOUT, SystemdError};
use serde::de::DeserializeOwned;
use std::time::Duration;
use zbus::conn::Builder;
use zbus::wire::{DynamicType, Type};
use zbus::{Connection, Message, OwnedObjectPath, as_variant};

pub(super) const DESTINATION: &str = "org.freedesktop.systemd1";
pub(super) const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
pub(super) const MANAGER: &str = "org.freedesktop.systemd1.Manager";
pub(super) const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// One row of `ListUnitsByPatterns`: name, description, load, active and sub state, followed unit, object path, job's
/// id, type and path.
pub(super) type UnitRow =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// One row of `ExecStart`: path, arguments, whether failure is ignored, times, pid, exit code and status.
pub(super) type ExecRow = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);

/// Calls on one connection; `unit` stands in error texts.
pub(super) struct Calls<'a> {
    pub(super) connection: &'a Connection,
    pub(super) unit: &'a str,
}

impl Calls<'_> {
    /// A call of the manager.
    pub(super) async fn manager<B>(&self, method: &str, body: &B) -> Result<Message, SystemdError>
    where
        B: serde::Serialize + DynamicType + Sync,
    {
        self.call(MANAGER_PATH, MANAGER, method, body).await
    }

    /// A call of the manager that returns something.
    pub(super) async fn ask<B, T>(&self, method: &str, body: &B) -> Result<T, SystemdError>
    where
        B: serde::Serialize + DynamicType + Sync,
        T: DeserializeOwned + Type,
    {
        let reply = self.manager(method, body).await?;
        read(&reply)
    }

    /// A property of a unit that every unit has.
    pub(super) async fn unit_property<T: DeserializeOwned + Type>(
        &self,
        path: &str,
        name: &str,
    ) -> Result<T, SystemdError> {
        self.property(path, UNIT, name).await
    }

    /// A property that only services have.
    pub(super) async fn service_property<T: DeserializeOwned + Type>(
        &self,
        path: &str,
        name: &str,
    ) -> Result<T, SystemdError> {
        self.property(path, SERVICE, name).await
    }

    /// A property of any object of systemd's.
    pub(super) async fn property<T: DeserializeOwned + Type>(
        &self,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<T, SystemdError> {
        let reply = self.call(path, PROPERTIES, "Get", &(interface, name)).await?;
        let body = reply.body();
        let value: as_variant::Deserialize<'_, T> =
            body.deserialize_ignore_signature().map_err(|e| SystemdError::Failed(format!("{name}: {e}")))?;
        Ok(value.0)
    }

    /// The object of a unit, which is loaded if it was not.
    pub(super) async fn load(&self) -> Result<String, SystemdError> {
        let path: OwnedObjectPath = self.ask("LoadUnit", &self.unit).await?;
        Ok(path.to_string())
    }

    async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, SystemdError>
    where
        B: serde::Serialize + DynamicType + Sync,
    {
        let reply = self.connection.call_method(Some(DESTINATION), path, Some(interface), method, body).await;
        reply.map_err(|e| SystemdError::of_call(self.unit, &e))
    }
}

fn read<T: DeserializeOwned + Type>(reply: &Message) -> Result<T, SystemdError> {
    reply
        .body()
        .deserialize_ignore_signature()
        .map_err(|e| SystemdError::Failed(format!("an invalid answer: {e}")))
}

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
