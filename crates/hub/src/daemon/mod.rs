//! The daemon: the sockets of guests and of clients. It runs on Linux, where QEMU's sockets are.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::{diagnose, diagnose_exporter, export, run};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{diagnose, diagnose_exporter, export, run};
