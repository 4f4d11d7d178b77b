//! Being run by the system's service manager, and being made known to it.

#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as imp;

#[cfg(not(target_os = "windows"))]
mod none;
#[cfg(not(target_os = "windows"))]
use none as imp;

pub use imp::{carry_out, diagnose, protect_files, run_as_service};
#[cfg(target_os = "windows")]
pub(in crate::service) use windows::{Life, life};

/// What `infiniservice service …` does.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Request {
    /// Install the service, or bring an installed one up to date; it starts with the system
    Install {
        /// Write this name of the machine to the configuration file
        #[arg(long, value_name = "ID")]
        vm_id: Option<String>,
        /// Write the secret in the variable `INFINISERVICE_SHARED_SECRET` to the configuration file
        #[arg(long)]
        save_secret: bool,
        /// Given to the agent each time it is started
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Stop the service and remove it
    Uninstall,
    /// Start the service and wait until it runs
    Start,
    /// Stop the service and wait until it has stopped
    Stop,
    /// Tell its state: exit code 0 when it runs, else 1
    Status,
}
