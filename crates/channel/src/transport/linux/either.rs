//! A port of this system: a device, or a socket to the hypervisor.

use super::super::{Port, ReadOutcome, Ready, WriteOutcome};
use super::LinuxPort;
use super::vsock::VsockPort;
use std::io;
use std::path::Path;

/// An open port.
#[derive(Debug)]
pub enum SystemPort {
    /// A virtio port or a terminal.
    Device(LinuxPort),
    /// A vsock port.
    Vsock(VsockPort),
}

impl Port for SystemPort {
    fn path(&self) -> &Path {
        match self {
            Self::Device(port) => port.path(),
            Self::Vsock(port) => port.path(),
        }
    }

    fn host(&self) -> Option<bool> {
        match self {
            Self::Device(port) => port.host(),
            Self::Vsock(port) => port.host(),
        }
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        match self {
            Self::Device(port) => port.ready().await,
            Self::Vsock(port) => port.ready().await,
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        match self {
            Self::Device(port) => port.try_read(buffer),
            Self::Vsock(port) => port.try_read(buffer),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        match self {
            Self::Device(port) => port.try_write(bytes),
            Self::Vsock(port) => port.try_write(bytes),
        }
    }
}
