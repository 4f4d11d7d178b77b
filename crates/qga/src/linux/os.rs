//! The system and its kernel, the host's name, the load.

use super::{Tree, needed, text, word};
use crate::error::Error;
use crate::reply::{HostName, Load, OsInfo};
use infiniservice_platform::linux::system::load_averages;
use infiniservice_platform::os_detection::fields;

/// os-release(5): the first that is there.
const RELEASES: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What os-release tells, and of the kernel.
pub fn info(tree: &dyn Tree, machine: &str) -> OsInfo {
    let release = RELEASES.iter().find_map(|path| text(tree, path).ok()).unwrap_or_default();
    let mut fields = fields(&release);
    let mut field = |key: &str| fields.remove(key);
    OsInfo {
        id: field("ID"),
        name: field("NAME"),
        pretty_name: field("PRETTY_NAME"),
        version: field("VERSION"),
        version_id: field("VERSION_ID"),
        variant: field("VARIANT"),
        variant_id: field("VARIANT_ID"),
        kernel_release: word(tree, "proc/sys/kernel/osrelease"),
        kernel_version: word(tree, "proc/sys/kernel/version"),
        machine: Some(machine.to_owned()).filter(|machine| !machine.is_empty()),
    }
}

/// As it is now.
pub fn host_name(tree: &dyn Tree) -> Result<HostName, Error> {
    let host_name = needed(tree, "proc/sys/kernel/hostname")?.trim().to_owned();
    Ok(HostName { host_name })
}

/// The load averages.
pub fn load(tree: &dyn Tree) -> Result<Load, Error> {
    let text = needed(tree, "proc/loadavg")?;
    let loads = load_averages(text.as_bytes());
    loads
        .map(|[one_minute, five_minutes, fifteen_minutes]| Load { one_minute, five_minutes, fifteen_minutes })
        .map_err(|_| Error::generic("failed to read '/proc/loadavg': it has no load averages"))
}
