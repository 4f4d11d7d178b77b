//! The batches in flight.

use super::course::{Course, Step};
use super::{Asked, ExecutionId, Job, Reply, State, mpsc};
use infiniservice_exec::CommandError;
use infiniservice_protocol::Response;
use infiniservice_protocol::batch::{Mode, OnError, Outcome};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// The batches in flight, and to which each of their commands belongs.
#[derive(Default)]
pub(crate) struct Batches {
    flying: HashMap<String, Flying>,
    /// The batch, and the place in it, of each command.
    of: HashMap<String, (String, usize)>,
    /// Those in which something happened that was not yet seen to.
    pub(super) touched: Vec<String>,
}

/// One batch.
pub(super) struct Flying {
    pub(super) place: mpsc::OwnedPermit<Reply>,
    pub(super) asked: Asked,
    pub(super) began: Instant,
    pub(super) until: Instant,
    pub(super) course: Course,
    pub(super) commands: Vec<Inner>,
}

/// One of its commands.
pub(super) struct Inner {
    pub(super) id: String,
    /// The action's name as it was sent.
    pub(super) name: String,
    pub(super) execution: ExecutionId,
    /// Until its turn comes: what it is, or why it cannot run.
    pub(super) job: Option<Result<Job, CommandError>>,
    pub(super) outcome: Option<Outcome>,
}

impl Flying {
    pub(super) fn new(
        place: mpsc::OwnedPermit<Reply>,
        asked: Asked,
        timeout: Duration,
        (mode, on_error): (Mode, OnError),
        commands: Vec<Inner>,
    ) -> Self {
        let began = Instant::now();
        let course = Course::new(commands.len(), mode, on_error);
        Self { place, asked, began, until: began + timeout, course, commands }
    }

    /// How many of its commands are answered.
    pub(super) fn answered(&self) -> usize {
        self.commands.iter().filter(|inner| inner.outcome.is_some()).count()
    }

    /// The executions of those whose turn has come, and that are not answered.
    pub(super) fn running(&self) -> Vec<ExecutionId> {
        let begun = self.course.begun().into_iter();
        begun.filter_map(|at| Some(self.commands.get(at)?.execution)).collect()
    }

    /// A command's turn has come.
    pub(super) fn begin(&mut self, at: usize) -> Option<(ExecutionId, Result<Job, CommandError>)> {
        let inner = self.commands.get_mut(at)?;
        Some((inner.execution, inner.job.take()?))
    }
}

impl Batches {
    pub(super) fn insert(&mut self, id: String, flying: Flying) {
        let places = flying.commands.iter().enumerate();
        self.of.extend(places.map(|(at, inner)| (inner.id.clone(), (id.clone(), at))));
        self.flying.insert(id.clone(), flying);
        self.touched.push(id);
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Flying> {
        self.flying.get_mut(id)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Flying> {
        let flying = self.flying.remove(id)?;
        for inner in &flying.commands {
            self.of.remove(&inner.id);
        }
        Some(flying)
    }

    /// Where a command stands: its batch, and its place there.
    pub(in crate::executor) fn place_of(&self, command: &str) -> Option<(String, usize)> {
        self.of.get(command).cloned()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.flying.keys().cloned().collect()
    }

    /// Whether a batch of this id is in flight.
    pub(in crate::executor) fn has(&self, id: &str) -> bool {
        self.flying.contains_key(id)
    }

    /// How many are in flight.
    pub(in crate::executor) fn len(&self) -> usize {
        self.flying.len()
    }

    /// A command was answered.
    pub(crate) fn answered(&mut self, response: &Response) {
        let Some((id, at)) = self.place_of(&response.id) else { return };
        let Some(flying) = self.flying.get_mut(&id) else { return };
        flying.course.ended(at, response.success);
        if let Some(inner) = flying.commands.get_mut(at) {
            inner.job = None;
            inner.outcome = Some(Outcome {
                id: response.id.clone(),
                success: response.success,
                exit_code: response.exit_code,
                error_code: response.error_code,
            });
        }
        self.touched.push(id);
    }
}

impl State {
    /// What is next in a batch; `None` where it is over.
    pub(super) fn next_step(&mut self, id: &str) -> Option<Step> {
        let Self { batches, scheduler, .. } = self;
        let Flying { course, commands, .. } = batches.flying.get_mut(id)?;
        let waits = |at: usize| commands.get(at).is_some_and(|inner| scheduler.is_waiting(inner.execution));
        Some(course.next(waits))
    }
}
