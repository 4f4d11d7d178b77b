//! Ending or suspending the machine.

use super::told;
use infiniservice_platform::win32::power_unsafe::{self, End};
use infiniservice_qga::request::ShutdownMode;
use infiniservice_qga::{Error, Reply};

/// `guest-shutdown`.
pub fn shut_down(mode: ShutdownMode) -> Result<Reply, Error> {
    let end = match mode {
        ShutdownMode::Powerdown => End::PowerOff,
        ShutdownMode::Halt => End::Halt,
        ShutdownMode::Reboot => End::Reboot,
    };
    let begun = power_unsafe::end_at_once(end);
    begun.map(|()| Reply::EMPTY).map_err(|error| told("failed to shut down", error))
}

/// `guest-suspend-ram` and `-disk`. Returns when the machine has woken up again.
pub fn suspend(to_disk: bool) -> Result<Reply, Error> {
    let known = power_unsafe::suspends();
    if !(if to_disk { known.to_disk } else { known.to_ram }) {
        return Err(Error::generic("the requested suspend mode is not supported by the guest"));
    }
    let done = power_unsafe::suspend(to_disk);
    done.map(|()| Reply::EMPTY).map_err(|error| told("failed to suspend", error))
}
