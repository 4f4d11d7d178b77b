//! Ending the machine's run: logind where it is, which waits for those who asked it to (inhibitors), else systemd itself.

use super::calls::Calls;
use super::client::UnitClient;
use super::error::SystemdError;
use zbus::Connection;

const LOGIND: &str = "org.freedesktop.login1";
const LOGIND_PATH: &str = "/org/freedesktop/login1";
const LOGIND_MANAGER: &str = "org.freedesktop.login1.Manager";

/// How the machine's run ends or rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Switched off.
    PowerOff,
    /// Stopped, with the power on.
    Halt,
    /// Started again.
    Reboot,
    /// Suspended to memory.
    Suspend,
    /// Suspended to disk.
    Hibernate,
    /// Suspended to memory, with an image on disk.
    HybridSleep,
}

impl Rest {
    /// logind's method, and systemd's target.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::PowerOff => ("PowerOff", "poweroff.target"),
            Self::Halt => ("Halt", "halt.target"),
            Self::Reboot => ("Reboot", "reboot.target"),
            Self::Suspend => ("Suspend", "suspend.target"),
            Self::Hibernate => ("Hibernate", "hibernate.target"),
            Self::HybridSleep => ("HybridSleep", "hybrid-sleep.target"),
        }
    }
}

impl UnitClient {
    /// Has the machine switched off or, with `reboot`, restarted. It is queued when this returns.
    pub async fn end_machine(&self, reboot: bool) -> Result<(), SystemdError> {
        self.rest(if reboot { Rest::Reboot } else { Rest::PowerOff }).await
    }

    /// Has the machine's run end or rest. It is queued when this returns.
    pub async fn rest(&self, rest: Rest) -> Result<(), SystemdError> {
        let connection = self.address().connect().await?;
        let (method, target) = rest.names();
        match logind(&connection, method, target).await {
            // There is none, or it cannot be started.
            Err(SystemdError::Unreachable(_) | SystemdError::NotFound(_) | SystemdError::Masked(_)) => {
                systemd(&connection, target).await
            }
            other => other,
        }
    }
}

/// Without asking anybody: there is nobody at the machine who could be asked.
async fn logind(connection: &Connection, method: &str, target: &str) -> Result<(), SystemdError> {
    let asked = connection.call_method(Some(LOGIND), LOGIND_PATH, Some(LOGIND_MANAGER), method, &(false,));
    asked.await.map(drop).map_err(|error| SystemdError::of_call(target, &error))
}

/// As `systemctl poweroff` does where there is no logind: no job that comes later takes its place.
async fn systemd(connection: &Connection, target: &str) -> Result<(), SystemdError> {
    let calls = Calls { connection, unit: target };
    calls.manager("StartUnit", &(target, "replace-irreversibly")).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::Progress;
    use crate::systemd::name::UnitName;
    use crate::systemd::own_manager::OwnManager;
    use infiniservice_protocol::ServiceOperation;
    use std::time::Duration;

    const STAYS: &str = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";

    /// A manager without logind beside it, whose own targets end nothing.
    #[tokio::test]
    async fn without_logind_systemd_starts_the_target_that_was_asked_for_and_no_other() {
        let target = |service: &str| format!("[Unit]\nRequires={service}\nAfter={service}\n");
        let (off, again) = (target("off.service"), target("again.service"));
        let Some(own) = OwnManager::start(&[
            ("poweroff.target", &off),
            ("reboot.target", &again),
            ("off.service", STAYS),
            ("again.service", STAYS),
        ]) else {
            return;
        };
        own.named().await;
        let client = UnitClient::at(own.on_bus());
        client.end_machine(true).await.unwrap();
        let status = async |unit: &str| {
            let (unit, progress) = (UnitName::parse(unit).unwrap(), Progress::default());
            client.control(&unit, ServiceOperation::Status, &progress).await.unwrap().service.status()
        };
        let begun = async { while status("again").await != "exited" {} };
        tokio::time::timeout(Duration::from_secs(60), begun).await.expect("reboot.target was not started");
        assert_eq!(status("off").await, "stopped");
    }
}
