//! What is known of a virtio port's host on Windows, and when to look again. Pure: the driver's answers are given to it.
//!
//! With its host away a read ends at once, again and again, so nothing is read then: the port waits for a notification, or
//! for the next look. A read that is pending when the host goes is not completed, and no event tells of room for a write.

use super::super::Ready;
use super::info::PortInfo;
use super::patience::Patience;
use std::time::Duration;

/// The host's state, as of the last look.
#[derive(Clone, Copy, Debug)]
pub struct VirtioState {
    host: bool,
    look_at: Option<Duration>,
    patience: Patience,
}

impl VirtioState {
    /// Of a port that was opened just now.
    pub fn new(info: &PortInfo, now: Duration) -> Self {
        let mut state = Self { host: info.host_connected, look_at: None, patience: Patience::default() };
        if !state.host {
            state.look_later(now);
        }
        state
    }

    /// Whether a host is connected.
    pub fn host(&self) -> bool {
        self.host
    }

    /// When to look next, if no notification comes before.
    pub fn look_at(&self) -> Option<Duration> {
        self.look_at
    }

    /// The driver was asked: what follows for the reader and the writer. A port that no longer answers is read from,
    /// which tells why.
    pub fn looked(&mut self, now: Duration, info: Option<&PortInfo>) -> Ready {
        let Some(info) = info else {
            return Ready { readable: true, writable: false, host: Some(self.host) };
        };
        let came = info.host_connected && !self.host;
        self.host = info.host_connected;
        if !self.host || info.queue_full {
            self.look_later(now);
        } else {
            self.look_at = None;
            self.patience.restart();
        }
        let writable = self.host && !info.queue_full;
        Ready { readable: came, writable, host: Some(self.host) }
    }

    /// A read hung up. Whether the host is away: the failure may be an old one, of a host that is back.
    pub fn hung_up(&mut self, now: Duration, info: Option<&PortInfo>) -> bool {
        self.looked(now, info);
        let away = info.is_none_or(|info| !info.host_connected);
        if away {
            self.host = false;
            self.look_later(now);
        }
        away
    }

    /// Whether a write can succeed: one that cannot fails only after it was taken.
    pub fn may_write(&mut self, now: Duration, info: Option<&PortInfo>) -> bool {
        self.looked(now, info).writable
    }

    fn look_later(&mut self, now: Duration) {
        if self.look_at.is_none_or(|at| at <= now) {
            self.look_at = Some(now + self.patience.pause());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn info(host_connected: bool, queue_full: bool) -> PortInfo {
        PortInfo { id: 1, queue_full, host_connected, guest_connected: true, name: None }
    }

    #[test]
    fn a_host_that_comes_makes_the_port_readable_and_writable() {
        let mut state = VirtioState::new(&info(false, false), MS(0));
        let ready = state.looked(MS(50), Some(&info(true, false)));
        assert_eq!(ready, Ready { readable: true, writable: true, host: Some(true) });
        assert_eq!(state.look_at(), None, "from here on events tell");
    }

    #[test]
    fn a_host_that_goes_is_told_and_nothing_is_read_until_it_is_back() {
        let mut state = VirtioState::new(&info(true, false), MS(0));
        let ready = state.looked(MS(10), Some(&info(false, false)));
        assert_eq!(ready, Ready { readable: false, writable: false, host: Some(false) });
        assert!(state.look_at().is_some());
    }

    #[test]
    fn looks_at_an_absent_host_become_rare() {
        let mut state = VirtioState::new(&info(false, false), MS(0));
        let mut looks = 0;
        while let Some(at) = state.look_at().filter(|at| *at < Duration::from_secs(60)) {
            state.looked(at, Some(&info(false, false)));
            looks += 1;
        }
        assert!(looks < 40, "{looks} looks in a minute");
    }

    #[test]
    fn turns_of_the_loop_in_between_do_not_put_the_look_off() {
        let mut state = VirtioState::new(&info(false, false), MS(0));
        let at = state.look_at().expect("a look");
        state.hung_up(MS(1), Some(&info(false, false)));
        assert_eq!(state.look_at(), Some(at));
    }

    #[test]
    fn an_old_failure_is_no_hang_up_once_the_host_is_back() {
        let mut state = VirtioState::new(&info(true, false), MS(0));
        assert!(!state.hung_up(MS(5), Some(&info(true, false))));
        assert!(state.hung_up(MS(5), Some(&info(false, false))));
        assert!(!state.host());
    }

    #[test]
    fn nothing_is_written_into_a_full_queue_and_room_is_looked_for() {
        let mut state = VirtioState::new(&info(true, false), MS(0));
        assert!(!state.may_write(MS(1), Some(&info(true, true))));
        let at = state.look_at().expect("a look");
        assert_eq!(
            state.looked(at, Some(&info(true, false))),
            Ready { readable: false, writable: true, host: Some(true) }
        );
    }
}
