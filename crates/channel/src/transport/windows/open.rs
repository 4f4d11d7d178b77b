//! Opening one device by its path.

use super::super::outcome::Outcome;
use super::super::role::{Role, Search};
use super::super::vsock;
use super::super::win32::hardware::others;
use super::super::win32::{codes, paths};
use super::port::WindowsPort;
use super::virtio::{Virtio, information};
use crate::transport::win32::virtio_state::PortInfo;
use infiniservice_platform::win32::devices_unsafe::{adopt, set_timeouts};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

/// `FILE_FLAG_OVERLAPPED` (`winbase.h`): without it a pending read would block writes.
const FILE_FLAG_OVERLAPPED: u32 = 0x4000_0000;
/// `SECURITY_IDENTIFICATION` (`winbase.h`); std sets `SECURITY_SQOS_PRESENT` with it.
const SECURITY_IDENTIFICATION: u32 = 0x0001_0000;

/// Opens `path` for the link, exclusively; needs a tokio runtime. A port that detection found, and that carries the name
/// of a channel that is not searched for, is closed again untouched.
pub fn open(path: &Path, role: Role, search: Search) -> Result<WindowsPort, Outcome> {
    let path = paths::to_open(path);
    let (file, info) = open_file(&path, role, search)?;
    let pipe = adopt(file).map_err(|error| outcome_of(&error))?;
    let virtio = info.map(|info| Virtio::new(&pipe, &info));
    Ok(WindowsPort::new(pipe, virtio, path))
}

/// Whether a device can be opened, found by doing so for a moment; what its driver tells, if it is one of vioserial.
pub fn probe(path: &Path, role: Role) -> Result<Option<PortInfo>, Outcome> {
    open_file(&paths::to_open(path), role, Search::Agent).map(|(_, info)| info)
}

fn open_file(path: &Path, role: Role, search: Search) -> Result<(File, Option<PortInfo>), Outcome> {
    if vsock::spelled(path).is_some() {
        return Err(Outcome::Refused("vsock is not supported on Windows; use a virtio port".into()));
    }
    let file = open_handle(path)?;
    let info = information(&file);
    let name = info.as_ref().and_then(|info| info.name.clone());
    if !role.is_own()
        && let Some(name) = others(search, role, name.as_deref())
    {
        return Err(Outcome::Foreign(name));
    }
    // Only a COM port takes them. Wine opens one even where the terminal that it stands for is gone.
    if info.is_none() && !set_timeouts(&file) && paths::is_com(path) {
        return Err(Outcome::PeerClosed);
    }
    Ok((file, info))
}

fn open_handle(path: &Path) -> Result<File, Outcome> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).share_mode(0).custom_flags(FILE_FLAG_OVERLAPPED);
    // Where the path is a pipe's, its server may see who the agent is, and not act as it.
    options.security_qos_flags(SECURITY_IDENTIFICATION);
    options.open(path).map_err(|error| outcome_of(&error))
}

fn outcome_of(error: &io::Error) -> Outcome {
    match error.raw_os_error() {
        Some(code) => codes::open_outcome(code.cast_unsigned(), &error.to_string()),
        None => Outcome::Failed(error.to_string()),
    }
}
