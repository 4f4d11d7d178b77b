//! Settings that changed while the agent runs, handed to the parts that they concern.

use super::agent::Agent;
use super::infinibay;
use crate::config::{Secret, Settings};
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::GuestMessage;
use std::sync::Arc;

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Hands the settings in force to every part; `applied` names those that changed from what was `before`.
    pub(super) fn apply(&mut self, before: &Settings, applied: &[&str]) {
        let settings = self.config.settings.clone();
        let has = |name: &str| applied.contains(&name);
        self.executor.reload(&settings.command_settings());
        self.sources.collector().set_bounds(|bounds| settings.bound_collector(bounds));
        self.reload_controllers();
        self.reload_plugins();
        self.apply_to_link(before, &settings, applied);
        self.apply_to_schedule(before, &settings, applied);
        if let Some(qga) = self.qga.as_mut().filter(|_| applied.iter().any(|name| name.starts_with("qga_"))) {
            qga.reconfigure(&settings);
        }
        if has("allow_unsafe_commands") {
            if let Some(profile) = &mut self.profile {
                profile.set_unsafe_commands(settings.allow_unsafe_commands);
            }
            self.warn_of_raw_commands();
        }
        if has("allow_scripts") {
            self.warn_of_scripts();
        }
        if has("log_level") {
            crate::logging::set_level(settings.log_level);
        }
        if has("tags") {
            self.tell_tags();
        }
    }

    /// A host that is there selects machines by them, and would not ask again.
    fn tell_tags(&mut self) {
        if self.profile.is_none() && self.link.is_host_connected() {
            let hello = self.hello();
            self.send(GuestMessage::Hello(hello));
        }
    }

    fn apply_to_link(&mut self, before: &Settings, settings: &Settings, applied: &[&str]) {
        let now = self.clock.now();
        if before.link_settings() != settings.link_settings() {
            self.link.reconfigure(now, settings.link_settings());
        }
        if let Some(secret) = settings.shared_secret.as_ref().filter(|_| applied.contains(&"shared_secret")) {
            self.link.change_secret(Secret::expose(secret));
        }
        if let Some(speech) = infinibay::speech(settings).filter(|_| applied.contains(&"vm_id")) {
            self.link.change_dialect(Arc::new(speech));
        }
    }

    fn apply_to_schedule(&mut self, before: &Settings, settings: &Settings, applied: &[&str]) {
        let now = self.clock.now().mono;
        if before.intervals() != settings.intervals() {
            self.schedule.set_intervals(now, settings.intervals());
        }
        if applied.iter().any(|name| name.starts_with("adaptive_") || *name == "collection_interval_secs") {
            self.adaptive = settings.adaptive();
            self.schedule.set_adapted(now, None);
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
