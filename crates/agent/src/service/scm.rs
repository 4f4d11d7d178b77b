//! What Windows' service manager is told, and when: pure, so that every platform tests it.

use std::time::Duration;

/// Longer than opening the log and reading the settings ever takes.
const START_HINT: Duration = Duration::from_secs(10);
/// A checkpoint comes at least this often while the service stops.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// The manager takes a service for hung when no checkpoint came for this long; on a guest without processor time a
/// second can take many.
const STOP_HINT: Duration = Duration::from_secs(15);

/// Where the service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Was started, does not serve yet.
    StartPending,
    /// Serves.
    Running,
    /// Was asked to stop.
    StopPending,
    /// Ended, with this exit code of its own; 0: in order.
    Stopped(u32),
}

/// What a service may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controls {
    /// `STOP`, `SHUTDOWN`, `PRESHUTDOWN`.
    pub stop: bool,
    /// `PARAMCHANGE`: read the settings again.
    pub reload: bool,
}

/// One `SetServiceStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The state.
    pub phase: Phase,
    /// What it may be asked in it.
    pub controls: Controls,
    /// Counts up while a state is pending, else 0.
    pub checkpoint: u32,
    /// Until the next checkpoint, at most.
    pub wait_hint: Duration,
}

/// Turns what the agent does into what the manager is told.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    phase: Phase,
    checkpoint: u32,
    told: Duration,
}

impl Default for Machine {
    fn default() -> Self {
        Self { phase: Phase::StartPending, checkpoint: 1, told: Duration::ZERO }
    }
}

impl Machine {
    /// What holds now.
    pub fn report(&self) -> Report {
        let serves = self.phase == Phase::Running;
        let wait_hint = match self.phase {
            Phase::StartPending => START_HINT,
            Phase::StopPending => STOP_HINT,
            Phase::Running | Phase::Stopped(_) => Duration::ZERO,
        };
        let controls = Controls { stop: serves, reload: serves };
        Report { phase: self.phase, controls, checkpoint: self.checkpoint, wait_hint }
    }

    /// The service serves; a service that stops does not start to serve again.
    pub fn ready(&mut self) -> Option<Report> {
        (self.phase == Phase::StartPending).then(|| self.enter(Phase::Running))
    }

    /// The service begins to stop.
    pub fn stopping(&mut self) -> Option<Report> {
        let can = matches!(self.phase, Phase::StartPending | Phase::Running);
        can.then(|| self.enter(Phase::StopPending))
    }

    /// The main loop has turned: while the service stops, each second of that is a checkpoint.
    pub fn progress(&mut self, now: Duration) -> Option<Report> {
        if self.phase != Phase::StopPending || now < self.told + CHECKPOINT_EVERY {
            return None;
        }
        self.told = now;
        self.checkpoint = self.checkpoint.saturating_add(1);
        Some(self.report())
    }

    /// When [`Self::progress`] is due.
    pub fn next_deadline(&self) -> Option<Duration> {
        (self.phase == Phase::StopPending).then(|| self.told + CHECKPOINT_EVERY)
    }

    /// The service has ended. Told once: the manager may unload the process at any time after.
    pub fn stopped(&mut self, exit_code: u32) -> Option<Report> {
        let ended = matches!(self.phase, Phase::Stopped(_));
        (!ended).then(|| self.enter(Phase::Stopped(exit_code)))
    }

    fn enter(&mut self, phase: Phase) -> Report {
        self.phase = phase;
        self.checkpoint = u32::from(phase == Phase::StopPending);
        self.report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn running() -> Machine {
        let mut machine = Machine::default();
        machine.ready();
        machine
    }

    #[test]
    fn a_service_is_asked_nothing_before_it_serves_and_while_it_stops() {
        let mut machine = Machine::default();
        let nothing = Controls { stop: false, reload: false };
        assert_eq!(machine.report().controls, nothing);
        assert_eq!(machine.ready().expect("told").controls, Controls { stop: true, reload: true });
        assert_eq!(machine.stopping().expect("told").controls, nothing);
        assert_eq!(machine.stopped(0).expect("told").controls, nothing);
    }

    #[test]
    fn running_has_neither_checkpoint_nor_hint() {
        let report = running().report();
        assert_eq!((report.phase, report.checkpoint, report.wait_hint), (Phase::Running, 0, Duration::ZERO));
    }

    #[test]
    fn checkpoints_count_up_while_it_stops_and_come_more_often_than_hinted() {
        let mut machine = running();
        assert_eq!(machine.stopping().expect("told").checkpoint, 1);
        assert_eq!(machine.progress(S(1)).expect("told").checkpoint, 2);
        assert_eq!(machine.progress(S(1)), None, "once a second is enough");
        assert_eq!(machine.next_deadline(), Some(S(2)));
        let third = machine.progress(S(2)).expect("told");
        assert_eq!(third.checkpoint, 3);
        assert!(third.wait_hint > CHECKPOINT_EVERY);
    }

    #[test]
    fn there_are_no_checkpoints_outside_of_stopping() {
        let mut machine = running();
        assert_eq!((machine.progress(S(100)), machine.next_deadline()), (None, None));
        machine.stopped(3);
        assert_eq!((machine.progress(S(100)), machine.next_deadline()), (None, None));
    }

    #[test]
    fn a_second_request_to_stop_and_a_late_ready_change_nothing() {
        let mut machine = running();
        machine.stopping();
        assert_eq!((machine.stopping(), machine.ready()), (None, None));
        assert_eq!(machine.report().phase, Phase::StopPending);
    }

    #[test]
    fn the_end_is_told_once_with_its_code_even_where_it_never_served() {
        let mut machine = Machine::default();
        assert_eq!(machine.stopped(2).expect("told").phase, Phase::Stopped(2));
        assert_eq!((machine.stopped(0), machine.stopping(), machine.ready()), (None, None, None));
    }
}
