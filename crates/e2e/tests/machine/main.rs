//! The agent in a real machine: systemd, udev, virtio-serial, driven from the host's end.
//!
//! One machine is booted for all scenarios, or one for each share of them; each leaves it as it found it.

mod audit;
mod autochecks;
mod bulk;
mod cleanup;
mod cost;
mod device;
mod documented;
mod executor;
mod faults;
mod figures;
mod framework;
mod host;
mod hostile;
mod hostile_lines;
mod install;
mod inventory;
mod log;
mod needs;
mod packages;
mod plugins;
mod processes;
mod scripts;
mod sealed;
mod services;
mod signed;
mod start;
mod support;
mod symptoms;
mod unsafe_command;

use infiniservice_e2e::guest;
use infiniservice_e2e::harness::{self, Scenario};
use infiniservice_e2e::share::Share;
use std::process::ExitCode;

/// In the order in which they run.
const ALL: &[&[Scenario]] = &[
    start::SCENARIOS,
    autochecks::HEALTHY,
    figures::system::SCENARIOS,
    figures::disks::SCENARIOS,
    figures::mounts::SCENARIOS,
    figures::io::SCENARIOS,
    figures::network::SCENARIOS,
    figures::ports::SCENARIOS,
    figures::processes::SCENARIOS,
    figures::services::SCENARIOS,
    sealed::SCENARIOS,
    bulk::SCENARIOS,
    services::kinds::SCENARIOS,
    services::states::SCENARIOS,
    services::logs::SCENARIOS,
    services::refusals::SCENARIOS,
    processes::SCENARIOS,
    executor::SCENARIOS,
    unsafe_command::SCENARIOS,
    scripts::SCENARIOS,
    plugins::SCENARIOS,
    audit::SCENARIOS,
    framework::SCENARIOS,
    hostile_lines::SCENARIOS,
    inventory::SCENARIOS,
    hostile::traps::SCENARIOS,
    hostile::texts::SCENARIOS,
    hostile::fuse::SCENARIOS,
    hostile::bus::SCENARIOS,
    hostile::crowd::SCENARIOS,
    hostile::unit::SCENARIOS,
    cleanup::hostile::RACE,
    cleanup::hostile::SCENARIOS,
    cleanup::targets::AGES,
    cleanup::targets::SCENARIOS,
    autochecks::SCENARIOS,
    autochecks::disks::SCENARIOS,
    autochecks::strain::SCENARIOS,
    autochecks::clock::SCENARIOS,
    host::SCENARIOS,
    device::SCENARIOS,
    symptoms::SCENARIOS,
    cost::SCENARIOS,
    faults::flood::SCENARIOS,
    faults::kills::SCENARIOS,
    faults::memory::SCENARIOS,
    faults::descriptors::SCENARIOS,
    faults::disk::SCENARIOS,
    faults::hidden_proc::SCENARIOS,
    faults::bus::SCENARIOS,
    faults::clock::SCENARIOS,
    faults::suspend::SCENARIOS,
    faults::migration::SCENARIOS,
    packages::changes::SCENARIOS,
    packages::trouble::SCENARIOS,
    packages::updates::SCENARIOS,
    packages::checked::SCENARIOS,
    packages::dnf::CHANGES,
    packages::dnf::TROUBLE,
    packages::dnf::UPDATES,
    packages::dnf::END,
    packages::zypper::SCENARIOS,
    documented::SCENARIOS,
    signed::SCENARIOS,
    install::script::SCENARIOS,
    install::bounds::SCENARIOS,
    install::read_only::SCENARIOS,
    install::rpm::SCENARIOS,
    install::deb::SCENARIOS,
    install::qga::SCENARIOS,
    install::hub::SCENARIOS,
    log::SCENARIOS,
];

/// Where this is set, the tests' program is `infinictl`: always that of the sources, which a built one beside it need not be.
const AS_INFINICTL: &str = "LAB_AS_INFINICTL";

/// The slow scenarios, out of the tables that runs end with.
const RECORDED_TIMES: &str = include_str!("times.txt");

fn main() -> ExitCode {
    if std::env::var_os(AS_INFINICTL).is_some() {
        return infinictl::cli::main();
    }
    let mut scenarios: Vec<Scenario> = ALL.concat();
    scenarios.retain(|(name, _)| needs::runs(name));
    let share = match Share::asked() {
        Ok(share) => share,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let picked = guest::picked(&scenarios, needs::of);
    harness::run(&share.of(&picked, RECORDED_TIMES)).exit_code()
}
