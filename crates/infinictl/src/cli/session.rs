//! One invocation: a connection, and how its results are shown.

use super::error::{CliError, how_to_look};
use super::global::Global;
use super::output::Output;
use super::terminal::while_waiting;
use super::trace;
use crate::client::{Client, ClientError, Event};
use infiniservice_protocol::action::ActionName;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{Action, HostMessage, Response};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// How long a reading request may take when `--timeout` does not say.
pub(super) const READING: Duration = Duration::from_secs(10);
/// How long a change may take when `--timeout` does not say: a systemd job's default of 90 s, and a little more.
pub(super) const CHANGING: Duration = Duration::from_secs(120);
/// The least that a change of packages gets.
const PACKAGE_FLOOR: Duration = Duration::from_mins(10);
/// After the guest's own time for a command its answer, with what there was of output, still has to come.
const GRACE: Duration = Duration::from_secs(1);

/// How long the guest may take for an action: it waits for a place as long as it may run, and then runs so long.
pub(super) fn answer_timeout(action: &Action) -> Duration {
    Duration::from_secs(2 * action.name().default_timeout_secs())
}

/// How long the guest may take to end what Ctrl-C is for: its programs get two seconds to end by themselves.
const CANCELLING: Duration = Duration::from_secs(5);

/// What the guest does for us.
#[derive(Clone, Debug)]
struct UnderWay {
    /// For people.
    what: String,
    /// The command's id, where it can be asked to end.
    id: Option<String>,
}

/// A connection with its flags.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) out: Output,
    pub(super) timeout: Option<Duration>,
    /// What `--wait` says.
    pub(super) wait: Option<Duration>,
    /// What signs our lines; a bug report must not hold it.
    pub(super) secret: Option<String>,
    /// Whether our lines are sealed.
    pub(super) sealed: bool,
    /// The place of our requests in a trace.
    trace: Option<TraceContext>,
    /// What the guest is doing for us now.
    under_way: RefCell<Option<UnderWay>>,
}

impl Session {
    /// Connects as the flags say.
    pub(super) async fn open(global: &Global) -> Result<Self, CliError> {
        let client = while_waiting("connecting", global.connect()).await?;
        Ok(Self {
            client,
            out: Output::new(global.json, global.no_color),
            timeout: global.timeout,
            wait: global.wait,
            secret: global.secret()?,
            sealed: global.seal_key.is_some(),
            trace: global.trace.then(trace::context).transpose()?,
            under_way: RefCell::new(None),
        })
    }

    /// Ends the connection, and a local agent in order.
    pub(super) async fn close(self) {
        while_waiting("ending the agent", self.client.close()).await;
    }

    /// How long to wait for an answer that is there at once.
    pub(super) fn wait(&self) -> Duration {
        self.wait.or(self.timeout).unwrap_or(READING)
    }

    /// At Ctrl-C: ends in the guest what it does for us, where it can be ended, and says in a sentence what is left.
    pub(super) async fn interrupted(&self) -> CliError {
        let Some(UnderWay { what, id }) = self.under_way.borrow().clone() else {
            return CliError::Interrupted("interrupted; nothing is running in the guest".into());
        };
        let ended = match id {
            Some(target) => while_waiting("ending it in the guest", self.cancelled(target)).await,
            None => false,
        };
        CliError::Interrupted(if ended {
            format!("interrupted; the guest has ended: {what}")
        } else {
            format!("interrupted; the guest continues: {what}")
        })
    }

    /// Whether the guest ended a command. A second Ctrl-C ends the waiting.
    async fn cancelled(&self, target: String) -> bool {
        let message = HostMessage::Cancel { id: self.client.new_id(), target };
        let answer = tokio::select! {
            answer = self.client.call(&message, CANCELLING) => answer,
            _ = tokio::signal::ctrl_c() => return false,
        };
        let answer = answer.ok();
        let answer = answer.as_ref().and_then(|event| event.message());
        matches!(answer, Some(GuestMessage::Response(response)) if response.success)
    }

    /// What the guest goes on with whatever becomes of this end.
    pub(super) fn goes_on_with(&self, what: Option<String>) {
        self.under_way.replace(what.map(|what| UnderWay { what, id: None }));
    }

    /// Sends a message and shows its answer: as it came, or as `render` makes it for people.
    pub(super) async fn exchange(
        &self,
        message: &HostMessage,
        render: impl FnOnce(&GuestMessage, Output) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let message = trace::traced(message, self.trace.as_ref());
        let event = while_waiting("waiting for the guest", self.client.call(&message, self.wait())).await?;
        trace::tell(event.message(), self.trace.as_ref().filter(|_| message.untraced().may_be_traced()));
        self.show(&event, render)
    }

    /// Runs a safe command and shows its response. `default_wait` holds where `--timeout` does not say.
    pub(super) async fn command<D: DeserializeOwned>(
        &self,
        action: &Action,
        default_wait: Duration,
        what: &str,
        render: impl FnOnce(&D, Output) -> String,
    ) -> Result<(), CliError> {
        let event = self.request(action, default_wait, what).await?;
        self.show(&event, |message, out| match message {
            GuestMessage::Response(response) => Ok(render(&data(response)?, out)),
            _ => Err(wrong_answer(what)),
        })
    }

    /// The same for an action that has its time: waits as long as the guest may take.
    pub(super) async fn long_command<D: DeserializeOwned>(
        &self,
        action: &Action,
        what: &str,
        render: impl FnOnce(&D, Output) -> String,
    ) -> Result<(), CliError> {
        self.command(action, answer_timeout(action), what, render).await
    }

    /// Runs a safe command; its response may be a failure, and is not shown.
    pub(super) async fn request(
        &self,
        action: &Action,
        default_wait: Duration,
        what: &str,
    ) -> Result<Arc<Event>, CliError> {
        let timeout = self.timeout.map(|timeout| for_guest(action, timeout));
        if timeout != self.timeout {
            let floor = PACKAGE_FLOOR.as_secs();
            eprintln!(
                "infinictl: the guest gets {floor} s, the minimum for a package change; --wait sets how \
                 long infinictl waits"
            );
        }
        let default_wait = timeout.unwrap_or(default_wait);
        self.message(&self.client.command(action, timeout), default_wait, what).await
    }

    /// Sends a command that may take a while, and waits for its answer: as long as the guest may take, or as `--wait` says.
    pub(super) async fn message(
        &self,
        message: &HostMessage,
        default_wait: Duration,
        what: &str,
    ) -> Result<Arc<Event>, CliError> {
        while_waiting(what, self.message_unseen(message, default_wait, what)).await
    }

    /// The same without a word on the terminal.
    pub(super) async fn message_unseen(
        &self,
        message: &HostMessage,
        default_wait: Duration,
        what: &str,
    ) -> Result<Arc<Event>, CliError> {
        let wait = self.wait.unwrap_or(default_wait + GRACE);
        let goes_on = under_way(message, what);
        let id = id_of(message);
        self.under_way.replace(Some(UnderWay { what: goes_on.clone(), id }));
        let traced = trace::traced(message, self.trace.as_ref());
        let answer = self.client.call(&traced, wait).await;
        self.goes_on_with(None);
        if let Ok(event) = &answer {
            trace::tell(event.message(), self.trace.as_ref());
        }
        match answer {
            Err(ClientError::TimedOut { heard, .. }) if self.wait.is_some() && !heard.explains() => {
                Err(CliError::TimedOut(format!(
                    "no answer within {} s (--wait); the guest continues: {goes_on}",
                    wait.as_secs_f64()
                )))
            }
            answer => Ok(answer?),
        }
    }

    /// Shows an answer. A failure is shown as JSON where that is asked for, and is an error in any case.
    pub(super) fn show(
        &self,
        event: &Arc<Event>,
        render: impl FnOnce(&GuestMessage, Output) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let message = event.message().ok_or_else(|| wrong_answer("the request"))?;
        if self.out.json {
            self.out.document(&event.raw)?;
        }
        match message {
            GuestMessage::Response(response) if !response.success => {
                Err(CliError::Refused(Box::new(response.clone())))
            }
            _ if self.out.json => Ok(()),
            message => self.out.text(&render(message, self.out)?),
        }
    }
}

/// What the guest is given for an action: changes of packages are given their time by an impatient host, too.
fn for_guest(action: &Action, timeout: Duration) -> Duration {
    if action.name().changes_packages() { timeout.max(PACKAGE_FLOOR) } else { timeout }
}

/// The id by which a command can be asked to end.
fn id_of(message: &HostMessage) -> Option<String> {
    match message {
        HostMessage::SafeCommand(command) => Some(command.id.clone()),
        HostMessage::UnsafeCommand(command) => Some(command.id.clone()),
        HostMessage::Batch(batch) => Some(batch.id.clone()),
        _ => None,
    }
}

/// What goes on in the guest, and for a change of packages how to see what comes of it.
fn under_way(message: &HostMessage, what: &str) -> String {
    match message {
        HostMessage::SafeCommand(command) if changes_packages(&command.action) => {
            format!("{what}; {}", how_to_look(&command.id))
        }
        _ => what.to_owned(),
    }
}

/// A response's data, typed.
pub(super) fn data<D: DeserializeOwned>(response: &Response) -> Result<D, CliError> {
    D::deserialize(&response.data).map_err(|error| {
        let action = &response.command_type;
        CliError::Failed(format!(
            "the guest's answer to {action} cannot be parsed ({error}); --json shows it unchanged"
        ))
    })
}

/// The answer is of another kind than the request.
pub(super) fn wrong_answer(what: &str) -> CliError {
    CliError::Client(ClientError::WrongAnswer { what: what.to_owned() })
}

/// Whether the action of this name changes packages.
fn changes_packages(name: &str) -> bool {
    ActionName::from_name(name).is_some_and(ActionName::changes_packages)
}
