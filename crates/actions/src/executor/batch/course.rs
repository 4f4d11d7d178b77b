//! The course of one batch: which of its commands begins next, and which never does. Pure.

use crate::task::{batch_is_over, never_began};
use infiniservice_exec::{CommandError, Stop};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::batch::{Mode, OnError};

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This command gets into the queue.
    Begin(usize),
    /// This one is answered without having run.
    Drop(usize, Why),
    /// Nothing, until one of them ends.
    Wait,
    /// All have ended.
    Done,
}

/// Why a command does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// `on_error` is `stop`.
    EarlierFailed,
    /// The batch's time is over.
    TimeOver,
    /// The host wants no more of it.
    Withdrawn,
    /// The agent shuts down.
    Closing,
}

impl From<Why> for CommandError {
    fn from(why: Why) -> Self {
        match why {
            Why::EarlierFailed => Self::new(ErrorCode::Cancelled, "an earlier command failed"),
            Why::TimeOver => batch_is_over(),
            Why::Withdrawn => Stop::Withdrawn.into(),
            Why::Closing => never_began(),
        }
    }
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Its turn has not come.
    Held,
    /// It is in the queue, or runs.
    Begun,
    /// It is answered.
    Ended { success: bool },
}

/// Where all of them stand.
#[derive(Debug)]
pub(super) struct Course {
    mode: Mode,
    on_error: OnError,
    places: Vec<Place>,
    stopped: Option<Why>,
}

impl Course {
    /// So many commands, none of which has begun.
    pub(super) fn new(commands: usize, mode: Mode, on_error: OnError) -> Self {
        Self { mode, on_error, places: vec![Place::Held; commands], stopped: None }
    }

    /// What is to be done next; `waits` says of one that began whether it still waits in the queue. A command that begins counts as
    /// begun from here on; one that is dropped has to be told by [`Self::ended`].
    pub(super) fn next(&mut self, waits: impl Fn(usize) -> bool) -> Step {
        if let Some((at, why)) = self.dropped(waits) {
            return Step::Drop(at, why);
        }
        let begun = self.places.contains(&Place::Begun);
        match self.places.iter().position(|place| *place == Place::Held) {
            None if begun => Step::Wait,
            None => Step::Done,
            Some(_) if begun && self.mode == Mode::Sequential => Step::Wait,
            Some(held) => {
                self.set(held, Place::Begun);
                Step::Begin(held)
            }
        }
    }

    /// A command is answered.
    pub(super) fn ended(&mut self, at: usize, success: bool) {
        self.set(at, Place::Ended { success });
    }

    /// None of those that do not run yet is to run. The first reason holds.
    pub(super) fn stop(&mut self, why: Why) {
        self.stopped.get_or_insert(why);
    }

    /// Whether a command's turn has not come.
    pub(super) fn is_held(&self, at: usize) -> bool {
        self.places.get(at) == Some(&Place::Held)
    }

    /// Those in the queue, or running.
    pub(super) fn begun(&self) -> Vec<usize> {
        let begun = self.places.iter().enumerate().filter(|(_, place)| **place == Place::Begun);
        begun.map(|(at, _)| at).collect()
    }

    /// The first that is not to run any more.
    fn dropped(&self, waits: impl Fn(usize) -> bool) -> Option<(usize, Why)> {
        let why = |at| self.stopped.or_else(|| self.has_failed_before(at).then_some(Why::EarlierFailed));
        let idle = |at: usize, place: Place| place == Place::Held || (place == Place::Begun && waits(at));
        let places = self.places.iter().copied().enumerate();
        places.filter(|(at, place)| idle(*at, *place)).find_map(|(at, _)| Some((at, why(at)?)))
    }

    /// Where commands run beside each other, whatever fails is earlier than what has not begun to run.
    fn has_failed_before(&self, at: usize) -> bool {
        let until = if self.mode == Mode::Sequential { at } else { self.places.len() };
        let failed = |place: &Place| *place == Place::Ended { success: false };
        self.on_error == OnError::Stop && self.places.iter().take(until).any(failed)
    }

    fn set(&mut self, at: usize, to: Place) {
        if let Some(place) = self.places.get_mut(at) {
            *place = to;
        }
    }
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
