//! The agent in a real machine: systemd, udev, virtio-serial, driven from the host's end.
//!
//! One machine is booted for all scenarios; each leaves it as it found it.

mod autochecks;
mod cleanup;
mod cost;
mod device;
mod executor;
mod figures;
mod host;
mod inventory;
mod log;
mod packages;
mod processes;
mod services;
mod start;
mod support;

use infiniservice_e2e::harness::{self, Scenario};
use std::process::ExitCode;

/// In the order in which they run.
const ALL: &[&[Scenario]] = &[
    start::SCENARIOS,
    figures::system::SCENARIOS,
    figures::disks::SCENARIOS,
    figures::mounts::SCENARIOS,
    figures::io::SCENARIOS,
    figures::network::SCENARIOS,
    figures::ports::SCENARIOS,
    figures::processes::SCENARIOS,
    figures::services::SCENARIOS,
    services::kinds::SCENARIOS,
    services::states::SCENARIOS,
    services::refusals::SCENARIOS,
    processes::SCENARIOS,
    executor::SCENARIOS,
    autochecks::SCENARIOS,
    host::SCENARIOS,
    device::SCENARIOS,
    cost::SCENARIOS,
    log::SCENARIOS,
    cleanup::SCENARIOS,
    inventory::SCENARIOS,
];

fn main() -> ExitCode {
    harness::run(&[ALL, packages::SCENARIOS].concat().concat()).exit_code()
}
