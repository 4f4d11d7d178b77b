//! How a unit failed: its `Result`, how its main process ended, and how often systemd restarted it (org.freedesktop.systemd1(5)).

use super::calls::Calls;
use super::error::SystemdError;
use zbus::wire::Type;

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

#[cfg(test)]
mod tests {
    use super::*;

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
