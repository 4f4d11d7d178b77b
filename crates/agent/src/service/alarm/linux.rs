//! A timer of the kernel's own, `timerfd_create(2)`: one wake-up for each deadline.
//!
//! tokio's timers stand in a wheel of slots of 4 s, 64 ms and 1 ms: one that is half a minute away wakes the process three
//! times, once for each slot that it moves through, and twice of them for nothing.

use infiniservice_platform::reactor_unsafe::{Registered, register};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Longer waits end early, once a year, and are begun anew.
const LONGEST: Duration = Duration::from_hours(365 * 24);
const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Rings once at a deadline. It counts the time that the machine slept, as the agent's clock does.
#[derive(Debug)]
pub struct Alarm {
    timer: Registered,
    /// What the kernel's timer is set to.
    set_to: Option<Duration>,
    is_due: bool,
}

impl Alarm {
    /// Set to nothing; needs a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Self { timer: register(timer)?, set_to: None, is_due: false })
    }

    /// To ring at `deadline` of a clock that reads `now`; one that has passed rings at once. Costs nothing where it is
    /// set so already.
    pub fn set(&mut self, deadline: Option<Duration>, now: Duration) {
        self.is_due = deadline.is_some_and(|at| at <= now);
        let wanted = deadline.filter(|_| !self.is_due);
        if wanted != self.set_to {
            arm(self.timer.get_ref(), wanted.map(|at| at.saturating_sub(now)));
            self.set_to = wanted;
        }
    }

    /// Resolves when it rings. Cancel safe.
    pub async fn rings(&mut self) {
        while !self.is_due {
            let Ok(mut guard) = self.timer.readable().await else { return pending().await };
            let mut expirations = [0; 8];
            let rang = rustix::io::read(guard.get_inner(), &mut expirations);
            guard.clear_ready();
            // `EAGAIN`: it was set anew after it had rung.
            if rang != Err(Errno::AGAIN) {
                (self.is_due, self.set_to) = (true, None);
            }
        }
    }
}

fn arm(timer: &OwnedFd, wait: Option<Duration>) {
    let value = wait.map_or(NEVER, |wait| Timespec::try_from(wait.min(LONGEST)).unwrap_or(NEVER));
    let setting = Itimerspec { it_interval: NEVER, it_value: value };
    if let Err(error) = timerfd_settime(timer, TimerfdTimerFlags::empty(), &setting) {
        log::error!("the timer cannot be set: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};
    use std::time::Instant;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Whether it rings now, without waiting.
    async fn rings_now(alarm: &mut Alarm) -> bool {
        // The reactor has to see the descriptor first.
        tokio::task::yield_now().await;
        tokio::select! {
            biased;
            () = alarm.rings() => true,
            () = tokio::task::yield_now() => false,
        }
    }

    /// Waits until the kernel's timer has run out, without the alarm's knowing.
    fn run_out(alarm: &Alarm) {
        poll(&mut [PollFd::new(alarm.timer.get_ref(), PollFlags::IN)], None).unwrap();
    }

    #[tokio::test]
    async fn it_rings_at_its_deadline_and_not_before() {
        let (mut alarm, begin) = (Alarm::new().unwrap(), Instant::now());
        alarm.set(Some(MS(1020)), MS(1000));
        alarm.rings().await;
        assert!(begin.elapsed() >= MS(20));
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_rings_at_once_and_none_never() {
        let mut alarm = Alarm::new().unwrap();
        alarm.set(Some(MS(5)), MS(5));
        assert!(rings_now(&mut alarm).await);
        alarm.set(None, MS(5));
        assert!(!rings_now(&mut alarm).await);
    }

    #[tokio::test]
    async fn what_was_put_off_after_it_had_run_out_does_not_ring() {
        let mut alarm = Alarm::new().unwrap();
        alarm.set(Some(MS(1)), MS(0));
        run_out(&alarm);
        alarm.set(Some(MS(3_600_000)), MS(2));
        assert!(!rings_now(&mut alarm).await);
        alarm.set(Some(MS(4)), MS(3));
        alarm.rings().await;
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_and_begun_again_keeps_its_deadline() {
        let (mut alarm, begin) = (Alarm::new().unwrap(), Instant::now());
        for now in 0..3 {
            alarm.set(Some(MS(30)), MS(now));
            assert!(!rings_now(&mut alarm).await || begin.elapsed() >= MS(30));
        }
        alarm.set(Some(MS(30)), MS(3));
        alarm.rings().await;
        assert!(begin.elapsed() >= MS(30), "set to the same deadline, it is not set anew");
    }

    #[tokio::test]
    async fn the_farthest_deadline_can_be_set() {
        let mut alarm = Alarm::new().unwrap();
        alarm.set(Some(Duration::MAX), MS(1));
        assert!(!rings_now(&mut alarm).await);
    }
}
