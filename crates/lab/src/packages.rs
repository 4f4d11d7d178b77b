//! Host packages: what is missing is installed with apt-get when that is possible, else listed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// A Debian package, and the file or program by which its presence is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The package's name in Debian and Ubuntu.
    pub package: &'static str,
    /// A program looked up on `PATH`, or an absolute path.
    pub probe: &'static str,
}

/// What the virtual machine needs on the host.
pub const LAB: &[Need] = &[
    Need { package: "qemu-system-x86", probe: "qemu-system-x86_64" },
    Need { package: "mmdebstrap", probe: "mmdebstrap" },
    Need { package: "e2fsprogs", probe: "mkfs.ext4" },
    Need { package: "util-linux", probe: "setpriv" },
];

/// What a system on a kernel in user mode needs besides.
pub const USER_MODE: &[Need] = &[
    Need { package: "user-mode-linux", probe: "linux.uml" },
    Need { package: "util-linux", probe: "unshare" },
    Need { package: "util-linux", probe: "taskset" },
];

/// What a domain of the host's libvirt needs besides.
pub const LIBVIRT: &[Need] = &[
    Need { package: "libvirt-daemon-system", probe: "libvirtd" },
    // Its configuration: the daemon alone, which other packages bring too, ends without it.
    Need { package: "libvirt-daemon-system", probe: "/etc/libvirt/qemu.conf" },
    Need { package: "libvirt-clients", probe: "virsh" },
    // Snapshots.
    Need { package: "qemu-utils", probe: "qemu-img" },
    Need { package: "mount", probe: "mount" },
];

/// What the agent's answers are compared with, where it serves the same protocol. It serves no port by itself on a host.
pub const QEMU_GA: &[Need] = &[Need { package: "qemu-guest-agent", probe: "qemu-ga" }];

/// What reads the host daemon's series, alerts and dashboards in the tests. Where systemd runs, Debian starts its service, too.
pub const PROMETHEUS: &[Need] = &[
    Need { package: "prometheus", probe: "/usr/bin/prometheus" },
    Need { package: "prometheus", probe: "/usr/bin/promtool" },
    // Where its alerts go.
    Need { package: "prometheus-alertmanager", probe: "/usr/bin/prometheus-alertmanager" },
];

/// What takes a host's network away, and makes a disk slow, in the tests of fleets.
pub const FAULTS: &[Need] =
    &[Need { package: "iproute2", probe: "ip" }, Need { package: "strace", probe: "strace" }];

/// What makes certificates for the tests, and shows them.
pub const CERTIFICATES: &[Need] =
    &[Need { package: "openssl", probe: "openssl" }, Need { package: "curl", probe: "curl" }];
/// What `cargo xtask bench --hub` runs beside the host's daemon.
pub const LIBVIRT_EXPORTER: &[Need] =
    &[Need { package: "prometheus-libvirt-exporter", probe: "/usr/bin/prometheus-libvirt-exporter" }];

/// What the program of a package of `PyPI` needs: what installs it, and the library that it is linked with.
pub(crate) const FROM_PYPI: &[Need] = &[
    Need { package: "python3-pip", probe: "pip3" },
    Need { package: "libpython3.11", probe: "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0" },
];

/// What the benchmark of fleets is compared with.
pub const ANSIBLE: &[Need] = &[Need { package: "ansible-core", probe: "/usr/bin/ansible" }];

/// What pages are looked at with.
pub const BROWSER: &[Need] = &[Need { package: "chromium", probe: "chromium" }];

/// What building the static `infinihub` needs beside rustup's standard library: ring has some C.
pub const STATIC_BUILD: &[Need] = &[Need { package: "musl-tools", probe: "x86_64-linux-musl-gcc" }];

/// What building for Windows needs beside rustup's standard library: mingw's linker.
pub const WINDOWS_BUILD: &[Need] =
    &[Need { package: "gcc-mingw-w64-x86-64-win32", probe: "x86_64-w64-mingw32-gcc" }];

/// What running the result needs.
pub const WINE: &[Need] = &[
    Need { package: "wine64", probe: "/usr/lib/wine/wine64" },
    Need { package: "gcc-mingw-w64-x86-64-win32", probe: "x86_64-w64-mingw32-gcc" },
];

/// Makes sure that everything in `needs` is there: installs what is missing when root on a Debian system, and
/// fails with the list otherwise. Does nothing, and asks no network, when nothing is missing.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing = missing(needs, present);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !rustix::process::geteuid().is_root() || command::find("apt-get").is_none() {
        bail!(
            "missing packages, install them as root and try again:\n  apt-get install --no-install-recommends {list}"
        );
    }
    eprintln!("installing {list}");
    install(&missing).with_context(|| format!("cannot install {list}"))?;
    match self::missing(needs, present).join(" ") {
        left if left.is_empty() => Ok(()),
        left => bail!("installed, yet not found: {left}"),
    }
}

/// The packages of `needs` whose probe is not `present`, each once, in order.
fn missing(needs: &[Need], present: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<&'static str> = Vec::new();
    for need in needs.iter().filter(|need| !present(need.probe)) {
        if !packages.contains(&need.package) {
            packages.push(need.package);
        }
    }
    packages
}

fn present(probe: &str) -> bool {
    if probe.starts_with('/') { Path::new(probe).exists() } else { command::find(probe).is_some() }
}

/// Installs from the package lists at hand; only when that fails are they fetched afresh.
fn install(packages: &[&str]) -> Result<()> {
    if command::output_of(&mut apt_get(&[&["install"], packages])?).is_ok() {
        return Ok(());
    }
    command::output_of(&mut apt_get(&[&["update"]])?)?;
    command::output_of(&mut apt_get(&[&["install"], packages])?)?;
    Ok(())
}

fn apt_get(args: &[&[&str]]) -> Result<Command> {
    let mut command = command::program("apt-get")?;
    command.env("DEBIAN_FRONTEND", "noninteractive").env("NEEDRESTART_MODE", "l");
    command.args(["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]);
    command.args(args.concat());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: &[Need] = &[
        Need { package: "one", probe: "a" },
        Need { package: "two", probe: "b" },
        Need { package: "one", probe: "c" },
    ];

    #[test]
    fn only_what_is_missing_is_listed_once() {
        assert_eq!(missing(NEEDS, |probe| probe == "b"), ["one"]);
        assert_eq!(missing(NEEDS, |_| false), ["one", "two"]);
        assert!(missing(NEEDS, |_| true).is_empty());
    }

    #[test]
    fn presence_is_a_program_or_a_file() {
        assert!(present("sh") && present("/etc/passwd"));
        assert!(!present("no-such-program-here") && !present("/no/such/file"));
    }

    #[test]
    fn a_complete_host_needs_no_installation() {
        ensure(&[Need { package: "coreutils", probe: "ls" }]).unwrap();
    }
}
