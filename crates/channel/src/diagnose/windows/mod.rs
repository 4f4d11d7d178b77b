//! Gathers the facts on Windows, and judges.

use super::DiagnoseOptions;
use super::win::{AttemptFacts, Dev1043, DeviceFacts, ServiceFacts, WindowsFacts, WindowsReport};
use crate::transport::role::Role;
use crate::transport::win32::hardware::{attempts, is_virtio_serial};
use crate::transport::windows::{announced_ports, devices, probe};
use std::path::PathBuf;

/// Looks at the machine and judges, with what the service control manager says of the agent's service. Each port that nobody holds is opened for a moment, which drops what its host had
/// sent to nobody.
pub fn run(options: &DiagnoseOptions, service: Result<Option<ServiceFacts>, String>) -> WindowsReport {
    let (all, announced) = (devices(), announced_ports());
    let tried = attempts(options.device.device_path.as_deref(), options.device.search, &announced, &all);
    let facts = WindowsFacts {
        devices: all.iter().filter(|device| is_virtio_serial(device)).map(DeviceFacts::from).collect(),
        dev_1043: Dev1043::of(&all),
        attempts: tried.into_iter().map(|(path, role)| attempt(path, role)).collect(),
        service_error: service.as_ref().err().cloned(),
        service: service.ok().flatten(),
        account: account(),
    };
    WindowsReport::new(facts)
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
