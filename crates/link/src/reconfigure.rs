//! What a link can be told to do otherwise while it runs. Lines and bytes under way stay what they are.

use super::dialect::Dialect;
use super::{Link, LinkSettings};
use infiniservice_protocol::Limits;
use infiniservice_protocol::clock::Now;
use std::sync::Arc;

impl Link {
    /// Takes over times, thresholds and the outbox's bound. The lengths of lines stay: buffers are made for them, and the host was
    /// told of them.
    pub fn reconfigure(&mut self, now: Now, settings: LinkSettings) {
        self.breaker.set_settings(now.mono, settings.breaker.clone());
        self.connection.set_waits(now.mono, &settings, &self.breaker);
        self.keep_alive.set_times(now.mono, settings.keep_alive_interval, settings.keep_alive_timeout);
        self.silence.set_waits(&settings);
        self.outbox.set_max_bytes(settings.limits.outbox_max_bytes);
        self.outbox.set_askers_limits(&settings.limits);
        let Limits { max_line_bytes, max_outgoing_line_bytes, .. } = self.settings.limits;
        let limits = Limits { max_line_bytes, max_outgoing_line_bytes, ..settings.limits };
        self.settings = LinkSettings { limits, ..settings };
    }

    /// Takes another secret in the place of the one there is. Without one this does nothing: whether lines are signed is settled
    /// at the start.
    pub fn change_secret(&mut self, secret: &str) {
        self.auth.change_secret(secret);
    }

    /// Speaks otherwise to the kind of host that it was made for.
    pub fn change_dialect(&mut self, dialect: Arc<dyn Dialect>) {
        if self.dialect.is_some() {
            self.outbox.dialect = Some(Arc::clone(&dialect));
            self.dialect = Some(dialect);
        }
    }

    /// What holds.
    pub fn settings(&self) -> &LinkSettings {
        &self.settings
    }
}
