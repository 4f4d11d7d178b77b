//! The Windows agent under Wine, on a COM port that is a pseudo-terminal, driven from the host's end.
//!
//! One prefix is made for all scenarios. What Wine cannot show is told in docs/windows.md.

mod commands;
mod diagnose;
mod figures;
mod host;
mod infinictl;
mod qga;
mod service;
mod session;

use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::{self, Scenario};
use std::process::ExitCode;

/// In the order in which they run.
const ALL: &[&[Scenario<Windows>]] = &[
    session::SCENARIOS,
    host::SCENARIOS,
    commands::SCENARIOS,
    figures::SCENARIOS,
    qga::SCENARIOS,
    diagnose::SCENARIOS,
    service::SCENARIOS,
    infinictl::SCENARIOS,
];

fn main() -> ExitCode {
    harness::run(&ALL.concat()).exit_code()
}
