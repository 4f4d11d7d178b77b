//! The checks of Linux.

use super::{
    broken_packages, clock, cpu, disk, disk_errors, disk_space, failed_units, memory, oom_kills,
    read_only_mounts, reboot_required, update,
};
use crate::autochecks::configuration;
use crate::autochecks::runner::Spec;
use std::time::Duration;

/// Of checks that read files and ask over D-Bus.
const SHORT: Duration = Duration::from_secs(20);
/// Of checks that start programs.
const LONG: Duration = Duration::from_secs(60);

/// All of them, in the order in which they are told.
pub const ALL: [Spec; 18] = [
    Spec { name: "disk_space", limit: SHORT, run: |machine| Box::pin(disk_space::run(machine)) },
    Spec { name: "disk_inodes", limit: SHORT, run: |machine| Box::pin(disk::inodes(machine)) },
    Spec { name: "read_only_mounts", limit: SHORT, run: |machine| Box::pin(read_only_mounts::run(machine)) },
    Spec { name: "disk_errors", limit: LONG, run: |machine| Box::pin(disk_errors::run(machine)) },
    Spec { name: "failed_units", limit: LONG, run: |machine| Box::pin(failed_units::run(machine)) },
    Spec { name: "pending_updates", limit: LONG, run: |machine| Box::pin(update::pending(machine)) },
    Spec { name: "security_updates", limit: LONG, run: |machine| Box::pin(update::security(machine)) },
    Spec { name: "broken_packages", limit: LONG, run: |machine| Box::pin(broken_packages::run(machine)) },
    Spec { name: "reboot_required", limit: LONG, run: |machine| Box::pin(reboot_required::run(machine)) },
    Spec { name: "memory", limit: SHORT, run: |machine| Box::pin(memory::memory(machine)) },
    Spec { name: "memory_pressure", limit: SHORT, run: |machine| Box::pin(memory::pressure(machine)) },
    Spec { name: "swap", limit: SHORT, run: |machine| Box::pin(memory::swap(machine)) },
    Spec { name: "oom_kills", limit: LONG, run: |machine| Box::pin(oom_kills::run(machine)) },
    Spec { name: "cpu_load", limit: SHORT, run: |machine| Box::pin(cpu::load(machine)) },
    Spec { name: "cpu_steal", limit: SHORT, run: |machine| Box::pin(cpu::steal(machine)) },
    Spec { name: "time_sync", limit: LONG, run: |machine| Box::pin(clock::sync(machine)) },
    Spec { name: "clock_skew", limit: SHORT, run: |machine| Box::pin(clock::skew(machine)) },
    Spec { name: configuration::NAME, limit: SHORT, run: |_| Box::pin(configuration::run()) },
];
