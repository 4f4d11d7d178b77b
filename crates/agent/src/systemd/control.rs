//! One operation on one unit, carried through to its end.

use super::calls::Calls;
use super::client::UnitClient;
use super::error::SystemdError;
use super::job;
use super::name::UnitName;
use super::progress::Progress;
use super::record::ServiceRecord;
use infiniservice_protocol::ServiceOperation;
use zbus::Connection;

/// An operation that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The service after it.
    pub service: ServiceRecord,
    /// What else a person should know.
    pub note: Option<String>,
}

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// systemd could not be asked, or refused.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
    /// It makes no sense for this unit; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// systemd tried, and the unit failed.
    #[error("{unit} could not be {participle}: {why}")]
    Failed {
        /// The unit.
        unit: String,
        /// `started`, `stopped`, `restarted`.
        participle: &'static str,
        /// The job's result and how the main process ended.
        why: String,
    },
}

impl UnitClient {
    /// Carries out `operation` and waits for its end, however long systemd takes: the caller bounds the time. The
    /// connection is made for this operation, so that nothing is subscribed to afterwards. `progress` tells a caller that gave up
    /// how far it got.
    pub async fn control(
        &self,
        unit: &UnitName,
        operation: ServiceOperation,
        progress: &Progress,
    ) -> Result<Done, ControlError> {
        let connection = self.address().connect().await?;
        let work = Operation { connection: &connection, unit, progress };
        let done = work.run(operation).await;
        if matches!(operation, ServiceOperation::Enable | ServiceOperation::Disable) {
            self.forget_unit_files().await;
        }
        done
    }
}

/// An operation under way.
pub(super) struct Operation<'a> {
    pub(super) connection: &'a Connection,
    pub(super) unit: &'a UnitName,
    pub(super) progress: &'a Progress,
}

/// What `EnableUnitFiles` returns beside the flag: type of change, link, target.
type Changes = Vec<(String, String, String)>;

impl Operation<'_> {
    pub(super) fn calls(&self) -> Calls<'_> {
        Calls { connection: self.connection, unit: self.unit.as_str() }
    }

    async fn run(&self, operation: ServiceOperation) -> Result<Done, ControlError> {
        let own = self.refuse_own(operation).await?;
        if self.unit.is_template() {
            return self.run_template(operation).await;
        }
        let path = self.calls().load().await?;
        self.check_loaded(&path, operation).await?;
        match operation {
            ServiceOperation::Status => {}
            ServiceOperation::Enable => self.enable().await?,
            ServiceOperation::Disable => self.disable().await?,
            ServiceOperation::Restart if own => return self.restart_own(&path).await,
            _ => self.run_job(&path, operation).await?,
        }
        Ok(Done { service: self.service(&path).await?, note: None })
    }

    /// Only an instance can run, but a template can be enabled and disabled.
    async fn run_template(&self, operation: ServiceOperation) -> Result<Done, ControlError> {
        match operation {
            ServiceOperation::Enable => self.enable().await?,
            ServiceOperation::Disable => self.disable().await?,
            ServiceOperation::Status => {}
            _ => {
                let error = format!(
                    "{} is a template: name an instance of it, such as one with a word after @",
                    self.unit
                );
                return Err(ControlError::Refused(error));
            }
        }
        let start_type = self.calls().ask("GetUnitFileState", &self.unit.as_str()).await?;
        let service = ServiceRecord { name: self.unit.to_string(), start_type, ..ServiceRecord::default() };
        Ok(Done { service, note: None })
    }

    /// The host could never reach the agent again, had it stopped or disabled it. Whether it is the agent's own unit.
    async fn refuse_own(&self, operation: ServiceOperation) -> Result<bool, ControlError> {
        if matches!(operation, ServiceOperation::Start | ServiceOperation::Enable | ServiceOperation::Status)
        {
            return Ok(false);
        }
        let is_own = self.is_own().await;
        if is_own && operation != ServiceOperation::Restart {
            let error = format!(
                "{} is this agent: without it the host could not reach this machine any more",
                self.unit
            );
            return Err(ControlError::Refused(error));
        }
        Ok(is_own)
    }

    /// By any of its names: an alias leads to the same unit.
    async fn is_own(&self) -> bool {
        let Some(own) = self.calls().own_unit().await else { return false };
        if own == self.unit.as_str() {
            return true;
        }
        let Ok(path) = self.calls().load().await else { return false };
        self.calls().unit_property::<String>(&path, "Id").await.is_ok_and(|id| id == own)
    }

    async fn check_loaded(&self, path: &str, operation: ServiceOperation) -> Result<(), ControlError> {
        let load_state: String = self.calls().unit_property(path, "LoadState").await?;
        let unit = || self.unit.to_string();
        match load_state.as_str() {
            "not-found" => Err(SystemdError::NotFound(unit()).into()),
            "masked"
                if matches!(
                    operation,
                    ServiceOperation::Status | ServiceOperation::Stop | ServiceOperation::Disable
                ) =>
            {
                Ok(())
            }
            "masked" => Err(SystemdError::Masked(unit()).into()),
            "loaded" | "stub" | "merged" => Ok(()),
            _ if operation == ServiceOperation::Status => Ok(()),
            other => {
                let (_, text): (String, String) = self.calls().unit_property(path, "LoadError").await?;
                Err(ControlError::Refused(format!("{} cannot be loaded ({other}): {text}", self.unit)))
            }
        }
    }

    async fn enable(&self) -> Result<(), ControlError> {
        self.progress.asked();
        let (installable, _): (bool, Changes) =
            self.calls().ask("EnableUnitFiles", &(&[self.unit.as_str()][..], false, false)).await?;
        if !installable {
            let error = format!(
                "{} has no [Install] section, so it cannot be enabled; other units start it",
                self.unit
            );
            return Err(ControlError::Refused(error));
        }
        Ok(self.calls().manager("Reload", &()).await.map(drop)?)
    }

    async fn disable(&self) -> Result<(), ControlError> {
        self.progress.asked();
        let _: (Changes,) = self.calls().ask("DisableUnitFiles", &(&[self.unit.as_str()][..], false)).await?;
        Ok(self.calls().manager("Reload", &()).await.map(drop)?)
    }

    async fn run_job(&self, path: &str, operation: ServiceOperation) -> Result<(), ControlError> {
        let (method, participle) = match operation {
            ServiceOperation::Stop => ("StopUnit", "stopped"),
            ServiceOperation::Restart => ("RestartUnit", "restarted"),
            _ => ("StartUnit", "started"),
        };
        let result = job::run(&self.calls(), method, &(self.unit.as_str(), "replace"), self.progress).await?;
        let failed_after =
            operation != ServiceOperation::Stop && self.service(path).await?.status() == "failed";
        if matches!(result.as_str(), "done" | "skipped") && !failed_after {
            return Ok(());
        }
        let why = self.calls().why_failed(path, &result).await;
        Err(ControlError::Failed { unit: self.unit.to_string(), participle, why })
    }

    /// The answer must leave before the agent does, so the job is not waited for.
    async fn restart_own(&self, path: &str) -> Result<Done, ControlError> {
        let service = self.service(path).await?;
        self.progress.asked();
        self.calls().manager("RestartUnit", &(self.unit.as_str(), "replace")).await?;
        self.progress.runs();
        let note = "this agent is being restarted; the connection comes back when it has started".to_owned();
        Ok(Done { service, note: Some(note) })
    }

    async fn service(&self, path: &str) -> Result<ServiceRecord, SystemdError> {
        self.calls().service(path).await
    }
}
