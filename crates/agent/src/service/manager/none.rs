//! systemd starts the agent like any other program, and `systemctl` does the rest.

use crate::cli::ServiceRequest as Request;
use infiniservice_channel::diagnose::{DiagnoseOptions, Report};

/// Never: the agent runs in the foreground.
pub fn run_as_service(_serve: impl FnOnce() -> u8 + Send + 'static) -> Option<u8> {
    None
}

/// Ends the process with this exit code.
pub fn end(code: u8) -> ! {
    std::process::exit(code.into())
}

/// Nothing to do: the configuration's directory is the package's, and each file is judged when it is read.
///
/// # Errors
/// Never.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of every platform")]
pub fn protect_files() -> Result<Vec<String>, String> {
    Ok(Vec::new())
}

/// Not here.
///
/// # Errors
/// Always, with what to do instead.
pub fn carry_out(_request: &Request) -> Result<String, String> {
    Err("this is for Windows only; here packaging/install-linux.sh installs the service, and systemctl \
        controls it"
        .into())
}

/// `--diagnose`: systemd is asked by the report itself.
pub fn diagnose(options: &DiagnoseOptions) -> Report {
    infiniservice_channel::diagnose::run(options)
}
