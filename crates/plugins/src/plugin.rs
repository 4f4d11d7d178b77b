//! One plugin while the agent runs: a task that waits for its time, runs the program, and puts the result on the board. It never
//! runs beside itself, and what it does costs no other plugin anything.

use crate::board::Board;
use crate::outcome::Outcome;
use crate::pace::Pace;
use crate::spec::Spec;
use crate::sys::{self, User};
use crate::trust;
use infiniservice_exec::{Cancellation, Finished, Line, Output, Program, Request, RunError, Runner};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::gate::Gate;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// How long the look at a program, or the reading of what it wrote, may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// When a plugin is tried again that was due while file systems were frozen.
const RETRY: Duration = Duration::from_secs(5);

/// A plugin's task.
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) spec: Arc<Spec>,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) board: Arc<Board>,
    pub(crate) stop: watch::Receiver<bool>,
    /// Closed while file systems are frozen.
    pub(crate) gate: &'static Gate,
}

impl Task {
    /// Runs until it is stopped. `before` is the task that had its name, which has to be over first.
    pub(crate) async fn run(mut self, before: Option<JoinHandle<()>>) {
        if let Some(before) = before {
            // Its panic, if it had one, was its own.
            let _ = before.await;
        }
        let (mut pace, mut chance) = (Pace::new(self.spec.interval), fastrand::Rng::new());
        let mut due = Instant::now() + pace.first(&mut chance);
        while self.wait_until(due).await {
            // While file systems are frozen nothing is started, and that is no failure.
            if self.gate.is_closed() {
                due = Instant::now() + RETRY;
                continue;
            }
            let began = Instant::now();
            let Some(outcome) = self.once().await else { return };
            pace.ran(outcome.plugin.ok);
            self.put(outcome, &pace);
            due = (began + pace.next(&mut chance)).max(Instant::now());
        }
    }

    /// Whether the time came before the end.
    async fn wait_until(&mut self, due: Instant) -> bool {
        tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => false,
            () = sleep_until(due) => true,
        }
    }

    /// One run; `None` where it was stopped: what it came to is then no longer asked for.
    pub(crate) async fn once(&self) -> Option<Outcome> {
        let outcome = self.outcome().await?;
        (!*self.stop.borrow()).then_some(outcome)
    }

    async fn outcome(&self) -> Option<Outcome> {
        let began = Instant::now();
        let user = match self.prepared().await {
            Ok(user) => user,
            Err(why) => return Some(Outcome::failed(why)),
        };
        let cancellation = Cancellation::new(self.spec.timeout, self.stop.clone());
        let finished = self.start(user, &cancellation).await;
        let took = began.elapsed();
        if *self.stop.borrow() {
            return None;
        }
        let (spec, what) = (Arc::clone(&self.spec), format!("the output of the plugin {}", self.name));
        let read = blocking::run(Lane::Plugins, &what, TIMEOUT, move || Outcome::of(&spec, finished, took));
        Some(read.await.unwrap_or_else(|blocked| Outcome::failed(blocked.to_string())))
    }

    /// Looks at the program and its user, away from the main thread: both may lie on a file system that does not answer.
    async fn prepared(&self) -> Result<User, String> {
        let spec = Arc::clone(&self.spec);
        let look = move || {
            trust::check(&spec.command)?;
            spec.user.as_deref().map_or_else(|| Ok(User::default()), sys::user)
        };
        let what = format!("the program of the plugin {}", self.name);
        blocking::run(Lane::Plugins, &what, TIMEOUT, look).await.unwrap_or_else(|it| Err(it.to_string()))
    }

    /// Runs the program. One that writes more than is read is ended.
    async fn start(&self, user: User, cancellation: &Cancellation) -> Result<Finished, RunError> {
        let request = request(&self.spec, user);
        let mut left = self.spec.max_output_bytes;
        let mut count = |line: Line<'_>| match left.checked_sub(line.text.len()) {
            Some(rest) => {
                left = rest;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        };
        self.runner.run_lines(request, cancellation, &mut count).await
    }

    fn put(&self, outcome: Outcome, pace: &Pace) {
        let error = outcome.plugin.error.clone().filter(|_| !outcome.plugin.ok);
        if self.board.put(&self.name, outcome, Some(pace)) {
            match error {
                Some(error) => log::warn!("the plugin {} has failed: {error}", self.name),
                None => log::info!("the plugin {} works again", self.name),
            }
        }
    }
}

pub(crate) fn request(spec: &Spec, user: User) -> Request {
    let mut words = spec.command.iter();
    let program = words.next().cloned().unwrap_or_default();
    Request {
        program: Program::At(program.into()),
        arguments: words.map(Into::into).collect(),
        environment: user.environment,
        identity: user.identity,
        // Named, so that the program is started away from the main thread.
        directory: sys::start_directory(),
        output: Output::Text,
        // It may take an hour: it must not make every freeze fail.
        runs_while_frozen: true,
        ..Request::new("", [""; 0]).max_output(spec.max_output_bytes)
    }
}
