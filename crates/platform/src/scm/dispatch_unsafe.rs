//! The entry point that the service manager calls, made by `windows-service`'s macro.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::sync::OnceLock;
use windows_service::{define_windows_service, service_dispatcher};

/// What a service does, by its arguments.
pub type Main = fn(Vec<OsString>);

/// The entry point has no argument by which to pass it.
static MAIN: OnceLock<Main> = OnceLock::new();

define_windows_service!(ffi_service_main, service_main);

fn service_main(arguments: Vec<OsString>) {
    if let Some(main) = MAIN.get() {
        main(arguments);
    }
}

/// Connects to the service manager, which calls `main` on a thread of its own; returns when the service has ended. A process is one
/// service: the first `main` stays.
///
/// # Errors
/// 1063 where it was not the service manager that started this process.
pub fn dispatch(name: &str, main: Main) -> windows_service::Result<()> {
    let _the_first_stays = MAIN.set(main);
    service_dispatcher::start(name, ffi_service_main)
}
