//! In `/run`, which is root's, lives in memory and is empty after the machine's start.

use rustix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

const PATH: &str = "/run/infiniservice.signed";

/// The file, and how long ago the machine started. Only for the one agent that a service manager started: several that are
/// started by hand must not shut each other's hosts out.
pub(super) fn open() -> Option<(File, Duration)> {
    std::env::var_os("NOTIFY_SOCKET")?;
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(flags.cast_signed()).open(PATH);
    let file =
        file.inspect_err(|error| log::debug!("{PATH}: {error}; lines signed before now are refused")).ok()?;
    let uptime = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    Some((file, uptime))
}
