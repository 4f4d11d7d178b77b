//! Heartbeats: when one is due, which ones wait for their answer, and what an answer means.
//!
//! A number is given when the line starts to be written, so that numbers count up on the wire without gaps and the round
//! trip does not hold the time spent behind other lines.

use std::collections::VecDeque;
use std::time::Duration;

/// Most heartbeats that wait for their answer; beyond it none is sent until one is answered or given up.
const MAX_OUTSTANDING: usize = 256;

/// What an answer of the host meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a heartbeat that waited; its round trip.
    InTime(Duration),
    /// To one that was answered already or given up at a disconnect.
    Late,
    /// To a number that was never sent.
    Unknown,
}

/// The keep-alive of one agent's life.
#[derive(Debug)]
pub struct KeepAlive {
    interval: Duration,
    timeout: Duration,
    last_sequence: u64,
    due: Option<Duration>,
    last_due: Option<Duration>,
    outstanding: VecDeque<(u64, Duration)>,
}

impl KeepAlive {
    /// With no host connected.
    pub fn new(interval: Duration, timeout: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { interval, timeout, last_sequence: 0, due: None, last_due: None, outstanding: VecDeque::new() }
    }

    /// A host connected: the first heartbeat is due an interval after the last one, which is often at once.
    pub fn connect(&mut self, now: Duration, at_once: bool) {
        let by_interval = self.last_due.map_or(now, |last| last.saturating_add(self.interval).max(now));
        self.due = Some(if at_once { now } else { by_interval });
    }

    /// The host is away: nothing is due and nothing times out. Returns how many heartbeats were given up.
    pub fn disconnect(&mut self) -> usize {
        self.due = None;
        std::mem::take(&mut self.outstanding).len()
    }

    /// Whether a heartbeat is to be queued now; at most once an interval.
    pub fn take_due(&mut self, now: Duration) -> bool {
        let Some(due) = self.due.filter(|due| now >= *due) else { return false };
        let next = due.saturating_add(self.interval);
        self.due = Some(if next > now { next } else { now.saturating_add(self.interval) });
        self.last_due = Some(now);
        self.outstanding.len() < MAX_OUTSTANDING
    }

    /// Other times, for the heartbeats under way as well. The next one is due no later than the new interval from now.
    pub fn set_times(&mut self, now: Duration, interval: Duration, timeout: Duration) {
        self.interval = interval.max(Duration::from_millis(1));
        self.timeout = timeout;
        self.due = self.due.map(|due| due.min(now.saturating_add(self.interval)));
    }

    /// A heartbeat is due at once, where a host is connected; the next one an interval later.
    pub fn ask_now(&mut self, now: Duration) {
        self.due = self.due.map(|_| now);
    }

    /// A heartbeat's line starts to be written: its number.
    pub fn start(&mut self, now: Duration) -> u64 {
        self.last_sequence += 1;
        self.outstanding.push_back((self.last_sequence, now));
        self.last_sequence
    }

    /// The host answered.
    pub fn answer(&mut self, now: Duration, sequence: u64) -> Answer {
        if sequence == 0 || sequence > self.last_sequence {
            return Answer::Unknown;
        }
        let Some(place) = self.outstanding.iter().position(|(number, _)| *number == sequence) else {
            return Answer::Late;
        };
        let sent = self.outstanding.remove(place).map_or(now, |(_, sent)| sent);
        Answer::InTime(now.saturating_sub(sent))
    }

    /// Since when the oldest heartbeat under way waits for its answer.
    pub fn oldest(&self) -> Option<Duration> {
        self.outstanding.front().map(|(_, sent)| *sent)
    }

    /// The number of a heartbeat that has waited too long.
    pub fn timed_out(&self, now: Duration) -> Option<u64> {
        let (number, sent) = *self.outstanding.front()?;
        (now >= sent.saturating_add(self.timeout)).then_some(number)
    }

    /// The agent was stopped in between (a suspended machine): what was not answered is given up, as the host may have answered or
    /// may not. Returns how many heartbeats that were; the next one is overdue by then.
    pub fn forgive(&mut self) -> usize {
        std::mem::take(&mut self.outstanding).len()
    }

    /// When `take_due` or `timed_out` will say yes.
    pub fn deadline(&self) -> Option<Duration> {
        let timeout = self.outstanding.front().map(|(_, sent)| sent.saturating_add(self.timeout));
        [self.due, timeout].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_extra_heartbeat_is_sent_only_to_a_connected_host_and_moves_the_next_one() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)) && !keep_alive.take_due(s(110)));
        keep_alive.ask_now(s(110));
        assert!(keep_alive.take_due(s(110)) && !keep_alive.take_due(s(139)) && keep_alive.take_due(s(140)));
        keep_alive.disconnect();
        keep_alive.ask_now(s(150));
        assert!(!keep_alive.take_due(s(150)));
    }

    #[test]
    fn other_times_hold_at_once_for_what_is_due_and_for_what_waits() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)));
        let number = keep_alive.start(s(100));
        keep_alive.set_times(s(105), s(10), s(20));
        assert!(!keep_alive.take_due(s(114)) && keep_alive.take_due(s(115)));
        assert_eq!((keep_alive.timed_out(s(119)), keep_alive.timed_out(s(120))), (None, Some(number)));
        keep_alive.set_times(s(115), s(100), s(200));
        assert!(keep_alive.take_due(s(125)) && !keep_alive.take_due(s(224)) && keep_alive.take_due(s(225)));
    }

    fn connected() -> KeepAlive {
        let mut keep_alive = KeepAlive::new(s(30), s(60));
        keep_alive.connect(s(100), false);
        keep_alive
    }

    #[test]
    fn the_first_is_due_at_connect_and_then_every_thirty_seconds_counting_from_one() {
        let mut keep_alive = connected();
        let mut sent = Vec::new();
        for second in 100..200 {
            if keep_alive.take_due(s(second)) {
                let number = keep_alive.start(s(second));
                keep_alive.answer(s(second), number);
                sent.push((second, number));
            }
        }
        assert_eq!(sent, [(100, 1), (130, 2), (160, 3), (190, 4)]);
    }

    #[test]
    fn a_late_timer_neither_bunches_heartbeats_nor_loses_the_beat() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)));
        assert!(keep_alive.take_due(s(135)));
        assert_eq!(keep_alive.deadline(), Some(s(160)));
        assert!(keep_alive.take_due(s(500)));
        assert!(!keep_alive.take_due(s(501)));
    }

    #[test]
    fn an_answer_gives_the_round_trip_and_a_second_one_is_late() {
        let mut keep_alive = connected();
        assert_eq!(keep_alive.start(s(100)), 1);
        assert_eq!(keep_alive.answer(s(103), 1), Answer::InTime(s(3)));
        assert_eq!(keep_alive.answer(s(104), 1), Answer::Late);
    }

    #[test]
    fn numbers_that_were_never_sent_are_unknown() {
        let mut keep_alive = connected();
        keep_alive.start(s(100));
        for number in [0, 2, u64::MAX] {
            assert_eq!(keep_alive.answer(s(101), number), Answer::Unknown);
        }
        assert_eq!(keep_alive.answer(s(101), 1), Answer::InTime(s(1)));
    }

    #[test]
    fn one_left_unanswered_for_sixty_seconds_times_out_though_later_ones_are_answered() {
        let mut keep_alive = connected();
        keep_alive.start(s(100));
        keep_alive.start(s(130));
        assert_eq!(keep_alive.answer(s(131), 2), Answer::InTime(s(1)));
        assert_eq!(keep_alive.timed_out(s(159)), None);
        assert_eq!(keep_alive.timed_out(s(160)), Some(1));
    }

    #[test]
    fn nothing_is_due_and_nothing_times_out_while_no_host_is_connected() {
        let mut keep_alive = connected();
        keep_alive.start(s(100));
        assert_eq!(keep_alive.disconnect(), 1);
        assert_eq!(keep_alive.deadline(), None);
        assert!(!keep_alive.take_due(s(9000)));
        assert_eq!(keep_alive.timed_out(s(9000)), None);
        assert_eq!(keep_alive.answer(s(9000), 1), Answer::Late);
    }

    #[test]
    fn a_host_that_comes_back_soon_gets_the_next_at_its_time_and_numbers_go_on() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)));
        keep_alive.start(s(100));
        keep_alive.disconnect();
        keep_alive.connect(s(110), false);
        assert!(!keep_alive.take_due(s(129)));
        assert!(keep_alive.take_due(s(130)));
        assert_eq!(keep_alive.start(s(130)), 2);
    }

    #[test]
    fn a_probe_is_due_at_once() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)));
        keep_alive.disconnect();
        keep_alive.connect(s(101), true);
        assert!(keep_alive.take_due(s(101)));
    }

    #[test]
    fn a_suspended_machine_asks_anew_and_blames_nobody() {
        let mut keep_alive = connected();
        assert!(keep_alive.take_due(s(100)));
        keep_alive.start(s(100));
        assert_eq!(keep_alive.forgive(), 1);
        assert_eq!(keep_alive.timed_out(s(7200)), None);
        assert!(keep_alive.take_due(s(7200)));
        assert_eq!(keep_alive.start(s(7200)), 2);
    }
}
