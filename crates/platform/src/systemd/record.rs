//! One service as systemd tells it, and the two forms in which the host is told.

use super::name;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics::Service;

/// What is known of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceRecord {
    /// The unit's name.
    pub name: String,
    /// Its `Description=`; empty where the unit is not loaded.
    pub description: String,
    /// `loaded`, `masked`, `error`, … ; empty where the unit is not loaded.
    pub load_state: String,
    /// `active`, `inactive`, `failed`, …
    pub active_state: String,
    /// `running`, `exited`, `dead`, …
    pub sub_state: String,
    /// State of the unit file: `enabled`, `static`, `masked`, …
    pub start_type: String,
    /// `simple`, `notify`, `oneshot`, …
    pub service_type: Option<String>,
    /// The program that it starts.
    pub exe_path: Option<String>,
    /// Main process, while there is one.
    pub pid: Option<u32>,
    /// Units that it requires.
    pub requires: Vec<String>,
    /// How it failed, in words; absent where its last run is no failure.
    pub failure: Option<String>,
    /// How often systemd restarted it by itself since it was last started (`NRestarts`).
    pub restarts: u32,
    /// Whether that number grew lately: it comes up and fails again.
    pub restarted_lately: bool,
    /// Active units that start it again when they are used: sockets, timers, paths.
    pub triggered_by: Vec<String>,
    /// The System V script that its unit was made from.
    pub sysv_script: Option<String>,
}

impl ServiceRecord {
    /// The wire's word for the state.
    pub fn status(&self) -> &'static str {
        match (self.active_state.as_str(), self.sub_state.as_str()) {
            ("active" | "activating", _) if self.restarted_lately => "failed",
            ("active", "exited") => "exited",
            ("active", _) => "running",
            ("reloading" | "refreshing", _) => "reloading",
            // Between two starts of a program that keeps failing.
            ("activating", sub) if self.failure.is_some() && sub.starts_with("auto-restart") => "failed",
            ("activating", _) => "starting",
            ("deactivating", _) => "stopping",
            ("failed", _) => "failed",
            _ => "stopped",
        }
    }

    /// Whether systemd has it up, or is about to.
    fn is_up(&self) -> bool {
        !matches!(self.active_state.as_str(), "" | "inactive" | "failed" | "maintenance")
    }

    fn masked(&self) -> bool {
        self.load_state == "masked" || self.start_type.starts_with("masked")
    }

    /// As `ServiceList` and `ServiceControl` tell it.
    pub fn info(&self) -> ServiceInfo {
        let up = self.is_up();
        let ours = name::is_controllable(&self.name);
        ServiceInfo {
            name: self.name.clone(),
            display_name: self.display_name(),
            description: self.description.clone(),
            status: self.status().into(),
            startup_type: self.start_type.clone(),
            pid: self.pid,
            can_start: ours && !up && !self.masked(),
            can_stop: ours && up,
            can_restart: ours && !self.masked(),
            failure: self.failure(),
            restart_count: Some(self.restarts).filter(|restarts| *restarts > 0),
            triggered_by: self.triggered_by.clone(),
        }
    }

    fn failure(&self) -> Option<String> {
        let lately =
            || self.restarted_lately.then(|| "it was restarted recently, after it had ended".to_owned());
        self.failure.clone().or_else(lately)
    }

    /// As `system_metrics` tells it.
    pub fn metric(&self) -> Service {
        Service {
            name: self.name.clone(),
            display_name: self.display_name(),
            description: Some(self.description.clone()).filter(|text| !text.is_empty()),
            state: self.status().into(),
            start_type: self.start_type.clone(),
            service_type: self.service_type.clone(),
            exe_path: self.exe_path.clone(),
            pid: self.pid,
            dependencies: self.requires.clone(),
        }
    }

    fn display_name(&self) -> String {
        self.name.strip_suffix(".service").unwrap_or(&self.name).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(active: &str, sub: &str, start_type: &str) -> ServiceRecord {
        ServiceRecord {
            name: "x.service".into(),
            active_state: active.into(),
            sub_state: sub.into(),
            start_type: start_type.into(),
            ..ServiceRecord::default()
        }
    }

    #[test]
    fn systemds_states_become_the_wires_words() {
        let words = [
            ("active", "running", "running"),
            ("active", "exited", "exited"),
            ("reloading", "reload", "reloading"),
            ("inactive", "dead", "stopped"),
            ("failed", "failed", "failed"),
            ("activating", "auto-restart", "starting"),
            ("deactivating", "stop-sigterm", "stopping"),
            ("", "", "stopped"),
        ];
        for (active, sub, word) in words {
            assert_eq!(record(active, sub, "enabled").status(), word, "{active} {sub}");
        }
    }

    #[test]
    fn a_service_that_keeps_failing_is_failed_and_can_be_stopped() {
        let failing = ServiceRecord {
            failure: Some("its process ended with exit code 1".into()),
            restarts: 7,
            ..record("activating", "auto-restart", "enabled")
        };
        let info = failing.info();
        assert_eq!((info.status.as_str(), info.can_start, info.can_stop), ("failed", false, true));
        assert_eq!((info.restart_count, info.failure.is_some()), (Some(7), true));
        let up = ServiceRecord { restarted_lately: true, ..record("active", "running", "enabled") };
        assert_eq!((up.status(), up.info().can_stop), ("failed", true));
        assert!(up.info().failure.unwrap().contains("restarted"));
        let queued = ServiceRecord { sub_state: "auto-restart-queued".into(), ..failing };
        assert_eq!(queued.status(), "failed");
    }

    #[test]
    fn only_what_makes_sense_is_offered() {
        let offered = |r: ServiceRecord| {
            let info = r.info();
            (info.can_start, info.can_stop, info.can_restart)
        };
        assert_eq!(offered(record("active", "running", "enabled")), (false, true, true));
        assert_eq!(offered(record("inactive", "dead", "disabled")), (true, false, true));
        assert_eq!(offered(record("inactive", "dead", "masked")), (false, false, false));
    }
}
