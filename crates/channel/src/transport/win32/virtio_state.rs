//! What is known of a virtio port's host on Windows, and when to look again. Pure: the driver's answers are given to it
//! (`IOCTL_GET_INFORMATION`, `vioserial/sys/public.h` of virtio-win).
//!
//! With its host away a read ends at once, again and again, so nothing is read then: the port waits for a notification, or
//! for the next look, and each time longer. A read that is pending when the host goes is not completed, and no event tells of room
//! for a write.

use super::super::Ready;
use std::time::Duration;

/// The host's state, as of the last look.
#[derive(Clone, Copy, Debug)]
pub struct VirtioState {
    host: bool,
    look_at: Option<Duration>,
    backoff: PollBackoff,
}

impl VirtioState {
    /// Of a port that was opened just now.
    pub fn new(info: &PortInfo, now: Duration) -> Self {
        let mut state = Self { host: info.host_connected, look_at: None, backoff: PollBackoff::default() };
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
            self.backoff.restart();
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
            self.look_at = Some(now + self.backoff.pause());
        }
    }
}

/// `VIRTIO_PORT_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// The port's number on its controller.
    pub id: u32,
    /// No room for a write.
    pub queue_full: bool,
    /// A host has the other end open.
    pub host_connected: bool,
    /// A guest's program has this end open.
    pub guest_connected: bool,
    /// The name that the host gave it; `None`: it gave none.
    pub name: Option<String>,
}

/// Reads the structure: a little-endian number, three booleans of one byte, a text that ends with a null.
/// `None`: too short to be one.
pub fn parse(bytes: &[u8]) -> Option<PortInfo> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let (flags, name) = rest.split_first_chunk::<3>()?;
    let [queue_full, host_connected, guest_connected] = flags.map(|flag| flag != 0);
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned());
    Some(PortInfo { id: u32::from_le_bytes(*id), queue_full, host_connected, guest_connected, name })
}

const FIRST: Duration = Duration::from_millis(50);
/// A host that comes back is noticed within this.
const LONGEST: Duration = Duration::from_secs(2);

/// The next pause.
#[derive(Clone, Copy, Debug)]
pub struct PollBackoff {
    next: Duration,
}

impl Default for PollBackoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl PollBackoff {
    /// The pause to take now; the next one is twice as long.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        pause
    }

    /// The host was there.
    pub fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn a_connected_port_is_read() {
        let info = parse(b"\x01\0\0\0\0\x01\x01org.infinibay.agent\0\0\0").expect("read");
        assert_eq!((info.id, info.host_connected, info.queue_full), (1, true, false));
        assert_eq!(info.name.as_deref(), Some("org.infinibay.agent"));
    }

    #[test]
    fn a_port_without_a_name_is_read() {
        for bytes in [&b"\x02\0\0\0\x01\0\x01"[..], b"\x02\0\0\0\x01\0\x01\0"] {
            let info = parse(bytes).expect("read");
            assert_eq!((info.name, info.host_connected, info.queue_full), (None, false, true));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(parse(&bytes).is_some(), bytes.len() >= 7);
        }
    }

    #[test]
    fn an_hour_of_absence_is_less_than_half_a_look_a_second() {
        let (mut backoff, mut passed, mut looks) = (PollBackoff::default(), Duration::ZERO, 0);
        while passed < Duration::from_secs(3600) {
            passed += backoff.pause();
            looks += 1;
        }
        assert!(looks < 1810, "{looks}");
    }

    #[test]
    fn a_host_that_was_there_is_looked_for_quickly_again() {
        let mut backoff = PollBackoff::default();
        for _ in 0..20 {
            backoff.pause();
        }
        assert_eq!(backoff.pause(), LONGEST);
        backoff.restart();
        assert_eq!(backoff.pause(), FIRST);
    }
}
