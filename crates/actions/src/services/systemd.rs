//! Services are systemd's units.

use crate::context::{PowerAction, Services};
use infiniservice_exec::{
    BoxFuture, Captured, CommandError, CommandOutcome, CommandResult, Control, Request, Runner,
};
use infiniservice_platform::systemd::control::ControlError;
use infiniservice_platform::systemd::ends::Ends;
use infiniservice_platform::systemd::name::UnitName;
use infiniservice_platform::systemd::{Done, Progress, ServiceRecord, UnitClient};
use infiniservice_protocol::ServiceOperation;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics::Service;
use std::sync::Arc;
use std::time::Duration;

/// How long journalctl may take to tell a failed unit's last lines.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(10);

/// [`Services`] over systemd's bus interface.
pub struct SystemdServices {
    pub(super) client: UnitClient,
    pub(super) runner: Arc<dyn Runner>,
}

impl SystemdServices {
    /// `runner` starts journalctl where a unit failed.
    pub fn new(client: UnitClient, runner: Arc<dyn Runner>) -> Self {
        Self { client, runner }
    }

    async fn operate(&self, service: &str, operation: ServiceOperation, control: &Control) -> CommandResult {
        if let Some(ends) = Ends::of(service)
            && operation != ServiceOperation::Status
        {
            return Err(ControlError::NotForServices(ends.refusal(service, "")).into());
        }
        let unit = UnitName::parse(service)?;
        let progress = Progress::within(control.remaining());
        match control.bound(self.client.control(&unit, operation, &progress)).await {
            Ok(Ok(done)) => outcome(self.with_sysv(done, control).await),
            Ok(Err(ControlError::SysV(script))) => {
                let done = self.switch_sysv(&unit, &script, operation, control).await?;
                outcome(done)
            }
            Ok(Err(error)) => Err(self.failure(&unit, error, control).await),
            Err(mut stop) => {
                stop.error.push_str("; ");
                stop.error.push_str(progress.told());
                Err(stop)
            }
        }
    }

    /// A failed unit's own last words are in the journal.
    async fn failure(&self, unit: &UnitName, error: ControlError, control: &Control) -> CommandError {
        let failed = matches!(error, ControlError::Failed { .. });
        let error = CommandError::from(error);
        if failed { error.with_stderr(self.journal(unit, control).await) } else { error }
    }

    async fn journal(&self, unit: &UnitName, control: &Control) -> Captured {
        let arguments = ["-u", unit.as_str(), "-n", "20", "-o", "cat", "--no-pager"];
        let request = Request::new("journalctl", arguments).max_output(64 << 10);
        let finished = self.runner.run(request, &control.shortened(JOURNAL_TIMEOUT)).await;
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
        control: &'a Control,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(self.operate(service, operation, control))
    }

    fn end_machine(&self, action: PowerAction) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async move { Ok(self.client.end_machine(action == PowerAction::Reboot).await?) })
    }
}
