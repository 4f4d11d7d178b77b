//! Which scenarios need what. Most run in namespaces of this kernel; some need a kernel and a port of their own, which a
//! kernel in user mode has; few need an emulated machine, which is many times slower.

use infiniservice_e2e::guest::Needs;
use infiniservice_lab::image::recipe::RELEASE_VARIABLE;

/// The beginnings of their names, each with what namespaces lack.
const OWN_KERNEL: &[(&str, &str)] = &[
    ("start::systemd_calls", "a terminal does not say that the host is away"),
    ("start::the_first_metrics", "virtualization and boot time are the machine's"),
    ("figures::system::", "the other work of this kernel moves the figures"),
    ("figures::disks::file_systems", "the root is a loop device"),
    ("figures::io::", "the disks are this kernel's"),
    ("figures::network::", "a card that QEMU gives"),
    ("figures::processes::all_of_them", "the kernel's threads"),
    ("figures::processes::a_busy_loop", "the other work of this kernel moves the figures"),
    ("processes::init_kernel_threads", "the kernel's threads"),
    ("processes::are_listed", "the kernel's threads"),
    ("framework::", "cgroup controllers"),
    ("unsafe_command::that_overruns", "cgroup controllers"),
    ("autochecks::", "pressure, clock, disks and the kernel's log"),
    ("hostile::nothing_that_a_user_owns", "modules of its own kernel"),
    ("hostile_lines::", "a host that comes and goes"),
    ("host::", "a host that comes and goes"),
    ("device::", "ports"),
    ("bulk::", "ports"),
    ("symptoms::", "ports, and a host that comes and goes"),
    ("cost::", "the other work of this kernel moves the figures"),
    ("faults::", "memory, ports, suspend, a clock"),
    ("signed::", "a host that comes and goes"),
    ("install::bounds", "cgroup controllers"),
    ("install::read_only", "a port's own rights"),
    ("documented::", "answers that name the machine's kernel"),
    ("log::", "the log of all that the machine went through"),
];

/// Of these, the ones that need an emulated machine, each with what a kernel in user mode lacks.
const EMULATION: &[(&str, &str)] = &[
    ("figures::system::usage_of_each_core", "a second processor"),
    ("figures::io::rates", "a disk so slow that it is seen at work"),
    ("figures::processes::all_of_them", "ps finds no boot time in its /proc/stat"),
    ("bulk::", "QEMU, which plugs in a second port"),
    ("autochecks::want_of_memory", "pressure figures"),
    ("autochecks::a_wrong_clock", "a hardware clock"),
    ("symptoms::no_host", "debugfs, which tells whether a host is there"),
    ("install::read_only", "the read-only unit, so confined, does not start on it"),
    ("documented::a_held_lock", "apt does not say on it who holds its lock"),
    ("faults::a_machine_that_slept", "a firmware that wakes it"),
    ("faults::a_machine_that_moves", "another QEMU to move to"),
];

/// What is worth running on other releases of Debian: their systemd, apt, dpkg, dnf and rpm differ.
const OF_EACH_RELEASE: &[&str] = &["inventory::", "log::", "packages::", "services::"];

/// Whether this scenario is to run, on another release if the environment asks for one.
pub fn runs(scenario: &str) -> bool {
    let other = std::env::var_os(RELEASE_VARIABLE).is_some_and(|release| !release.is_empty());
    !other || OF_EACH_RELEASE.iter().any(|name| scenario.starts_with(name))
}

/// What this scenario needs.
pub fn of(scenario: &str) -> Needs {
    let listed = |list: &[(&str, &str)]| list.iter().any(|(name, _)| scenario.starts_with(name));
    match (listed(EMULATION), listed(OWN_KERNEL)) {
        (true, _) => Needs::Emulation,
        (false, true) => Needs::Kernel,
        (false, false) => Needs::Nothing,
    }
}
