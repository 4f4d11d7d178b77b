//! What was seen on the machine, without judgement.

use crate::transport::outcome::Outcome;
use crate::transport::role::Role;
use serde::Serialize;
use std::path::PathBuf;

/// Everything that the report stands on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The paths at which a device is expected, with what is there.
    pub expected_paths: Vec<PathFacts>,
    /// The device that is configured, where one is.
    pub configured: Option<PathBuf>,
    /// Every virtio port, and the configured device.
    pub ports: Vec<PortFacts>,
    /// Virtio serial controllers.
    pub controllers: Vec<Controller>,
    /// The kernel's driver.
    pub driver: Driver,
    /// What makes the named links.
    pub udev: UdevFacts,
    /// The agent's service: of the units that are shipped, the one that this machine uses.
    pub service: ServiceFacts,
    /// The other units that are installed.
    pub other_services: Vec<ServiceFacts>,
    /// Effective user id of this process.
    pub user_id: u32,
    /// Whether the open files of every process could be read; if not, holders may be missing.
    pub holders_complete: bool,
    /// Whether this is a container, which has only the devices that are passed to it.
    pub container: bool,
}

/// One path and what is there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PathFacts {
    /// The path, or a pattern of paths.
    pub path: PathBuf,
    /// `absent`, or what is there with owner and mode.
    pub found: String,
}

/// One port.
#[derive(Clone, Debug, Serialize)]
pub struct PortFacts {
    /// The device node.
    pub node: PathBuf,
    /// The named link to it.
    pub link: Option<PathBuf>,
    /// The name that the host gave it.
    pub name: Option<String>,
    /// What it is to the agent.
    pub role: Role,
    /// The agent tries it at this place, counted from 0; `None`: never.
    pub rank: Option<usize>,
    /// `user:group`.
    pub owner: Option<String>,
    /// Permission bits, octal.
    pub mode: Option<String>,
    /// Whether it can be used.
    pub state: PortState,
    /// Who holds it open.
    pub holders: Vec<Holder>,
    /// Whether a host is connected; `None`: cannot be told.
    pub host_connected: Option<bool>,
}

/// Whether a port can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// It was opened just now.
    Usable,
    /// The agent holds it.
    HeldByAgent,
    /// Not the agent's to open.
    NotTried,
    /// It cannot be used.
    Unusable(Outcome),
}

/// A process that holds a port open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The process's name.
    pub name: String,
    /// Whether it is the agent: a unit's main process, or root's process of this very program.
    pub is_agent: bool,
}

/// A virtio serial controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Controller {
    /// The bus: `pci` or `virtio`.
    pub bus: String,
    /// Its address on the bus.
    pub address: String,
    /// The driver that is bound to it.
    pub driver: Option<String>,
}

/// State of the kernel's driver for virtio ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Loaded as a module, or built in and at work.
    Loaded,
    /// Part of the kernel.
    BuiltIn,
    /// A module of this kernel that is not loaded.
    NotLoaded,
    /// Not among this kernel's modules.
    Missing,
    /// The kernel's modules cannot be listed.
    #[default]
    Unknown,
}

/// State of udev.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct UdevFacts {
    /// Whether the daemon runs.
    pub running: bool,
    /// How many named links there are.
    pub links: usize,
}

/// State of the agent's service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceFacts {
    /// The unit's name, without `.service`; empty where there is no service manager.
    pub unit: String,
    /// The service manager: `systemd`, or none that is known.
    pub manager: Option<String>,
    /// Whether a unit or service is installed.
    pub installed: bool,
    /// `active`, `inactive`, `failed`, …; `None`: could not be asked.
    pub active: Option<String>,
    /// The finer state: `running`, `auto-restart`, …
    pub sub_state: Option<String>,
    /// `enabled`, `disabled`, `masked`, …
    pub start_up: Option<String>,
    /// Its main process.
    pub pid: Option<u32>,
    /// How the last run ended: `success`, `exit-code`, …
    pub result: Option<String>,
    /// Whether its commands get cgroups of their own; absent where that is not known, or not to be expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands_in_cgroups: Option<bool>,
}
