//! The diagnosis of a Windows machine: what was seen on it, without judgement, what follows from these facts, and how it is shown.
//! Pure, so that it is tested everywhere; the facts are gathered by `diagnose/windows`.

mod judge;
mod report;

use crate::transport::outcome::Outcome;
use crate::transport::role::Role;
use crate::transport::win32::hardware::{Device, Model};
pub use report::WindowsReport;
use serde::Serialize;
use std::path::PathBuf;

/// Everything that the report stands on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WindowsFacts {
    /// Virtio serial controllers, and devices on them.
    pub devices: Vec<DeviceFacts>,
    /// Whether a modern controller (`DEV_1043`) is present, and works.
    pub dev_1043: Dev1043,
    /// Every path that the agent would try, in its order.
    pub attempts: Vec<AttemptFacts>,
    /// The QEMU guest agent's port.
    pub guest_agent: GuestAgentFacts,
    /// The agent's service; `None`: it is not installed.
    pub service: Option<ServiceFacts>,
    /// Why the service manager could not be asked.
    pub service_error: Option<String>,
    /// The account of this look.
    pub account: String,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeviceFacts {
    /// Device instance id.
    pub instance: String,
    /// Most specific first.
    pub hardware_ids: Vec<String>,
    /// As the device manager shows it.
    pub name: String,
    /// The driver's service; `None`: no driver is bound.
    pub driver: Option<String>,
    /// The driver's version.
    pub driver_version: Option<String>,
    /// The device manager's problem code; `None`: it works.
    pub problem_code: Option<u32>,
    /// What the code means.
    pub problem: Option<&'static str>,
    /// Whether it is a controller.
    pub controller: bool,
}

impl From<&Device> for DeviceFacts {
    fn from(device: &Device) -> Self {
        Self {
            instance: device.instance.clone(),
            hardware_ids: device.hardware_ids.clone(),
            name: device.name.clone(),
            driver: (!device.service.is_empty()).then(|| device.service.clone()),
            driver_version: device.driver_version.clone(),
            problem_code: device.problem,
            problem: device.problem.map(judge::meaning),
            controller: matches!(model_of(device), Some(Model::Transitional | Model::Modern)),
        }
    }
}

fn model_of(device: &Device) -> Option<Model> {
    crate::transport::win32::hardware::model(device)
}

/// State of the modern controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dev1043 {
    /// The machine has none; a transitional one (`DEV_1003`) does as well.
    #[default]
    Absent,
    /// A driver is bound and it works.
    Works,
    /// Present, without a driver or with a problem.
    Broken,
}

impl Dev1043 {
    /// Of all present devices.
    pub fn of(devices: &[Device]) -> Self {
        match devices.iter().find(|device| model_of(device) == Some(Model::Modern)) {
            None => Self::Absent,
            Some(device) if device.problem.is_none() && !device.service.is_empty() => Self::Works,
            Some(_) => Self::Broken,
        }
    }
}

/// One path and what came of opening it for a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptFacts {
    /// The path.
    pub path: PathBuf,
    /// What it is to the agent.
    pub role: Role,
    /// Why it cannot be opened; `None`: it can.
    pub failure: Option<Outcome>,
    /// The name that the driver tells.
    pub name: Option<String>,
    /// Whether a host is connected; `None`: the device cannot tell.
    pub host_connected: Option<bool>,
}

/// The QEMU guest agent's port. It is looked for and not opened, because hosts take an open port for an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GuestAgentFacts {
    /// Its path; `None`: no device has such a name.
    pub path: Option<PathBuf>,
    /// Why the agent leaves it alone; `None`: its service is to serve it.
    pub left: Option<String>,
    /// Whether qemu-ga's own service, `QEMU-GA`, runs; `None`: it is not installed.
    pub other_runs: Option<bool>,
}

/// The agent's service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceFacts {
    /// `running`, `stopped`, `starting`, …, with process and exit code.
    pub state: String,
    /// Whether it runs.
    pub running: bool,
    /// `auto`, `manual`, `disabled`.
    pub start_up: String,
    /// The account that it runs as.
    pub account: String,
}

#[cfg(test)]
mod tests;
