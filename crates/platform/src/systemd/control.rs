//! One operation on one unit, carried through to its end; and how far it got, for the sentence about one whose time was over
//! before.

use super::after;
use super::calls::Calls;
use super::client::UnitClient;
use super::error::SystemdError;
use super::job::{self, Progress};
use super::name::UnitName;
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
    /// It is no matter of services; the sentence names the action that is meant for it, where there is one.
    #[error("{0}")]
    NotForServices(String),
    /// Enabling and disabling it is up to `systemd-sysv-install`: it is a System V script of this name.
    #[error("{0} is a SysV script")]
    SysV(String),
    /// systemd tried, and the unit failed.
    #[error("{unit} could not be {participle}: {why}")]
    Failed {
        /// The unit.
        unit: String,
        /// `started`, `stopped`, `restarted`, `enabled`, `disabled`.
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
        let work = Operation { connection: &connection, unit, progress, own: self.own() };
        let done = work.run(operation).await;
        if matches!(operation, ServiceOperation::Enable | ServiceOperation::Disable) {
            self.forget_unit_files().await;
        }
        done
    }
}

impl UnitClient {
    /// Has systemd read all unit files anew.
    pub async fn reload(&self) -> Result<(), SystemdError> {
        let connection = self.address().connect().await?;
        let reloaded = Calls { connection: &connection, unit: "(all)" }.manager("Reload", &()).await;
        self.forget_unit_files().await;
        reloaded.map(drop)
    }
}

/// An operation under way.
pub(super) struct Operation<'a> {
    pub(super) connection: &'a Connection,
    pub(super) unit: &'a UnitName,
    pub(super) progress: &'a Progress,
    pub(super) own: Option<&'static str>,
}

impl Operation<'_> {
    pub(super) fn calls(&self) -> Calls<'_> {
        Calls { connection: self.connection, unit: self.unit.as_str() }
    }

    async fn run(&self, operation: ServiceOperation) -> Result<Done, ControlError> {
        self.refuse_by_name(operation)?;
        let own = self.refuse_own(operation).await?;
        if self.unit.is_template() {
            return self.run_template(operation).await;
        }
        let path = self.calls().load().await?;
        self.check_loaded(&path, operation).await?;
        self.guard(&path, operation).await?;
        let note = match operation {
            ServiceOperation::Status => None,
            ServiceOperation::Enable => self.enable(&self.file_name(&path).await?, Some(&path)).await?,
            ServiceOperation::Disable => self.disable(&self.file_name(&path).await?, Some(&path)).await?,
            ServiceOperation::Restart if own => return self.restart_own(&path).await,
            _ => self.run_job(&path, operation).await?,
        };
        let service = self.service(&path).await?;
        let started = matches!(operation, ServiceOperation::Start | ServiceOperation::Restart);
        if started && note.is_none() && matches!(service.active_state.as_str(), "inactive" | "failed") {
            return Err(self.ended_meanwhile(&path).await?);
        }
        Ok(Done { service, note })
    }

    /// A unit that was up when it was judged, and is not when it is told.
    async fn ended_meanwhile(&self, path: &str) -> Result<ControlError, SystemdError> {
        let after = self.calls().after(path).await?;
        let why = after.of_start(after.last_run.restarts).err();
        let why = why.unwrap_or_else(|| "it ended at once, and is active again".into());
        Ok(ControlError::Failed { unit: self.unit.to_string(), participle: "started", why })
    }

    /// The name under which the unit's file is enabled: an alias's own link is another matter.
    async fn file_name(&self, path: &str) -> Result<String, SystemdError> {
        self.calls().unit_property(path, "Id").await
    }

    /// Only an instance can run, but a template can be enabled and disabled.
    async fn run_template(&self, operation: ServiceOperation) -> Result<Done, ControlError> {
        let name = self.unit.as_str();
        let note = match operation {
            ServiceOperation::Enable => self.enable(name, None).await?,
            ServiceOperation::Disable => self.disable(name, None).await?,
            ServiceOperation::Status => None,
            _ => {
                let error = format!("{name} is a template: name an instance of it, with a word after @");
                return Err(ControlError::Refused(error));
            }
        };
        let start_type = self.calls().ask("GetUnitFileState", &name).await?;
        let service = ServiceRecord { name: name.to_owned(), start_type, ..ServiceRecord::default() };
        Ok(Done { service, note })
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

    /// A job that was done is one thing, the unit afterwards another: both count.
    async fn run_job(&self, path: &str, operation: ServiceOperation) -> Result<Option<String>, ControlError> {
        let (method, participle) = match operation {
            ServiceOperation::Stop => ("StopUnit", "stopped"),
            ServiceOperation::Restart => ("RestartUnit", "restarted"),
            _ => ("StartUnit", "started"),
        };
        let failed = |why| ControlError::Failed { unit: self.unit.to_string(), participle, why };
        let calls = self.calls();
        // A unit that is stopped is forgotten, and with it why it was not started. Ends with the connection.
        let _ = calls.manager("RefUnit", &self.unit.as_str()).await;
        let result = job::run(&calls, method, &(self.unit.as_str(), "replace"), self.progress).await?;
        if !matches!(result.as_str(), "done" | "skipped") {
            return Err(failed(self.why_not(path, &result).await));
        }
        let restarts = calls.last_run(path, self.unit.as_str()).await?.restarts;
        let after = after::look(&calls, path, self.progress.settle()).await?;
        let verdict =
            if operation == ServiceOperation::Stop { after.of_stop() } else { after.of_start(restarts) };
        verdict.map_err(|why| failed(format!("{why} (job result `{result}`)")))
    }

    async fn why_not(&self, path: &str, result: &str) -> String {
        let unmet =
            if result == "assert" { self.calls().unmet(path).await.unwrap_or_default() } else { Vec::new() };
        if unmet.is_empty() {
            return self.calls().why_failed(path, result).await;
        }
        format!("this condition was not met: {} (job result `{result}`)", unmet.join(", "))
    }

    /// The answer must leave before the agent does, so the job is not waited for.
    async fn restart_own(&self, path: &str) -> Result<Done, ControlError> {
        let service = self.service(path).await?;
        self.progress.asked();
        self.calls().manager("RestartUnit", &(self.unit.as_str(), "replace")).await?;
        self.progress.runs();
        let note = "this agent is being restarted; it reconnects when it has started".to_owned();
        Ok(Done { service, note: Some(note) })
    }

    async fn service(&self, path: &str) -> Result<ServiceRecord, SystemdError> {
        self.calls().service(path).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_reached_is_told_and_nothing_is_taken_back() {
        let progress = Progress::default();
        assert!(progress.told().contains("not yet received a request"));
        progress.asked();
        assert!(progress.told().contains("received the request"));
        progress.runs();
        progress.asked();
        assert!(progress.told().contains("continues"));
    }
}
