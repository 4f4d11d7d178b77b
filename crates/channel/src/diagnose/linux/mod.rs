//! Gathers the facts on Linux, from files alone but for the state of the service.

mod holders;
mod identity;
mod kernel;
mod paths;
mod ports;
mod service;
#[cfg(test)]
mod tests;

use super::DiagnoseOptions;
use super::Report;
use super::facts::{Facts, UdevFacts};
use super::service_state::choose;
use std::fs;
use std::path::Path;

/// Looks at the machine and judges. Blocking, up to some seconds where the service manager does not answer.
/// A free port of the agent's own is opened for a moment, which drops what its host had sent to nobody.
pub fn run(options: &DiagnoseOptions) -> Report {
    Report::new(gather(options))
}

/// Looks at everything. Who holds what is looked up before any port is opened, so that this process is not among them.
pub fn gather(options: &DiagnoseOptions) -> Facts {
    let services = service::states(&options.root);
    let ports = ports::gather(options, &services);
    let (service, other_services) = choose(services);
    Facts {
        expected_paths: paths::expected(&options.device),
        configured: options.device.device_path.clone(),
        ports: ports.ports,
        controllers: kernel::controllers(&options.device.sys),
        driver: kernel::driver(&options.root, &options.device.sys),
        udev: udev(options),
        service,
        other_services,
        user_id: rustix::process::geteuid().as_raw(),
        holders_complete: ports.holders_complete,
        container: is_container(&options.root),
    }
}

fn udev(options: &DiagnoseOptions) -> UdevFacts {
    let links = fs::read_dir(options.device.dev.join("virtio-ports")).map_or(0, Iterator::count);
    // The socket that systemd-udevd and eudev listen on.
    UdevFacts { running: options.root.join("run/udev/control").exists(), links }
}

/// The marks that docker, podman and systemd-nspawn leave.
fn is_container(root: &Path) -> bool {
    [".dockerenv", "run/.containerenv", "run/systemd/container"].iter().any(|mark| root.join(mark).exists())
}
