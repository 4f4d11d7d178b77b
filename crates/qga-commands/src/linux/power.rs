//! Ending or suspending the machine: logind or systemd is asked over D-Bus; the kernel itself suspends where neither is there.

use super::change;
use crate::errors::failed;
use infiniservice_platform::systemd::{Rest, SystemdError, UnitClient};
use infiniservice_qga::request::ShutdownMode;
use infiniservice_qga::{Error, Reply, Request};
use std::fs;

const UNSUPPORTED: &str = "the requested suspend mode is not supported by the guest";

/// `guest-shutdown`.
pub async fn shut_down(units: &UnitClient, mode: ShutdownMode) -> Result<Reply, Error> {
    let rest = match mode {
        ShutdownMode::Powerdown => Rest::PowerOff,
        ShutdownMode::Halt => Rest::Halt,
        ShutdownMode::Reboot => Rest::Reboot,
    };
    let asked = units.rest(rest).await;
    asked.map(|()| Reply::EMPTY).map_err(|error| Error::generic(format!("failed to shut down: {error}")))
}

/// `guest-suspend-ram`, `-disk` and `-hybrid`.
pub async fn suspend(units: &UnitClient, request: &Request) -> Result<Reply, Error> {
    let (rest, word) = match request {
        Request::SuspendDisk => (Rest::Hibernate, Some("disk")),
        Request::SuspendHybrid => (Rest::HybridSleep, None),
        _ => (Rest::Suspend, Some("mem")),
    };
    match (units.rest(rest).await, word) {
        (Ok(()), _) => Ok(Reply::EMPTY),
        (Err(SystemdError::Unreachable(_)), Some(word)) => {
            change("suspend", move || by_the_kernel(word)).await
        }
        (Err(SystemdError::Unreachable(_)), None) => Err(Error::generic(UNSUPPORTED)),
        (Err(error), _) if error.to_string().contains("not supported") => Err(Error::generic(UNSUPPORTED)),
        (Err(error), _) => Err(Error::generic(format!("failed to suspend: {error}"))),
    }
}

/// Returns when the machine has woken up again.
fn by_the_kernel(word: &'static str) -> Result<Reply, Error> {
    let path = "/sys/power/state";
    let known = fs::read_to_string(path).unwrap_or_default();
    if !known.split_ascii_whitespace().any(|state| state == word) {
        return Err(Error::generic(UNSUPPORTED));
    }
    let done = fs::write(path, word);
    done.map(|()| Reply::EMPTY).map_err(|error| failed(format!("failed to write '{path}'"), &error))
}
