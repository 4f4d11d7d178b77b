//! Gathers the facts on Windows, and judges.

use super::win::{
    AttemptFacts, Dev1043, DeviceFacts, GuestAgentFacts, ServiceFacts, WindowsFacts, WindowsReport,
};
use super::{DiagnoseOptions, GuestAgentOptions};
use crate::transport::role::Role;
use crate::transport::win32::hardware::{attempts, is_virtio_serial};
use crate::transport::win32::paths::{GUEST_AGENT_PATHS, device_name};
use crate::transport::windows::{announced_ports, devices, probe};
use infiniservice_platform::win32::devices_unsafe::is_named;
use std::path::PathBuf;

/// Looks at the machine and judges, with what the service control manager says of the agent's service, and whether qemu-ga's runs.
/// Each port that nobody holds is opened for a moment, which drops what its host had sent to nobody; but not the QEMU guest
/// agent's.
pub fn run(
    options: &DiagnoseOptions,
    service: Result<Option<ServiceFacts>, String>,
    other_runs: Option<bool>,
) -> WindowsReport {
    let (all, announced) = (devices(), announced_ports());
    let tried = attempts(options.device.device_path.as_deref(), options.device.search, &announced, &all);
    let facts = WindowsFacts {
        devices: all.iter().filter(|device| is_virtio_serial(device)).map(DeviceFacts::from).collect(),
        dev_1043: Dev1043::of(&all),
        attempts: tried.into_iter().map(|(path, role)| attempt(path, role)).collect(),
        guest_agent: guest_agent(&options.guest_agent, other_runs),
        service_error: service.as_ref().err().cloned(),
        service: service.ok().flatten(),
        account: account(),
    };
    WindowsReport::new(facts)
}

fn guest_agent(options: &GuestAgentOptions, other_runs: Option<bool>) -> GuestAgentFacts {
    let is_there = |path: &PathBuf| device_name(path).is_some_and(is_named);
    let path = match &options.port {
        Some(port) => Some(port.clone()).filter(is_there),
        None => GUEST_AGENT_PATHS.iter().map(PathBuf::from).find(is_there),
    };
    GuestAgentFacts { path, left: options.left.clone(), other_runs }
}

fn attempt(path: PathBuf, role: Role) -> AttemptFacts {
    match probe(&path, role) {
        Ok(info) => AttemptFacts {
            path,
            role,
            failure: None,
            host_connected: info.as_ref().map(|info| info.host_connected),
            name: info.and_then(|info| info.name),
        },
        Err(outcome) => AttemptFacts { path, role, failure: Some(outcome), name: None, host_connected: None },
    }
}

/// As the environment has it: for people only.
fn account() -> String {
    let part = |name| std::env::var(name).ok();
    match (part("USERDOMAIN"), part("USERNAME")) {
        (Some(domain), Some(user)) => format!(r"{domain}\{user}"),
        (None, Some(user)) => user,
        _ => "an unknown account".into(),
    }
}
