//! Ends the process when its own end does not come: whatever hangs, a service that was asked to stop is gone after its deadline.

use super::signals::{Signal, Signals};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// It sleeps and little else.
const STACK_BYTES: usize = 64 << 10;
/// The end was not in order.
const EXIT_CODE: u8 = 1;

/// An end that keeps its deadline, and flushes its log, is over by then.
const BEYOND_THE_DEADLINE: Duration = Duration::from_millis(500);

/// Another source of signals, whose first request to stop starts the countdown. The countdown ends with this value.
pub(super) struct Backstop<S> {
    signals: S,
    limit: Duration,
    expired: fn(),
    /// Its end stops the countdown.
    armed: Option<SyncSender<()>>,
}

impl<S: Signals> Backstop<S> {
    /// With the time that an end may take.
    pub(super) fn new(signals: S, limit: Duration) -> Self {
        Self { signals, limit: limit + BEYOND_THE_DEADLINE, expired: exit, armed: None }
    }

    fn arm(&mut self) {
        if self.armed.is_some() {
            return;
        }
        let (armed, disarmed) = sync_channel(0);
        let (limit, expired) = (self.limit, self.expired);
        let thread = thread::Builder::new().name("backstop".into()).stack_size(STACK_BYTES);
        match thread.spawn(move || count_down(&disarmed, limit, expired)) {
            Ok(_) => self.armed = Some(armed),
            Err(error) => log::warn!(
                "nothing will end the process if it hangs, because no thread could be started: {error}"
            ),
        }
    }
}

impl<S: Signals> Signals for Backstop<S> {
    async fn next(&mut self) -> Signal {
        let signal = self.signals.next().await;
        if matches!(signal, Signal::Stop(_)) {
            self.arm();
        }
        signal
    }

    fn end_within(&mut self, limit: Duration) {
        self.limit = limit + BEYOND_THE_DEADLINE;
    }
}

fn count_down(disarmed: &Receiver<()>, limit: Duration, expired: fn()) {
    if disarmed.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        expired();
    }
}

fn exit() {
    // The main thread hangs; the log's own thread may not.
    log::error!("shutdown took longer than shutdown_timeout_secs because something hangs; exiting anyway");
    crate::logging::flush();
    super::manager::end(EXIT_CODE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Always(Signal);

    impl Signals for Always {
        async fn next(&mut self) -> Signal {
            self.0
        }
    }

    static EXPIRED: AtomicBool = AtomicBool::new(false);

    #[tokio::test]
    async fn a_request_to_stop_starts_the_countdown_and_a_reload_does_not() {
        let mut reloads = Backstop::new(Always(Signal::Reload), Duration::ZERO);
        assert_eq!(reloads.next().await, Signal::Reload);
        assert!(reloads.armed.is_none());
        reloads.end_within(Duration::from_secs(7));
        assert_eq!(reloads.limit, Duration::from_millis(7500));
        let mut stops = Backstop::new(Always(Signal::Stop("a test")), Duration::from_secs(3600));
        stops.expired = || EXPIRED.store(true, Ordering::Relaxed);
        assert_eq!(stops.next().await, Signal::Stop("a test"));
        assert!(stops.armed.is_some());
    }

    #[test]
    fn an_end_in_time_disarms_it_and_one_that_is_late_does_not() {
        let (armed, disarmed) = sync_channel(0);
        drop(armed);
        count_down(&disarmed, Duration::from_secs(3600), || panic!("it ended in time"));
        let (_armed, disarmed) = sync_channel(0);
        count_down(&disarmed, Duration::from_millis(1), || EXPIRED.store(true, Ordering::Relaxed));
        assert!(EXPIRED.load(Ordering::Relaxed));
    }
}
