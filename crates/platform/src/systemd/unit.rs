//! What one unit is right now, and how it failed: its `Result`, how its main process ended, and how often systemd restarted it
//! (org.freedesktop.systemd1(5)).

use super::calls::{Calls, UNIT};
use super::error::SystemdError;
use super::record::ServiceRecord;
use crate::sanitize::description;
use zbus::OwnedObjectPath;
use zbus::wire::Type;

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

/// `CLD_EXITED` of `waitid(2)`: the status is an exit code, not a signal.
const EXITED: i32 = 1;

/// What a unit's last run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LastRun {
    /// `success`, `exit-code`, `timeout`, …; empty for types that have none.
    pub(super) result: String,
    /// `ExecMainCode`, a `CLD_` constant.
    pub(super) code: i32,
    /// `ExecMainStatus`: exit code or signal.
    pub(super) status: i32,
    /// `NRestarts`.
    pub(super) restarts: u32,
}

impl LastRun {
    /// How it failed, as a sentence's end.
    pub(super) fn failure(&self) -> Option<String> {
        let Self { result, code, status, .. } = self;
        Some(match result.as_str() {
            "" | "success" => return None,
            "exit-code" if *code == EXITED && *status == 0 => {
                "a process other than the main one ended with a nonzero exit code".into()
            }
            "exit-code" => format!("its process ended with exit code {status}"),
            "signal" | "core-dump" if *status != 0 => format!("its process was ended by signal {status}"),
            "signal" | "core-dump" => "one of its processes was ended by a signal".into(),
            "timeout" => "it did not start or stop within the time that its unit allows".into(),
            "watchdog" => "it did not report to systemd's watchdog in time".into(),
            "start-limit-hit" => "it was started too often in a short time".into(),
            "protocol" => "it did not behave as its unit's type requires".into(),
            "exec-condition" => "its ExecCondition= was not met".into(),
            "oom-kill" => "the OOM killer ended it".into(),
            "resources" => "systemd could not obtain a resource for it, such as a user or a directory".into(),
            "service-start-limit-hit" | "trigger-limit-hit" => {
                "the service that it starts was started too often in a short time".into()
            }
            other => format!("its result is `{other}`"),
        })
    }

    /// Whether its main process ended by itself and without an error.
    pub(super) fn ended_well(&self) -> bool {
        matches!(self.result.as_str(), "" | "success")
    }
}

/// The interface of a unit's own type, where that type has a `Result`.
pub(super) fn interface(unit: &str) -> Option<&'static str> {
    Some(match unit.rsplit_once('.')?.1 {
        "service" => "org.freedesktop.systemd1.Service",
        "socket" => "org.freedesktop.systemd1.Socket",
        "timer" => "org.freedesktop.systemd1.Timer",
        "path" => "org.freedesktop.systemd1.Path",
        "mount" => "org.freedesktop.systemd1.Mount",
        "automount" => "org.freedesktop.systemd1.Automount",
        "swap" => "org.freedesktop.systemd1.Swap",
        "scope" => "org.freedesktop.systemd1.Scope",
        _ => return None,
    })
}

impl Calls<'_> {
    /// The last run of the unit `name` at `path`. What its type does not have is empty.
    pub(super) async fn last_run(&self, path: &str, name: &str) -> Result<LastRun, SystemdError> {
        let Some(interface) = interface(name) else { return Ok(LastRun::default()) };
        let result: String = self.optional(path, interface, "Result").await?;
        if !interface.ends_with(".Service") {
            return Ok(LastRun { result, ..LastRun::default() });
        }
        Ok(LastRun {
            result,
            code: self.optional(path, interface, "ExecMainCode").await?,
            status: self.optional(path, interface, "ExecMainStatus").await?,
            restarts: self.optional(path, interface, "NRestarts").await?,
        })
    }

    /// A property that older versions, or this unit's type, may not have.
    pub(super) async fn optional<T>(&self, path: &str, interface: &str, name: &str) -> Result<T, SystemdError>
    where
        T: serde::de::DeserializeOwned + Type + Default,
    {
        match self.property(path, interface, name).await {
            Err(error) if error.breaks_connection() => Err(error),
            other => Ok(other.unwrap_or_default()),
        }
    }
}

/// The main process, where there is one.
pub(super) async fn main_pid(path: &str, calls: &Calls<'_>) -> Result<Option<u32>, SystemdError> {
    let pid: u32 = calls.service_property(path, "MainPID").await?;
    Ok(Some(pid).filter(|pid| *pid != 0))
}

/// Where System V's scripts lie: Debian's place, and that of older Red Hats.
const SYSV: [&str; 2] = ["/etc/init.d/", "/etc/rc.d/init.d/"];

/// The name of the System V script that a generated unit was made from.
pub(super) fn sysv_script(source_path: &str) -> Option<&str> {
    let script = SYSV.iter().find_map(|directory| source_path.strip_prefix(directory))?;
    (!script.is_empty() && !script.contains('/')).then_some(script)
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

    fn run(result: &str, code: i32, status: i32) -> LastRun {
        LastRun { result: result.into(), code, status, restarts: 0 }
    }

    #[test]
    fn a_failure_says_how_the_process_ended_and_success_says_nothing() {
        assert_eq!(run("exit-code", 1, 3).failure().unwrap(), "its process ended with exit code 3");
        assert_eq!(run("signal", 2, 9).failure().unwrap(), "its process was ended by signal 9");
        assert_eq!(run("core-dump", 3, 11).failure().unwrap(), "its process was ended by signal 11");
        assert!(run("exit-code", 1, 0).failure().unwrap().contains("other than the main one"));
        assert!(run("unmounted-elsewhere", 0, 0).failure().unwrap().contains("`unmounted-elsewhere`"));
        assert_eq!(run("success", 1, 0).failure(), None);
        assert_eq!(run("", 0, 0).failure(), None);
    }

    #[test]
    fn every_type_that_can_fail_by_itself_has_its_interface() {
        for unit in
            ["a.service", "a.socket", "a.timer", "a.path", "a.mount", "a.automount", "a.swap", "a.scope"]
        {
            assert!(interface(unit).is_some(), "{unit}");
        }
        assert_eq!((interface("a.target"), interface("a.slice"), interface("a")), (None, None, None));
    }
}
