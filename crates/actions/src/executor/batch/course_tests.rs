//! A batch's course in every interleaving of what may happen to it.

use super::*;
use std::collections::BTreeSet;

/// A model of the executor: what it was told to begin, what of it has a place, what ended.
struct Model {
    course: Course,
    queued: BTreeSet<usize>,
    running: BTreeSet<usize>,
    answers: Vec<(usize, bool)>,
    dropped: Vec<usize>,
    places: usize,
    done: bool,
}

impl Model {
    fn new(commands: usize, mode: Mode, on_error: OnError, places: usize) -> Self {
        let course = Course::new(commands, mode, on_error);
        let (queued, running) = (BTreeSet::new(), BTreeSet::new());
        Self { course, queued, running, answers: Vec::new(), dropped: Vec::new(), places, done: false }
    }

    fn go_on(&mut self) {
        loop {
            match self.course.next(|at| self.queued.contains(&at)) {
                Step::Begin(at) => assert!(self.queued.insert(at), "{at} began twice"),
                Step::Drop(at, _) => {
                    self.queued.remove(&at);
                    assert!(!self.running.contains(&at), "{at} was running");
                    self.dropped.push(at);
                    self.answer(at, false);
                }
                Step::Wait => break,
                Step::Done => {
                    self.done = true;
                    break;
                }
            }
        }
        while self.running.len() < self.places
            && let Some(at) = self.queued.pop_first()
        {
            self.running.insert(at);
        }
    }

    fn answer(&mut self, at: usize, success: bool) {
        assert!(!self.answers.iter().any(|(known, _)| *known == at), "{at} was answered twice");
        self.answers.push((at, success));
        self.course.ended(at, success);
    }

    /// One of those that run ends.
    fn end_some(&mut self, rng: &mut fastrand::Rng) {
        let running: Vec<_> = self.running.iter().copied().collect();
        if let Some(at) = rng.choice(&running).copied() {
            self.running.remove(&at);
            self.answer(at, rng.u8(..4) > 0);
        }
    }

    /// The host wants no more of one whose turn has not come.
    fn cancel_one(&mut self, rng: &mut fastrand::Rng, commands: usize) {
        let at = rng.usize(..commands);
        if self.course.is_held(at) {
            self.answer(at, false);
        }
    }
}

fn life(seed: u64) -> (Model, Mode, OnError, bool) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mode = if rng.bool() { Mode::Sequential } else { Mode::Parallel };
    let on_error = if rng.bool() { OnError::Stop } else { OnError::Continue };
    let commands = rng.usize(1..12);
    let mut model = Model::new(commands, mode, on_error, rng.usize(1..5));
    let mut stopped = false;
    model.go_on();
    for _ in 0..200 {
        match rng.u8(..12) {
            0 => model.cancel_one(&mut rng, commands),
            1 if rng.u8(..4) == 0 => {
                let whys = [Why::TimeOver, Why::Withdrawn, Why::Closing];
                model.course.stop(whys[rng.usize(..3)]);
                stopped = true;
            }
            _ => model.end_some(&mut rng),
        }
        model.go_on();
        if mode == Mode::Sequential {
            assert!(model.queued.len() + model.running.len() <= 1, "two at once");
        }
        if model.done {
            break;
        }
    }
    assert!(model.done, "seed {seed} does not end");
    assert_eq!(model.answers.len(), commands, "seed {seed}: each is answered once");
    (model, mode, on_error, stopped)
}

#[test]
fn in_every_interleaving_each_command_is_answered_once_and_the_batch_ends() {
    let mut dropped = 0;
    for seed in 0..20_000 {
        dropped += life(seed).0.dropped.len();
    }
    assert!(dropped > 1000, "{dropped}: some never ran");
}

#[test]
fn commands_run_in_their_order_and_none_after_one_that_failed() {
    for seed in 0..20_000 {
        let (model, mode, on_error, stopped) = life(seed);
        let ran: Vec<_> = model.answers.iter().filter(|(at, _)| !model.dropped.contains(at)).collect();
        if mode == Mode::Sequential && on_error == OnError::Stop {
            let failed = ran.iter().filter(|(_, success)| !success).map(|(at, _)| *at).min();
            let late = ran.iter().find(|(at, success)| *success && failed.is_some_and(|failed| *at > failed));
            assert_eq!(late, None, "seed {seed}: it ran although an earlier one had failed");
        }
        if on_error == OnError::Continue && !stopped {
            assert!(model.dropped.is_empty(), "seed {seed}: all are tried");
        }
    }
}

#[test]
fn the_first_reason_is_told() {
    let mut course = Course::new(2, Mode::Sequential, OnError::Stop);
    assert_eq!(course.next(|_| false), Step::Begin(0));
    course.stop(Why::Withdrawn);
    course.stop(Why::Closing);
    assert_eq!(course.next(|_| false), Step::Drop(1, Why::Withdrawn));
    course.ended(1, false);
    assert_eq!(course.next(|_| false), Step::Wait);
    course.ended(0, true);
    assert_eq!(course.next(|_| false), Step::Done);
}

#[test]
fn what_waits_beside_one_that_failed_is_dropped_and_what_runs_is_not() {
    let mut course = Course::new(3, Mode::Parallel, OnError::Stop);
    for at in 0..3 {
        assert_eq!(course.next(|_| false), Step::Begin(at));
    }
    course.ended(2, false);
    assert_eq!(course.next(|at| at == 1), Step::Drop(1, Why::EarlierFailed));
    course.ended(1, false);
    assert_eq!(course.next(|at| at == 1), Step::Wait);
    assert_eq!(course.begun(), [0]);
}
