//! The InfiniService guest agent, as a library: `main.rs` only parses arguments and chooses a mode.

#![cfg_attr(
    not(test),
    deny(
        clippy::print_stderr,
        clippy::print_stdout,
        reason = "`logging` and `program` write so that a reader that stands still or a full device ends nothing"
    )
)]

pub mod autochecks;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "parsers of Linux compile, and are tested, everywhere")
)]
pub mod bugreport;
pub mod cleanup;
pub mod cli;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "parsers of Linux compile, and are tested, everywhere")
)]
pub mod commands;
pub mod config;
pub mod defender;
pub mod event_log;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod inventory;
pub mod logging;
pub mod packages;
pub mod program;
pub mod service;
pub mod status;
pub mod windows_update;
