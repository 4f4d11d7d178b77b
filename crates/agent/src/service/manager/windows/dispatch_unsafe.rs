//! The entry point that the service manager calls, made by `windows-service`'s macro.
#![allow(unsafe_code)]

use super::NAME;
use super::life::service_main;
use windows_service::{define_windows_service, service_dispatcher};

define_windows_service!(ffi_service_main, service_main);

/// Connects to the service manager; returns when the service has ended.
///
/// # Errors
/// 1063 where it was not the service manager that started this process.
pub(super) fn dispatch() -> windows_service::Result<()> {
    service_dispatcher::start(NAME, ffi_service_main)
}
