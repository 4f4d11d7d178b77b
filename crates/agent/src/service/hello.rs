//! Who this agent is, and what it offers: `hello`.

use super::agent::Agent;
use super::qga;
use infiniservice_actions::autochecks::configuration;
use infiniservice_channel::transport::Transport;
use infiniservice_platform::AGENT_VERSION;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::guest::{Capability, Channel, ChannelRole, Features, Hello};
use infiniservice_protocol::hello::CompressionLimits;
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::time::SystemTime;

/// Parts of the protocol that a host may use where it finds them here.
const WIRE_FEATURES: &[&str] = &["streams", "cancel", "progress", "batch", "trace"];
/// Why not: Infinibay's hosts know none of them.
pub(super) const NOT_OFFERED: &str = "not offered with wire_profile = \"infinibay\"";

/// What stays the same from the start of the agent to its end.
#[derive(Debug)]
pub(super) struct Identity {
    os: String,
    instance: String,
    started_at: String,
}

impl Identity {
    /// An agent that starts at `now` on the operating system of this name.
    pub(super) fn new(os: &str, now: SystemTime) -> Self {
        let instance = format!("{:032x}", fastrand::u128(..));
        Self { os: os.to_owned(), instance, started_at: rfc3339_millis(now) }
    }

    /// Random, new at each start.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Who and what this agent is, now.
    pub(super) fn hello(&self) -> Hello {
        let settings = &self.config.settings;
        let mut capabilities = self.executor.capabilities();
        capabilities.push(qga::capability(self.qga.as_deref()));
        capabilities.extend(self.wire_capabilities());
        capabilities.push(self.compression_capability());
        capabilities.push(self.plugins_capability());
        capabilities.push(self.sealed_capability());
        capabilities.push(self.bulk_capability());
        Hello {
            agent_version: AGENT_VERSION.to_owned(),
            protocol_version: 1,
            platform: std::env::consts::OS.to_owned(),
            os: self.identity.os.clone(),
            vm_id: settings.vm_id.clone(),
            // Infinibay's hosts know none.
            tags: settings.tags.clone().filter(|_| self.profile.is_none()).unwrap_or_default(),
            capabilities,
            limits: settings.limits(),
            configuration_error: configuration::problem(),
            instance: self.identity.instance.clone(),
            started_at: self.identity.started_at.clone(),
            features: Features {
                streams: self.stream_limits(),
                batch: self.batch_limits(),
                plugins: self.plugin_limits(),
                compression: self.compression_capability().enabled.then(CompressionLimits::default),
                sealed: self.sealed_lines(),
            },
            channels: self.channels(),
            timestamp: None,
        }
    }

    /// What of the protocol may be used beside actions.
    fn wire_capabilities(&self) -> impl Iterator<Item = Capability> {
        let reason = self.profile.as_ref().map(|_| NOT_OFFERED.to_owned());
        WIRE_FEATURES.iter().map(move |name| Capability {
            name: (*name).to_owned(),
            enabled: reason.is_none(),
            reason: reason.clone(),
        })
    }

    /// Whether long lines come compressed to a host that asks for it.
    fn compression_capability(&self) -> Capability {
        let off = || (!self.config.settings.compression).then_some("compression is false");
        let reason = self.profile.as_ref().map(|_| NOT_OFFERED).or_else(off).map(str::to_owned);
        Capability { name: "compression".to_owned(), enabled: reason.is_none(), reason }
    }

    fn channels(&self) -> Vec<Channel> {
        let port = self.driver.path().map(|path| path.display().to_string());
        let control = port.map(|port| Channel { role: ChannelRole::Control, port });
        control.into_iter().chain(self.bulk_channel()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn two_starts_are_told_apart_whatever_the_clock_says() {
        let (first, second) = (Identity::new("x", UNIX_EPOCH), Identity::new("x", UNIX_EPOCH));
        assert_ne!(first.instance, second.instance);
        assert_eq!((first.instance.len(), first.started_at.as_str()), (32, "1970-01-01T00:00:00.000Z"));
    }
}
