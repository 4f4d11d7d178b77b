//! One command, checked and ready to run; its execution from its place in the queue to its answer, as a task of its own; and the
//! one place where what it came to becomes a `response`.

use super::executor::Shared;
use super::safe;
use crate::audit::redact;
use crate::policy::CommandName;
use crate::scheduler::{ConcurrencyClass, ExecutionId, Request};
use crate::shell::{self, RawCommand};
use crate::traced::Tracing;
use infiniservice_exec::{
    Cancellation, Captured, CommandError, CommandResult, Follower, Piece, Stop, Withdrawal, bounded,
};
use infiniservice_platform::gate::Gate;
use infiniservice_protocol::guest::Output;
use infiniservice_protocol::host::{SafeCommand, UnsafeCommand};
use infiniservice_protocol::number::millis;
use infiniservice_protocol::text::one_line;
use infiniservice_protocol::trace::StepName;
use infiniservice_protocol::{Action, ErrorCode, Response};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

/// What an action has to end its processes and keep its partial output once its time is over.
const GRACE: Duration = Duration::from_secs(5);
/// Who joins a run before this part of its time is over has had as good as all of it.
const JOINED_EARLY: u32 = 10;

/// Waits for a place at most as long as the command may run, runs it, and answers. So a command is answered after at
/// most twice its timeout and the grace. Where its time is over, it begins anew for those that joined it since it began.
pub(super) async fn run(
    shared: Arc<Shared>,
    execution: ExecutionId,
    job: Job,
    mut start: oneshot::Receiver<()>,
    cancel: watch::Receiver<bool>,
) {
    let mut has_place = false;
    loop {
        let since = shared.mono() + job.timeout / JOINED_EARLY;
        let (took, result) = attempt(&shared, &job, (&mut start, &mut has_place), &cancel).await;
        let is_over = result.as_ref().is_err_and(|error| error.code == ErrorCode::Timeout);
        if !(is_over && shared.time_is_over((execution, since), job.name, took, &result)) {
            return shared.finish(execution, job.name, took, result);
        }
    }
}

/// Waits for its place, where it has none yet, or else runs.
async fn attempt(
    shared: &Shared,
    job: &Job,
    (start, has_place): (&mut oneshot::Receiver<()>, &mut bool),
    cancel: &watch::Receiver<bool>,
) -> (Duration, CommandResult) {
    if !*has_place {
        let started = tokio::select! {
            biased;
            () = job.withdrawal.withdrawn() => return (Duration::ZERO, Err(Stop::Withdrawn.into())),
            started = timeout(job.time_left(), start) => started,
        };
        match started {
            Ok(Ok(())) => {
                *has_place = true;
                job.tracing.iter().for_each(|tracing| tracing.steps().ends(StepName::Queue));
            }
            Ok(Err(_)) => return (Duration::ZERO, Err(never_began())),
            Err(_) => return (Duration::ZERO, Err(waited_too_long(job))),
        }
    }
    // The policy may have changed while it waited.
    match shared.permit(job.name, &job.alias) {
        Ok(()) => execute(shared, job, cancel.clone()).await,
        Err(forbidden) => (Duration::ZERO, Err(forbidden)),
    }
}

async fn execute(shared: &Shared, job: &Job, cancel: watch::Receiver<bool>) -> (Duration, CommandResult) {
    let began = Instant::now();
    // What reads starts no program meanwhile: the runner sees to that.
    let pass = (job.class != ConcurrencyClass::Read).then(|| Gate::of_the_process().pass()).transpose();
    let _pass = match pass {
        Ok(pass) => pass,
        Err(closed) => return (Duration::ZERO, Err(CommandError::new(ErrorCode::Busy, closed.to_string()))),
    };
    let cancellation = Cancellation::new(job.time_left(), cancel)
        .with_withdrawal(Arc::clone(&job.withdrawal))
        .timed_by(job.tracing.as_ref().map(|tracing| Arc::clone(tracing.steps())))
        .followed_by(follower(shared, job));
    let reads = job.class == ConcurrencyClass::Read;
    let _read = if reads { cancellation.step(StepName::Read) } else { None };
    let (context, inner) = (shared.context.clone(), cancellation.clone());
    let (id, work) = (job.id.clone(), job.work.clone());
    // A task of its own, so that a panic is an answer and not the end of the agent.
    let mut action = tokio::spawn(async move {
        match work {
            Validated::Safe(action) => safe::run(&id, action, &context, &inner).await,
            Validated::Unsafe(command) => {
                let (runner, bytes) = (context.runner.as_ref(), context.max_output_bytes);
                shell::run(command, runner, bytes, &inner).await
            }
        }
    });
    let result = match cancellation.hard_deadline(GRACE, &mut action).await {
        Ok(Ok(result)) => result,
        Ok(Err(fault)) => Err(CommandError::new(ErrorCode::Internal, format!("the agent failed: {fault}"))),
        Err(stop) => {
            action.abort();
            Err(stop.into())
        }
    };
    (began.elapsed(), bounded(result, shared.context.max_output_bytes))
}

/// Who gets what its program writes, where the host asked for that.
fn follower(shared: &Shared, job: &Job) -> Option<Follower> {
    let outputs = shared.outputs.clone().filter(|_| job.progress)?;
    let id = job.id.clone();
    Some(Follower::new(move |piece| {
        // Where the main loop does not keep up, the piece is left out.
        let _full = outputs.try_send(output(id.clone(), piece));
    }))
}

fn output(id: String, piece: Piece) -> Output {
    let Piece { stream, seq, text } = piece;
    Output { id, stream, seq, text, timestamp: None }
}

/// Why a command that waits at the agent's end does not run.
pub(super) fn never_began() -> CommandError {
    CommandError::new(ErrorCode::Cancelled, "the agent is shutting down; the command was not started")
}

/// Why a command of a batch does not run whose time is over.
pub(super) fn batch_is_over() -> CommandError {
    CommandError::new(ErrorCode::Cancelled, "the time of its batch was over before it began")
}

fn waited_too_long(job: &Job) -> CommandError {
    if job.is_out_of_time() {
        return batch_is_over();
    }
    let waited = job.timeout.as_secs();
    CommandError::new(
        ErrorCode::Timeout,
        format!("waited {waited} s for other commands to end and was not started"),
    )
}

/// A command as it came.
#[derive(Debug)]
pub(super) enum Unvalidated {
    Safe(SafeCommand),
    Unsafe(UnsafeCommand),
}

/// A command with typed parameters.
#[derive(Clone, Debug)]
pub(super) enum Validated {
    Safe(Action),
    Unsafe(RawCommand),
}

/// A command that may run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: &'static str,
    /// The host's name of it.
    pub(super) alias: String,
    pub(super) class: ConcurrencyClass,
    pub(super) timeout: Duration,
    pub(super) work: Validated,
    pub(super) id: String,
    /// Whether the host wants to see its output as it comes.
    pub(super) progress: bool,
    pub(super) withdrawal: Arc<Withdrawal>,
    /// The end of its batch's time.
    pub(super) until: Option<Instant>,
    tracing: Option<Tracing>,
    bytes: usize,
}

impl Unvalidated {
    /// Parameters for the audit, without secrets. Of a raw command's environment only the names are told; its text is told, as
    /// an audit must, but for what follows a secret's name: secrets belong into `env_vars`. Of a host that puts secrets into
    /// the text all the same, only `lengths` are told.
    pub(super) fn parameters(&self, lengths: bool) -> String {
        match self {
            Self::Safe(command) => redact::value(&Value::Object(command.params.clone())).to_string(),
            Self::Unsafe(command) => {
                let names: Vec<_> = command.env_vars.iter().map(|(name, _)| name.as_str()).collect();
                serde_json::json!({
                    "raw_command": if lengths { redact::length(&command.raw_command) } else { redact::text(&command.raw_command) },
                    "shell": shown(command.shell.as_deref()), "run_as": shown(command.run_as.as_deref()),
                    "working_dir": shown(command.working_dir.as_deref()), "env_vars": names,
                })
                .to_string()
            }
        }
    }

    fn progress(&self) -> bool {
        match self {
            Self::Safe(command) => command.progress,
            Self::Unsafe(command) => command.progress,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Safe(command) => &command.id,
            Self::Unsafe(command) => &command.id,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Safe(command) => serde_json::to_vec(&command.params).map_or(0, |json| json.len()),
            Self::Unsafe(command) => {
                let env: usize = command.env_vars.iter().map(|(name, value)| name.len() + value.len()).sum();
                command.raw_command.len() + env
            }
        }
    }
}

/// No field of a command is without it.
fn shown(field: Option<&str>) -> Option<String> {
    field.map(redact::text)
}

impl Job {
    pub(super) fn new(
        command: CommandName,
        alias: &str,
        timeout: Duration,
        work: Unvalidated,
    ) -> Result<Self, CommandError> {
        let (bytes, id, progress) = (work.bytes(), work.id().to_owned(), work.progress());
        let work = match work {
            Unvalidated::Safe(safe) => Validated::Safe(Action::parse(&safe.action, &safe.params)?),
            Unvalidated::Unsafe(raw) => Validated::Unsafe(RawCommand::check(raw)?),
        };
        Ok(Self {
            name: command.name(),
            alias: alias.to_owned(),
            class: command.class(),
            timeout,
            work,
            id,
            progress,
            withdrawal: Arc::default(),
            until: None,
            tracing: None,
            bytes,
        })
    }

    /// The same, with its place in a trace, which a raw command finds in its environment.
    pub(super) fn traced(self, tracing: Option<&Tracing>) -> Self {
        let work = match (self.work, tracing) {
            (Validated::Unsafe(command), Some(tracing)) => {
                Validated::Unsafe(command.traced(tracing.context()))
            }
            (work, _) => work,
        };
        Self { work, tracing: tracing.cloned(), ..self }
    }

    /// How long it may wait, or run, from now on.
    fn time_left(&self) -> Duration {
        let Some(until) = self.until else { return self.timeout };
        let left = until.saturating_duration_since(Instant::now()).min(self.timeout);
        // The sentence about it is for people.
        Duration::from_millis(millis(left))
    }

    /// Whether the time of its batch is over.
    fn is_out_of_time(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// What the scheduler needs to know. Reads are equal when action, parameters and timeout are.
    pub(super) fn request(&self, id: &str) -> Request {
        let key =
            (self.class == ConcurrencyClass::Read).then(|| format!("{:?} {:?}", self.timeout, self.work));
        Request { id: id.to_owned(), class: self.class, key, bytes: self.bytes }
    }
}

/// The `response` for one id that waited for `result`.
pub(super) fn response(id: &str, command_type: &str, took: Duration, result: CommandResult) -> Response {
    let (mut response, outcome) = match result {
        Ok(outcome) => (Response::ok(id, command_type, Value::Null), outcome),
        // What it tells also reaches the log and the audit, not only the wire.
        Err(error) => {
            (Response::failed(id, command_type, error.code, one_line(&error.error)), *error.partial)
        }
    };
    response.execution_time_ms = millis(took);
    response.data = container(outcome.data);
    response.exit_code = outcome.exit_code;
    (response.stdout, response.stdout_truncated, response.stdout_bytes) = split(outcome.stdout);
    (response.stderr, response.stderr_truncated, response.stderr_bytes) = split(outcome.stderr);
    response
}

/// The contract promises an object or an array.
fn container(data: Value) -> Value {
    match data {
        Value::Object(_) | Value::Array(_) => data,
        _ => Value::Object(Map::new()),
    }
}

fn split(captured: Captured) -> (String, Option<bool>, Option<u64>) {
    let cut = captured.truncated.then_some(true);
    (captured.text, cut, cut.map(|_| captured.total_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_exec::CommandOutcome;
    use serde_json::json;

    #[test]
    fn a_success_carries_data_time_and_nothing_of_a_failure() {
        let result = CommandOutcome::of(&json!([1]));
        let response = response("7", "ServiceList", Duration::from_millis(12), result);
        assert!(response.success);
        assert_eq!((response.data, response.execution_time_ms), (json!([1]), 12));
        assert_eq!((response.error, response.error_code, response.stdout_truncated), (None, None, None));
    }

    #[test]
    fn data_is_an_empty_object_where_there_is_none() {
        let result = CommandOutcome::of(&Value::Null);
        assert_eq!(response("7", "X", Duration::ZERO, result).data, json!({}));
    }

    #[test]
    fn no_answer_has_more_output_than_the_bound_whether_it_failed_or_not() {
        let long: Captured = "é".repeat(1000).into();
        let outcome = CommandOutcome { stdout: long.clone(), stderr: long, ..CommandOutcome::default() };
        let mut error = CommandError::new(ErrorCode::ExecutionFailed, "failed");
        *error.partial = outcome.clone();
        for result in [Ok(outcome), Err(error)] {
            let response = response("7", "X", Duration::ZERO, bounded(result, 101));
            assert_eq!((response.stdout.len(), response.stderr.len()), (100, 100));
            assert_eq!((response.stdout_truncated, response.stdout_bytes), (Some(true), Some(2000)));
        }
    }

    #[test]
    fn cut_output_says_so_with_its_true_length() {
        let mut error = CommandError::new(ErrorCode::Timeout, "too slow");
        error.partial.stdout =
            Captured { text: "ab".into(), total_bytes: 9, truncated: true, ..Captured::default() };
        let response = response("7", "X", Duration::ZERO, Err(error));
        assert_eq!(
            (response.stdout.as_str(), response.stdout_truncated, response.stdout_bytes),
            ("ab", Some(true), Some(9))
        );
        assert_eq!((response.stderr_truncated, response.stderr_bytes), (None, None));
        assert_eq!(response.error_code, Some(ErrorCode::Timeout));
    }
}
