//! The configuration, read again: what of it holds at once, and what is said of it.

use super::agent::Agent;
use infiniservice_actions::autochecks::configuration;
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use std::time::Duration;

/// Requests to read the configuration again are waited for until none came for this long,
const RELOAD_SETTLES: Duration = Duration::from_millis(200);
/// but no longer than this.
const RELOAD_WITHIN: Duration = Duration::from_secs(2);

/// Requests to read the configuration again that are settling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settling {
    pub(super) first: Duration,
    pub(super) due: Duration,
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Reads the configuration again once the requests to do so have settled: a burst of them is one.
    pub(super) fn want_reload(&mut self) {
        let now = self.clock.now().mono;
        if self.settling.is_none() {
            self.notifier.reloading();
        }
        let first = self.settling.map_or(now, |settling| settling.first);
        self.settling = Some(Settling { first, due: (now + RELOAD_SETTLES).min(first + RELOAD_WITHIN) });
    }

    pub(super) fn reload(&mut self) {
        self.settling = None;
        self.counts.reloads += 1;
        match self.config.reload() {
            Ok(reloaded) => {
                configuration::report_problem(None);
                self.apply(&reloaded.applied, &reloaded.needs_restart);
                if let Err(error) = self.config.keep() {
                    log::debug!("cannot keep a copy of the valid configuration: {error}");
                }
            }
            Err(errors) => {
                configuration::report_problem(Some(&errors.to_string()));
                log::error!("configuration not reloaded, the old one stays in force: {errors}");
            }
        }
        self.notifier.ready();
    }

    fn apply(&mut self, applied: &[&str], needs_restart: &[&str]) {
        self.reload_controllers();
        let settings = &self.config.settings;
        self.executor.reload(&settings.command_settings());
        self.reload_plugins();
        if applied.iter().any(|name| name.ends_with("_interval_secs")) {
            self.schedule.set_intervals(self.clock.now().mono, settings.intervals());
        }
        if applied.iter().any(|name| name.starts_with("adaptive_") || *name == "collection_interval_secs") {
            self.adaptive = settings.adaptive();
            self.schedule.set_adapted(self.clock.now().mono, None);
        }
        if applied.contains(&"allow_unsafe_commands") {
            if let Some(profile) = &mut self.profile {
                profile.set_unsafe_commands(settings.allow_unsafe_commands);
            }
            self.warn_of_raw_commands();
        }
        if applied.contains(&"allow_scripts") {
            self.warn_of_scripts();
        }
        if applied.contains(&"log_level") {
            crate::logging::set_level(settings.log_level);
        }
        log::info!("configuration reloaded; changed: {}", list(applied));
        if !needs_restart.is_empty() {
            log::warn!(
                "changed in the configuration, but effective only after a restart: {}",
                list(needs_restart)
            );
        }
    }

    pub(super) fn warn_of_raw_commands(&self) {
        if self.config.settings.allow_unsafe_commands {
            let origin = self.config.merged.origin("allow_unsafe_commands");
            log::warn!("allow_unsafe_commands is set ({origin}): the host may run any shell command as root");
        }
    }

    pub(super) fn warn_of_scripts(&self) {
        if self.config.settings.allow_scripts {
            let origin = self.config.merged.origin("allow_scripts");
            log::warn!("allow_scripts is set ({origin}): the host may run any script as root");
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
