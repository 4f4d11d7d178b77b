//! Sealing a machine as a template: what its copies must not have in common goes, step by step, and each step looks afterwards
//! whether it holds. One step that fails keeps no other from being made, so that whoever asks again learns of all at once.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, target_os = "windows"))]
#[cfg_attr(not(target_os = "windows"), allow(dead_code, reason = "Windows alone is asked for it"))]
mod sysprep;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{machine, obstacle};
#[cfg(target_os = "windows")]
pub(crate) use windows::{machine, obstacle};

use crate::context::Services;
use infiniservice_exec::{Cancellation, Runner};
use infiniservice_protocol::action::CleanupLevel;
use infiniservice_protocol::data::SealStep;
use std::time::Duration;

/// The longest that one step may take.
pub(crate) const STEP_MAX: Duration = Duration::from_secs(60);

/// What a step did, or what is wrong.
pub(crate) type Made = Result<String, String>;

/// What is sealed, and through what.
pub(crate) struct Work<'a> {
    pub(crate) level: CleanupLevel,
    pub(crate) users: bool,
    pub(crate) runner: &'a dyn Runner,
    pub(crate) services: &'a dyn Services,
    pub(crate) cancellation: &'a Cancellation,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Report(pub(crate) Vec<SealStep>);

impl Report {
    /// Takes what came of one.
    pub(crate) fn take(&mut self, name: &str, made: Made) {
        let ok = made.is_ok();
        let message = made.unwrap_or_else(|why| why);
        if ok {
            log::info!("sealing: {name}: {message}");
        } else {
            log::error!("sealing: {name} failed: {message}");
        }
        self.0.push(SealStep { name: name.to_owned(), ok, message });
    }

    /// The names and reasons of those that failed; `None` where none did.
    pub(crate) fn failure(&self) -> Option<String> {
        let failed: Vec<_> = self.0.iter().filter(|step| !step.ok).collect();
        let told: Vec<_> = failed.iter().map(|step| format!("{} ({})", step.name, step.message)).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_that_failed_is_named_with_its_reason() {
        let mut report = Report::default();
        report.take("machine_id", Ok("empty".into()));
        assert_eq!(report.failure(), None);
        report.take("dhcp_leases", Err("read-only".into()));
        report.take("caches", Err("full".into()));
        assert_eq!(report.failure().as_deref(), Some("dhcp_leases (read-only), caches (full)"));
    }
}
