//! What is said about trouble: one line when a state begins, one when it ends, with how long and how many tries.

use super::event::OpenFailure;
use log::Level;
use std::time::Duration;

/// Said when no device is there, with what to do.
const NO_DEVICE: &str = "no virtio-serial port found; waiting for one. The machine needs a channel named org.infinibay.agent \
(libvirt: <channel type='unix'><target type='virtio' name='org.infinibay.agent'/></channel>); `infiniservice --diagnose` shows what is there";

/// Kinds of trouble; a line is due when the kind changes, not at each retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No device.
    Absent,
    /// Held by somebody else.
    Busy,
    /// No access.
    Denied,
    /// An open that failed otherwise.
    Open,
    /// A read or write failed.
    Io,
    /// A heartbeat was not answered.
    Heartbeat,
    /// The host stopped reading.
    Stalled,
    /// The device went away under us.
    Gone,
}

impl Kind {
    /// Whether an open port ends it; the others end when the host answers.
    fn ends_at_open(self) -> bool {
        matches!(self, Self::Absent | Self::Busy | Self::Denied | Self::Open | Self::Gone)
    }
}

impl OpenFailure {
    /// Its kind, and its sentence.
    pub(super) fn explain(self) -> (Kind, String) {
        match self {
            Self::Absent => (Kind::Absent, NO_DEVICE.to_owned()),
            Self::Busy(who) => (Kind::Busy, format!("the port is busy: {who}; trying again")),
            Self::Denied(what) => (Kind::Denied, format!("no access to the port: {what}; trying again")),
            Self::Other(error) => (Kind::Open, format!("opening the port failed: {error}; trying again")),
        }
    }
}

#[derive(Debug)]
struct Current {
    kind: Kind,
    since: Duration,
    tries: u64,
}

/// The trouble of this moment.
#[derive(Debug, Default)]
pub struct FaultLog {
    current: Option<Current>,
}

impl FaultLog {
    /// It failed again, or anew. The first of a kind is a warning, the rest is for `--debug`.
    pub fn begins(&mut self, now: Duration, kind: Kind) -> Level {
        let known = self.current.as_ref().is_some_and(|current| current.kind == kind);
        let current = self.current.get_or_insert(Current { kind, since: now, tries: 0 });
        current.kind = kind;
        current.tries += 1;
        if known { Level::Debug } else { Level::Warn }
    }

    /// A port is open.
    pub fn opened(&mut self, now: Duration, path: &str) -> (Level, String) {
        match self.current.take() {
            None => (Level::Info, format!("port {path} is open")),
            Some(current) if current.kind.ends_at_open() => {
                (Level::Info, format!("port {path} is open after {}", current.told(now)))
            }
            still => {
                self.current = still;
                (Level::Debug, format!("port {path} is open"))
            }
        }
    }

    /// The host answered: whatever it was, it is over.
    pub fn ends(&mut self, now: Duration) -> Option<String> {
        let current = self.current.take()?;
        Some(format!("the connection works again after {}", current.told(now)))
    }
}

impl Current {
    fn told(&self, now: Duration) -> String {
        let seconds = Duration::from_secs(now.saturating_sub(self.since).as_secs());
        let plural = if self.tries == 1 { "failure" } else { "failures" };
        format!("{} and {} {plural}", humantime::format_duration(seconds), self.tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_state_is_told_when_it_begins_and_when_it_ends_not_at_each_retry() {
        let mut faults = FaultLog::default();
        assert_eq!(faults.begins(s(10), Kind::Busy), Level::Warn);
        for second in 11..100 {
            assert_eq!(faults.begins(s(second), Kind::Busy), Level::Debug);
        }
        let (level, text) = faults.opened(s(200), "/dev/vport1p1");
        assert_eq!(
            (level, text.as_str()),
            (Level::Info, "port /dev/vport1p1 is open after 3m 10s and 90 failures")
        );
        assert_eq!(faults.opened(s(300), "x").1, "port x is open");
    }

    #[test]
    fn another_kind_is_told_and_the_time_counts_from_the_first() {
        let mut faults = FaultLog::default();
        faults.begins(s(0), Kind::Gone);
        assert_eq!(faults.begins(s(0), Kind::Absent), Level::Warn);
        assert_eq!(faults.opened(s(60), "x").1, "port x is open after 1m and 2 failures");
    }

    #[test]
    fn a_silent_host_is_told_once_though_the_port_opens_each_time() {
        let mut faults = FaultLog::default();
        assert_eq!(faults.begins(s(0), Kind::Heartbeat), Level::Warn);
        assert_eq!(faults.opened(s(5), "x").0, Level::Debug);
        assert_eq!(faults.begins(s(90), Kind::Heartbeat), Level::Debug);
        let text = faults.ends(s(120)).expect("it had begun");
        assert_eq!(text, "the connection works again after 2m and 2 failures");
        assert_eq!(faults.ends(s(121)), None);
    }
}
