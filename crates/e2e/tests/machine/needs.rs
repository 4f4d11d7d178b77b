//! Which scenarios need a machine with a kernel and a port of its own. All others run in namespaces of this kernel,
//! many times faster.

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
    ("symptoms::", "ports, and a host that comes and goes"),
    ("cost::", "the other work of this kernel moves the figures"),
    ("faults::", "memory, ports, suspend, a clock"),
    ("signed::", "a host that comes and goes"),
    ("install::bounds", "cgroup controllers"),
    ("install::read_only", "a port's own rights"),
    ("documented::", "answers that name the machine's kernel"),
    ("log::", "the log of all that the machine went through"),
];

/// Why this scenario needs a kernel or a port of its own; `None` where it does not.
pub fn own_kernel(scenario: &str) -> Option<&'static str> {
    OWN_KERNEL.iter().find(|(name, _)| scenario.starts_with(name)).map(|(_, why)| *why)
}
