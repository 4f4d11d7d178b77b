//! Gathers the facts on Linux, from files alone but for the state of the service.

mod holders;
mod identity;
mod kernel;
mod ports;
mod service;

use super::facts::{Facts, UdevFacts};
use super::service_state::choose;
use super::{DiagnoseOptions, Report};
use crate::diagnose::facts::PathFacts;
use crate::transport::DeviceOptions;
use crate::transport::candidates::{AGENT_PORT, GUEST_AGENT_PREFIX, number};
use crate::transport::linux::owner_of;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

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
        expected_paths: expected(&options.device),
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

/// In the order in which they are tried; a pattern that nothing matches stands for itself.
pub fn expected(device: &DeviceOptions) -> Vec<PathFacts> {
    if let Some(path) = &device.device_path {
        return vec![look(path)];
    }
    let links = device.dev.join("virtio-ports");
    let first = |path: &Path| number(path).is_some_and(|(_, port)| port == 1);
    let mut paths = vec![look(&links.join(AGENT_PORT))];
    paths
        .extend(matching(&links, &format!("{GUEST_AGENT_PREFIX}*"), |path| starts(path, GUEST_AGENT_PREFIX)));
    paths.extend(matching(&device.dev, "vport*p1", first));
    paths.extend(matching(&device.dev, "vport*", |path| number(path).is_some() && !first(path)));
    paths
}

fn matching(directory: &Path, pattern: &str, matches: impl Fn(&Path) -> bool) -> Vec<PathFacts> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| matches(path)).collect();
    found.sort();
    if found.is_empty() {
        return vec![PathFacts { path: directory.join(pattern), found: "absent".into() }];
    }
    found.iter().map(|path| look(path)).collect()
}

fn starts(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

fn look(path: &Path) -> PathFacts {
    let link = path.read_link().ok();
    let found = match (&link, fs::metadata(path)) {
        (None, Err(_)) => "absent".to_owned(),
        (Some(target), Err(_)) => format!("link to {}, which does not exist", target.display()),
        (link, Ok(meta)) => {
            let kind = if meta.file_type().is_char_device() { "character device" } else { "not a device" };
            let (owner, mode) = owner_of(path).unwrap_or_default();
            let to =
                link.as_ref().map(|target| format!("link to {}, ", target.display())).unwrap_or_default();
            format!("{to}{kind}, {owner} {mode:04o}")
        }
    };
    PathFacts { path: path.into(), found }
}

#[cfg(test)]
mod tests;
