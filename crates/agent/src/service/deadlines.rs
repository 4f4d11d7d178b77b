//! When the loop is to wake by itself.

use super::agent::Agent;
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use std::time::Duration;

impl<T: Transport, C: Clock> Agent<T, C> {
    /// The alarm's time: that of the next deadline, unless one is not served.
    pub(super) fn wake_at(&mut self) -> Option<Duration> {
        let wake = self.pace.wake(self.next_deadline());
        if wake.news {
            log::error!(
                "a timer is still due after it was handled, and is postponed each time (a bug in this program)"
            );
        }
        wake.at
    }

    /// When something is due; `None`: nothing ever, but for events.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let waits = self.config.settings.require_virtio && !self.opened_once && !self.stopping;
        let give_up_at = waits.then(|| self.open_timeout());
        let deadlines = [
            self.link.next_deadline(),
            self.link.bulk_deadline(),
            self.schedule.next_deadline(),
            self.streams.book.next_deadline(),
            self.notifier.next_deadline(),
            self.reloading.settling.deadline(),
            self.qga.as_ref().and_then(|qga| qga.next_deadline()),
            self.restart.map(|restart| restart.due),
            self.profile.as_ref().and_then(|profile| profile.asking_at()),
            give_up_at,
        ];
        deadlines.into_iter().flatten().min()
    }

    fn open_timeout(&self) -> Duration {
        Duration::from_secs(self.config.settings.connection_timeout_secs)
    }

    /// Whether a port that is required did not come in time.
    pub(super) fn must_give_up(&self) -> bool {
        self.config.settings.require_virtio
            && !self.opened_once
            && self.clock.now().mono >= self.open_timeout()
    }
}
