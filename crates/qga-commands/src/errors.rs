//! Failures of the system as clients know them: what failed, then the system's text.

use infiniservice_qga::Error;
use std::fmt::Display;
use std::io;

/// `failed to open '/x': No such file or directory`.
pub fn failed(what: impl Display, error: &io::Error) -> Error {
    Error::generic(format!("{what}: {}", reason(error)))
}

/// The system's text, without Rust's number behind it.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
