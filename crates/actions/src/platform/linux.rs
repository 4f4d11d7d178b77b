//! Linux: services are systemd's units, and programs run in cgroups. System V scripts systemd runs through
//! units that a generator makes, but whether they start at boot is in /etc/rc?.d, which
//! `systemd-sysv-install` sets (systemctl(1)).

pub(super) use infiniservice_exec::system_runner as runner;

use crate::context::{PowerAction, Services};
use crate::packages::PackageSystem;
use infiniservice_exec::{
    BoxFuture, Cancellation, Captured, CommandError, CommandOutcome, CommandResult, Finished, Program,
    Request, Runner,
};
use infiniservice_platform::systemd::control::ControlError;
use infiniservice_platform::systemd::ends::Ends;
use infiniservice_platform::systemd::name::UnitName;
use infiniservice_platform::systemd::{Done, Progress, ServiceRecord, UnitClient};
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics::Service;
use infiniservice_protocol::{ErrorCode, ServiceOperation};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn services(runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(SystemdServices::new(UnitClient::connect(), runner.clone()))
}

/// As `sd_booted(3)` decides it.
pub(super) fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// What the system's own files tell.
pub(super) fn packages() -> Option<PackageSystem> {
    PackageSystem::detect(Path::new("/"))
}

/// Only systemd can be asked.
pub(super) fn has_service_manager(systemd_runs: bool) -> bool {
    systemd_runs
}

/// How long journalctl may take to tell a failed unit's last lines.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(10);

/// [`Services`] over systemd's bus interface.
pub(crate) struct SystemdServices {
    pub(super) client: UnitClient,
    pub(super) runner: Arc<dyn Runner>,
}

impl SystemdServices {
    /// `runner` starts journalctl where a unit failed.
    pub(crate) fn new(client: UnitClient, runner: Arc<dyn Runner>) -> Self {
        Self { client, runner }
    }

    async fn operate(
        &self,
        service: &str,
        operation: ServiceOperation,
        cancellation: &Cancellation,
    ) -> CommandResult {
        if let Some(ends) = Ends::of(service)
            && operation != ServiceOperation::Status
        {
            return Err(ControlError::NotForServices(ends.refusal(service, "")).into());
        }
        let unit = UnitName::parse(service)?;
        let progress = Progress::within(cancellation.remaining());
        match cancellation.run_until_cancelled(self.client.control(&unit, operation, &progress)).await {
            Ok(Ok(done)) => outcome(self.with_sysv(done, cancellation).await),
            Ok(Err(ControlError::SysV(script))) => {
                let done = self.switch_sysv(&unit, &script, operation, cancellation).await?;
                outcome(done)
            }
            Ok(Err(error)) => Err(self.failure(&unit, error, cancellation).await),
            Err(mut stop) => {
                stop.error.push_str("; ");
                stop.error.push_str(progress.told());
                Err(stop)
            }
        }
    }

    /// A failed unit's own last words are in the journal.
    async fn failure(
        &self,
        unit: &UnitName,
        error: ControlError,
        cancellation: &Cancellation,
    ) -> CommandError {
        let failed = matches!(error, ControlError::Failed { .. });
        let error = CommandError::from(error);
        if failed { error.with_stderr(self.journal(unit, cancellation).await) } else { error }
    }

    async fn journal(&self, unit: &UnitName, cancellation: &Cancellation) -> Captured {
        let arguments = ["-u", unit.as_str(), "-n", "20", "-o", "cat", "--no-pager"];
        let request = Request::new("journalctl", arguments).max_output(64 << 10);
        let finished = self.runner.run(request, &cancellation.shortened(JOURNAL_TIMEOUT)).await;
        finished.map(|finished| finished.stdout).unwrap_or_default()
    }
}

/// Sentences for people, one a line.
fn outcome(done: Done) -> CommandResult {
    let outcome = CommandOutcome::of(&done.service.info())?;
    Ok(CommandOutcome { stdout: done.note.unwrap_or_default().into(), ..outcome })
}

impl Services for SystemdServices {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async {
            let services = self.client.list_services().await?;
            Ok(services.iter().map(ServiceRecord::info).collect())
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<Service>, CommandError>> {
        Box::pin(async {
            let services = self.client.list_services().await?;
            let services = services.iter().filter(|service| service.name.ends_with(".service"));
            Ok(services.map(ServiceRecord::metric).collect())
        })
    }

    fn control<'a>(
        &'a self,
        service: &'a str,
        operation: ServiceOperation,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(self.operate(service, operation, cancellation))
    }

    fn end_machine(&self, action: PowerAction) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async move { Ok(self.client.end_machine(action == PowerAction::Reboot).await?) })
    }
}

/// Where distributions with System V scripts put it; elsewhere there is none.
const TOOL: &str = "/usr/lib/systemd/systemd-sysv-install";
/// What it writes, in bytes.
const MAX_OUTPUT_BYTES: usize = 16 << 10;

impl SystemdServices {
    /// Enables or disables a script, and looks whether it is.
    pub(super) async fn switch_sysv(
        &self,
        unit: &UnitName,
        script: &str,
        operation: ServiceOperation,
        cancellation: &Cancellation,
    ) -> Result<Done, CommandError> {
        let enables = operation == ServiceOperation::Enable;
        let word = if enables { "enable" } else { "disable" };
        let finished = self.sysv_install(word, script, cancellation).await?;
        if !finished.succeeded() {
            let error = format!("systemd-sysv-install {word} {script} failed");
            return Err(finished.into_error(ErrorCode::ExecutionFailed, error));
        }
        let reloaded = cancellation.run_until_cancelled(self.client.reload()).await?;
        reloaded.map_err(ControlError::from)?;
        let progress = Progress::default();
        let asked = self.client.control(unit, ServiceOperation::Status, &progress);
        let done = self.with_sysv(cancellation.run_until_cancelled(asked).await??, cancellation).await;
        let want = if enables { "enabled" } else { "disabled" };
        if done.service.start_type == want {
            return Ok(done);
        }
        let error = format!(
            "{unit} could not be {want}: systemd-sysv-install reported success, but the script {script} is not {want}"
        );
        Err(CommandError::new(ErrorCode::ExecutionFailed, error))
    }

    /// Of a System V script's unit the links say whether it starts at boot, not the unit's file.
    pub(super) async fn with_sysv(&self, mut done: Done, cancellation: &Cancellation) -> Done {
        let Some(script) = done.service.sysv_script.clone() else { return done };
        let Ok(finished) = self.sysv_install("is-enabled", &script, cancellation).await else { return done };
        done.service.start_type = match finished.exit_code() {
            Some(0) => "enabled".into(),
            Some(1) => "disabled".into(),
            _ => return done,
        };
        let note = format!(
            "it is the SysV script {script}; its links in /etc/rc?.d decide whether it starts at boot"
        );
        done.note = Some(done.note.map_or(note.clone(), |before| format!("{before}\n{note}")));
        done
    }

    async fn sysv_install(
        &self,
        word: &str,
        script: &str,
        cancellation: &Cancellation,
    ) -> Result<Finished, CommandError> {
        let mut request = Request::new("systemd-sysv-install", [word, script]).max_output(MAX_OUTPUT_BYTES);
        request.program = Program::At(PathBuf::from(TOOL));
        self.runner.run(request, cancellation).await.map_err(|error| {
            let error =
                format!("{script} is a SysV script, and systemd-sysv-install could not be run: {error}");
            CommandError::new(ErrorCode::Unsupported, error)
        })
    }
}
