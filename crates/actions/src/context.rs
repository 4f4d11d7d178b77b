//! What actions work with: the machine's processes, services and programs, each replaceable by tests.

use super::changes::Changes;
use super::reloads::Reloads;
use super::scripts::Scripts;
use crate::packages::PackageSystem;
use crate::sealed::Seal;
use infiniservice_collector::{CollectorHandle, ProcessQuery};
pub(crate) use infiniservice_exec::{BoxFuture, Cancellation, CommandError, CommandResult, Runner};
use infiniservice_protocol::data::{ProcessListData, ServiceInfo};
use infiniservice_protocol::metrics::Service;
use infiniservice_protocol::{ActionName, ErrorCode, ServiceOperation};
use std::sync::Arc;

/// Who knows the running processes: the collector, which caches what does not change.
pub trait ProcessSource: Send + Sync {
    /// Those that are asked for, with only theirs read; the text says why there are none.
    fn processes(&self, query: ProcessQuery) -> BoxFuture<'_, Result<ProcessListData, String>>;
}

impl ProcessSource for CollectorHandle {
    fn processes(&self, query: ProcessQuery) -> BoxFuture<'_, Result<ProcessListData, String>> {
        Box::pin(async { self.processes(query).await.map_err(|error| error.to_string()) })
    }
}

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerAction {
    /// It is switched off.
    Shutdown,
    /// It starts anew.
    Reboot,
}

impl PowerAction {
    /// The action that asks for it.
    pub const fn name(self) -> ActionName {
        match self {
            Self::Shutdown => ActionName::Shutdown,
            Self::Reboot => ActionName::Reboot,
        }
    }
}

/// Who controls services.
pub trait Services: Send + Sync {
    /// All services.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>>;
    /// All services, as the metrics tell them; where the platform knows more of them than a list tells, it says so here.
    fn observe(&self) -> BoxFuture<'_, Result<Vec<Service>, CommandError>> {
        Box::pin(async { Ok(self.list().await?.into_iter().map(observed).collect()) })
    }
    /// One operation on one service; the service after it as `data`.
    fn control<'a>(
        &'a self,
        service: &'a str,
        operation: ServiceOperation,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult>;
    /// Ends the machine's run; returns once that is queued.
    fn end_machine(&self, action: PowerAction) -> BoxFuture<'_, Result<(), CommandError>> {
        let error = format!("{} is not available: nothing here can shut down the machine", action.name());
        Box::pin(async { Err(CommandError::new(ErrorCode::Unsupported, error)) })
    }
}

fn observed(info: ServiceInfo) -> Service {
    Service {
        name: info.name,
        display_name: info.display_name,
        description: Some(info.description).filter(|text| !text.is_empty()),
        state: info.status,
        start_type: info.startup_type,
        pid: info.pid,
        ..Service::default()
    }
}

/// What of this machine decides whether an action can be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Whether systemd runs the machine.
    pub systemd: bool,
    /// Whether there is a package manager that the agent knows.
    pub packages: bool,
}

impl CommandContext {
    /// What there is here.
    pub fn features(&self) -> Features {
        Features { systemd: self.systemd_runs, packages: self.packages.is_some() }
    }
}

/// Everything that actions reach the machine through. Cheap to clone.
#[derive(Clone)]
pub struct CommandContext {
    /// Starts programs.
    pub runner: Arc<dyn Runner>,
    /// Knows processes.
    pub processes: Arc<dyn ProcessSource>,
    /// Controls services.
    pub services: Arc<dyn Services>,
    /// Installs packages; absent where there is no package manager that the agent knows.
    pub packages: Option<Arc<PackageSystem>>,
    /// Whether systemd runs the machine (`sd_booted(3)`).
    pub systemd_runs: bool,
    /// Changes of packages, those that run and the last that ended.
    pub changes: Arc<Changes>,
    /// Scripts that wait, the one that runs, and how the others ended.
    pub scripts: Scripts,
    /// Whether the machine is being sealed as a template, or was.
    pub seal: Arc<Seal>,
    /// Reads the agent's configuration again.
    pub reloads: Reloads,
    /// Captured output of one program, for each stream, in bytes.
    pub max_output_bytes: usize,
    /// Longest list in an answer, in bytes on the wire.
    pub max_list_bytes: usize,
}
