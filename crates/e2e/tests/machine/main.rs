//! The agent in a real machine: systemd, udev, virtio-serial, driven from the host's end.
//!
//! One machine is booted for all scenarios; each leaves it as it found it.

mod cost;
mod device;
mod host;
mod log;
mod packages;
mod start;

use infiniservice_e2e::harness::{self, Scenario};
use std::process::ExitCode;

fn main() -> ExitCode {
    let scenarios: Vec<Scenario> = [
        start::SCENARIOS,
        host::SCENARIOS,
        device::SCENARIOS,
        cost::SCENARIOS,
        log::SCENARIOS,
        &packages::SCENARIOS.concat(),
    ]
    .concat();
    harness::run(&scenarios).exit_code()
}
