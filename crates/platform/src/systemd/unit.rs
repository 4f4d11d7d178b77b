//! What one unit is right now.

use super::calls::{Calls, UNIT};
use super::details::main_pid;
use super::error::SystemdError;
use super::failure::LastRun;
use super::record::ServiceRecord;
use super::startup::sysv_script;
use crate::one_line::description;
use zbus::OwnedObjectPath;

/// Units that may start another, of which the state is looked up.
const MAX_TRIGGERS: usize = 8;

impl Calls<'_> {
    /// The unit at `path`, read afresh.
    pub(super) async fn service(&self, path: &str) -> Result<ServiceRecord, SystemdError> {
        let name: String = self.unit_property(path, "Id").await?;
        let service = name.ends_with(".service");
        let last_run = self.last_run(path, &name).await?;
        let active_state: String = self.unit_property(path, "ActiveState").await?;
        let sub_state: String = self.unit_property(path, "SubState").await?;
        Ok(ServiceRecord {
            description: description(&self.unit_property::<String>(path, "Description").await?),
            load_state: self.unit_property(path, "LoadState").await?,
            start_type: self.unit_property(path, "UnitFileState").await?,
            pid: if service { main_pid(path, self).await? } else { None },
            failure: failure(&active_state, &sub_state, &last_run),
            restarts: last_run.restarts,
            active_state,
            sub_state,
            sysv_script: self.sysv_script(path).await?,
            triggered_by: self.active_triggers(path).await?,
            name,
            ..ServiceRecord::default()
        })
    }

    async fn sysv_script(&self, path: &str) -> Result<Option<String>, SystemdError> {
        let source: String = self.optional(path, UNIT, "SourcePath").await?;
        Ok(sysv_script(&source).map(str::to_owned))
    }

    /// The sockets, timers and paths that start the unit, and units that hold it up, as far as they are active.
    pub(super) async fn active_triggers(&self, path: &str) -> Result<Vec<String>, SystemdError> {
        let mut active = Vec::new();
        for property in ["TriggeredBy", "UpheldBy"] {
            let names: Vec<String> = self.optional(path, UNIT, property).await?;
            for name in names.into_iter().take(MAX_TRIGGERS) {
                let loaded: Result<OwnedObjectPath, _> = self.ask("GetUnit", &name.as_str()).await;
                let Ok(trigger) = loaded else { continue };
                let state: String = self.optional(trigger.as_str(), UNIT, "ActiveState").await?;
                if matches!(state.as_str(), "active" | "activating" | "reloading") {
                    active.push(name);
                }
            }
        }
        Ok(active)
    }

    /// The unit that this process belongs to, where systemd started it.
    pub(super) async fn own_unit(&self) -> Option<String> {
        let path: OwnedObjectPath = self.ask("GetUnitByPID", &std::process::id()).await.ok()?;
        self.unit_property(path.as_str(), "Id").await.ok()
    }

    /// How a unit failed, as a sentence's end.
    pub(super) async fn why_failed(&self, path: &str, job_result: &str) -> String {
        let last_run = self.last_run(path, self.unit).await.unwrap_or_default();
        explain(job_result, &last_run)
    }
}

/// Of a unit that is up, or was stopped, an earlier failure is over.
pub(super) fn failure(active: &str, sub: &str, last_run: &LastRun) -> Option<String> {
    let failing = active == "failed" || active == "activating" && sub.starts_with("auto-restart");
    if failing { last_run.failure() } else { None }
}

fn explain(job_result: &str, last_run: &LastRun) -> String {
    match (job_result, last_run.failure()) {
        ("dependency", _) => "a unit that it requires failed (job result `dependency`)".into(),
        ("canceled", _) => "another request replaced it (job result `canceled`)".into(),
        (_, Some(how)) => format!("{how} (job result `{job_result}`)"),
        (_, None) => format!("job result `{job_result}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_how_the_process_ended_and_what_the_job_said() {
        let run = |result: &str, status| LastRun { result: result.into(), code: 1, status, restarts: 0 };
        assert_eq!(
            explain("failed", &run("exit-code", 3)),
            "its process ended with exit code 3 (job result `failed`)"
        );
        assert_eq!(explain("timeout", &run("success", 0)), "job result `timeout`");
        assert!(explain("dependency", &run("success", 0)).contains("requires"));
    }

    #[test]
    fn only_what_fails_now_has_a_failure() {
        let run = LastRun { result: "exit-code".into(), code: 1, status: 1, restarts: 2 };
        for (active, sub, fails) in [
            ("failed", "failed", true),
            ("activating", "auto-restart", true),
            ("activating", "auto-restart-queued", true),
            ("activating", "start", false),
            ("active", "running", false),
            ("inactive", "dead", false),
        ] {
            assert_eq!(failure(active, sub, &run).is_some(), fails, "{active} {sub}");
        }
    }
}
