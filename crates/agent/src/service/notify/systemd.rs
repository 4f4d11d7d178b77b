//! `sd_notify(3)`: READY, STATUS, WATCHDOG, RELOADING, STOPPING. Does nothing outside a unit of `Type=notify`.

use sd_notify::NotifyState;
use std::time::Duration;

/// The service manager's ear.
#[derive(Debug)]
pub struct Notifier {
    watchdog: Option<Duration>,
    last_fed: Duration,
    status: String,
}

impl Notifier {
    /// Reads `WATCHDOG_USEC` and `WATCHDOG_PID` from the environment.
    pub fn from_environment() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled(), last_fed: Duration::ZERO, status: String::new() }
    }

    /// The service runs. Told before the first contact with a host, which may never come.
    pub fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// One line for `systemctl status`; told only when it differs from the last.
    pub fn status(&mut self, text: String) {
        if text != self.status {
            send(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// The configuration is being read again. `Type=notify-reload` asks for the time with it.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(_) => send(&[NotifyState::Reloading]),
        }
    }

    /// The service is on its way out.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }

    /// When the watchdog must be fed at the latest: at half its time, as `sd_watchdog_enabled(3)` advises.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.watchdog.map(|period| self.last_fed + period / 2)
    }

    /// Feeds the watchdog when a quarter of its time has passed. Called by the main loop only, so that a loop that
    /// hangs is noticed.
    pub fn feed(&mut self, now: Duration) {
        if self.watchdog.is_some_and(|period| now >= self.last_fed + period / 4) {
            self.last_fed = now;
            send(&[NotifyState::Watchdog]);
        }
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::debug!("service manager not told: {error}");
    }
}
