//! The service `InfiniService`: its life under the service manager, and what an administrator asks about it.

mod control;
mod install;
mod life;
mod protect;

use std::io::Write as _;

pub use control::{carry_out, diagnose};
pub use life::run_as_service;
pub(in crate::service) use life::{Life, life};
pub(crate) use protect::at_start as protect_files;

/// Ends the process with this exit code, also where one of its threads hangs in a call.
pub fn end(code: u8) -> ! {
    // Lines are flushed as they are written; a part of one may be left.
    let _ = std::io::stdout().flush();
    infiniservice_platform::win32::process_unsafe::end_own(code)
}

/// The service's name, by which everybody asks for it.
pub const NAME: &str = "InfiniService";
