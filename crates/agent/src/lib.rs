//! The InfiniService guest agent, as a library: `main.rs` only parses arguments and chooses a mode.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::print_stderr,
        clippy::print_stdout,
        reason = "`logging` and `program` write so that a reader that stands still or a full device ends nothing"
    )
)]

mod bugreport;
pub mod cli;
pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod logging;
pub mod program;
pub mod service;
mod status;
